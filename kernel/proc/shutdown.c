#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/lib/log.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/proc/shutdown.h"

#if DEBUG_BUILD
enum { PATIENCE_NS = 3000000000, LOOK_EVERY_NS = 10000000 };

/* Everything but the caller is killed, so that what they held is given back before leaks are counted. */
static void end_processes(void)
{
	struct process *me = process_current(), *p;
	u64 deadline = clock_mono_ns() + PATIENCE_NS;

	for (s32 pid = 1; (p = process_next(&pid)); pid++) {
		struct sighand *s = sighand_lock(p);
		if (p != me && pid != 1)
			process_kill_locked(p, SIGKILL);
		sighand_unlock(s);
		process_put(p);
	}
	while (task_count() > 2 && clock_mono_ns() < deadline)
		(void)park(clock_mono_ns() + LOOK_EVERY_NS, PARK_UNINTERRUPTIBLE);
}

static void report_leaks(void)
{
	end_processes();
	rcu_synchronize();
	rcu_synchronize();
	u64 leaks = slab_leak_report();
	log_info("leak report: %llu", (unsigned long long)leaks);
}
#else
static void report_leaks(void) {}
#endif

void kernel_shutdown(enum shutdown how)
{
	report_leaks();
	switch (how) {
	case SHUTDOWN_POWER_OFF: arch_power_off();
	case SHUTDOWN_RESTART: arch_reset();
	case SHUTDOWN_HALT: break;
	}
	log_info("System halted");
	arch_halt();
}
