#include "abi/process.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/proc/rseq.h"
#include "kernel/proc/shutdown.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uts.h"
#include "kernel/sched/account.h"
#include "syscalls/syscall.h"

SYSCALL1(uname, uptr_t, out)
{
	struct utsname_abi name;

	uts_get(&name);
	return copy_to_user(out, &name, sizeof(name));
}

static long set_field(enum uts_field field, uptr_t from, int length)
{
	char text[UTS_LEN];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (length < 0 || length >= UTS_LEN)
		return -EINVAL;
	TRY(copy_from_user(text, from, length));
	return uts_set(field, text, length);
}

SYSCALL2(sethostname, uptr_t, name, int, length)
{
	return set_field(UTS_NODENAME, name, length);
}

SYSCALL2(setdomainname, uptr_t, name, int, length)
{
	return set_field(UTS_DOMAINNAME, name, length);
}

SYSCALL1(sysinfo, uptr_t, out)
{
	enum { LOAD_SHIFT = 16 - 11 }; /* 16 fractional bits here, 11 inside */
	struct sysinfo_abi s = {.mem_unit = 1};
	struct page_stats memory;
	u32 load[3];

	page_stats(&memory);
	sched_loadavg(load);
	for (int i = 0; i < 3; i++)
		s.loads[i] = (u64)load[i] << LOAD_SHIFT;
	s.uptime = clock_mono_ns() / 1000000000;
	s.totalram = memory.total * PAGE_SIZE;
	s.freeram = memory.free * PAGE_SIZE;
	s.sharedram = memory.object * PAGE_SIZE;
	s.procs = MIN(task_count(), (u32)UINT16_MAX);
	return copy_to_user(out, &s, sizeof(s));
}

SYSCALL1(personality, u32, persona)
{
	struct process *p = process_current();
	u32 old = p->personality;

	if (persona != UINT32_MAX)
		p->personality = persona;
	return old;
}

SYSCALL4(reboot, u32, magic, u32, magic2, u32, command, uptr_t, arg)
{
	enum {
		MAGIC1 = 0xfee1dead,
		RESTART = 0x1234567,
		HALT = 0xcdef0123,
		POWER_OFF = 0x4321fedc,
		RESTART2 = 0xa1b2c3d4,
		CAD_ON = 0x89abcdef,
		CAD_OFF = 0
	};

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic != MAGIC1 || (magic2 != 672274793 && magic2 != 85072278 && magic2 != 369367448 &&
	                        magic2 != 537993216))
		return -EINVAL;
	switch (command) {
	case CAD_ON:
	case CAD_OFF: return 0;
	case RESTART:
	case RESTART2: kernel_shutdown(SHUTDOWN_RESTART);
	case HALT: kernel_shutdown(SHUTDOWN_HALT);
	case POWER_OFF: kernel_shutdown(SHUTDOWN_POWER_OFF);
	default: return -EINVAL;
	}
}

SYSCALL4(rseq, uptr_t, area, u32, length, int, flags, u32, signature)
{
	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags != RSEQ_FLAG_UNREGISTER ? -EINVAL
		                                     : rseq_unregister(area, length, signature);
	return flags ? -EINVAL : rseq_register(area, length, signature);
}
