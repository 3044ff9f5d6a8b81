#include "kernel/proc/uts.h"
#include "kernel/lib/string.h"
#include "kernel/sync/spinlock.h"

static struct spinlock uts_lock = SPINLOCK_INIT(LEAF);
static struct utsname_abi uts = {
	.sysname = "Linux",
	.nodename = "halyard",
	.release = "6.1.0-halyard",
	.version = "#1 SMP Halyard",
	.machine = "x86_64",
	.domainname = "(none)",
};

void uts_get(struct utsname_abi *out)
{
	GUARD(spin)(&uts_lock);
	*out = uts;
}

int uts_set(enum uts_field field, const char *text, size_t length)
{
	char *to = field == UTS_NODENAME ? uts.nodename : uts.domainname;
	if (length >= UTS_LEN)
		return -EINVAL;
	GUARD(spin)(&uts_lock);
	memset(to, 0, UTS_LEN);
	memcpy(to, text, length);
	return 0;
}
