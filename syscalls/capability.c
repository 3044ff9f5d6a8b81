#include "abi/process.h"
#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/proc/cred.h"
#include "syscalls/syscall.h"

/* capget(2), capset(2). Sets are 64 bits wide inside; version 1 shows the low half. */

/* => words per set, or -EINVAL after writing the preferred version back, as the man page says. */
static int header_read(uptr_t header, struct cap_header_abi *h)
{
	TRY(copy_from_user(h, header, sizeof(*h)));
	switch (h->version) {
	case CAP_VERSION_1: return 1;
	case CAP_VERSION_2:
	case CAP_VERSION_3: return 2;
	default: break;
	}
	u32 preferred = CAP_VERSION_3;
	TRY(copy_to_user(header, &preferred, sizeof(preferred)));
	return -EINVAL;
}

static int caps_of(s32 pid, struct cap_data_abi out[2])
{
	AUTO_PUT(task) t = NULL;
	const struct cred *c;

	if (pid < 0)
		return -EINVAL;
	if (pid) {
		t = task_lookup(pid);
		if (!t)
			return -ESRCH;
	}
	c = task_cred_get(t ?: task_current());
	for (int i = 0; i < 2; i++)
		out[i] = (struct cap_data_abi){.effective = c->cap_effective >> (32 * i),
		                               .permitted = c->cap_permitted >> (32 * i),
		                               .inheritable = c->cap_inheritable >> (32 * i)};
	cred_put(c);
	return 0;
}

SYSCALL2(capget, uptr_t, header, uptr_t, data)
{
	struct cap_data_abi sets[2];
	struct cap_header_abi h;
	int words = header_read(header, &h);

	/* Probing for the version: a null data pointer is no error then. */
	if (words < 0)
		return words == -EINVAL && uptr_null(data) ? 0 : words;
	TRY(caps_of(h.pid, sets));
	return uptr_null(data) ? 0 : copy_to_user(data, sets, words * sizeof(sets[0]));
}

/* capabilities(7), "Programmatically adjusting capability sets". */
static int check_change(const struct cred *old, u64 effective, u64 permitted, u64 inheritable)
{
	u64 settable = old->cap_inheritable | old->cap_permitted;

	if (cred_capable(old, CAP_SETPCAP))
		settable = UINT64_MAX;
	if (inheritable & ~settable || inheritable & ~(old->cap_inheritable | old->cap_bounding))
		return -EPERM;
	if (permitted & ~old->cap_permitted)
		return -EPERM;
	return effective & ~permitted ? -EPERM : 0;
}

SYSCALL2(capset, uptr_t, header, uptr_t, data)
{
	const struct cred *old = cred_current();
	struct cap_data_abi sets[2] = {0};
	struct cap_header_abi h;
	int words = TRY(header_read(header, &h));

	if (h.pid && h.pid != task_current()->tid)
		return -EPERM;
	TRY(copy_from_user(sets, data, words * sizeof(sets[0])));
	u64 effective = (sets[0].effective | (u64)sets[1].effective << 32) & CAP_FULL;
	u64 permitted = (sets[0].permitted | (u64)sets[1].permitted << 32) & CAP_FULL;
	u64 inheritable = (sets[0].inheritable | (u64)sets[1].inheritable << 32) & CAP_FULL;
	TRY(check_change(old, effective, permitted, inheritable));
	struct cred *c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->cap_effective = effective;
	c->cap_permitted = permitted;
	c->cap_inheritable = inheritable;
	c->cap_ambient &= permitted & inheritable;
	cred_commit(c);
	return 0;
}
