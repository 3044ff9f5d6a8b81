#include "kernel/proc/shutdown.h"
#include "arch/clock.h"
#include "arch/context.h"
#include "arch/cpu.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/log.h"
#include "kernel/mm/huge.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/proc_internal.h"

static bool ending; /* [a] */

bool kernel_is_ending(void)
{
	return load_relaxed(&ending);
}

NORETURN static void stop_machine(enum shutdown how)
{
	if (how == SHUTDOWN_POWER_OFF)
		arch_power_off();
	if (how == SHUTDOWN_RESTART)
		arch_reset();
	log_info("System halted");
	arch_halt();
}

#if DEBUG_BUILD

enum { PATIENCE_NS = 5000000000, LOOK_EVERY_NS = 5000000, GRACE_PERIODS = 8 };
static struct thread *undertaker;
static enum shutdown wanted;

/* Kills every process from number `first` on. => true when there was one. */
static bool kill_from(s32 first)
{
	struct process *p;
	bool any = false;

	for (s32 pid = first; (p = process_next(&pid)); pid++) {
		struct sighand *s = sighand_lock(p);
		process_kill_locked(p, SIGKILL);
		sighand_unlock(s);
		process_put(p);
		any = true;
	}
	return any;
}

/* Process 1 is stopped in whatever it does: its zombies are collected here. */
static void reap_for_init(void)
{
	struct process *init, *p, *next;
	struct list dead = LIST_INIT(dead);

	spin_lock(&task_list_lock);
	init = process_find(1);
	if (init)
		list_for_each_safe (p, next, &init->zombies, sibling) {
			process_reap_locked(p);
			list_add_tail(&dead, &p->sibling);
		}
	spin_unlock(&task_list_lock);
	process_drop_dead(&dead);
}

static void kill_until_gone(s32 first, u32 tasks_left)
{
	u64 deadline = clock_mono_ns() + PATIENCE_NS;

	while (kill_from(first) || task_count() > tasks_left) {
		reap_for_init();
		if (clock_mono_ns() > deadline) {
			log_warn("shutdown: %u tasks will not end", task_count());
			return;
		}
		(void)park(clock_mono_ns() + LOOK_EVERY_NS, PARK_UNINTERRUPTIBLE);
	}
}

/* Process 1 would start anew what is killed: it stops at its next way to user space. */
static void freeze_init(void)
{
	struct process *init = process_lookup(1);

	if (!init)
		return;
	struct sighand *s = sighand_lock(init);
	if (!(init->group_flags & GROUP_EXITING))
		signal_stop_begin_locked(init, SIGSTOP);
	sighand_unlock(s);
	process_put(init);
}

static void undertaker_main(void *unused)
{
	while (!kernel_is_ending())
		(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
	freeze_init();
	kill_until_gone(2, 1);
	kill_until_gone(1, 0);
	page_poison_stop();
	proc_hooks_for_each(h) if ((*h)->shutdown)(*h)->shutdown();
	/* Callbacks free objects whose callbacks free more. */
	for (int i = 0; i < GRACE_PERIODS; i++)
		rcu_synchronize();
	arch_stacks_drain();
	log_info("leak report: %llu",
	         (unsigned long long)(slab_leak_report() + huge_pool_shutdown()));
	stop_machine(wanted);
}

void shutdown_init(void)
{
	undertaker = kthread_start(undertaker_main, NULL, "shutdown");
	if (is_err(undertaker))
		panic("boot: no memory");
}

void kernel_shutdown(enum shutdown how)
{
	wanted = how;
	store_release(&ending, true);
	unpark(undertaker);
	while (!signal_pending_fatal())
		(void)park(PARK_FOREVER, PARK_KILLABLE);
	task_exit_group(SIGKILL);
}

#else

void shutdown_init(void) {}

void kernel_shutdown(enum shutdown how)
{
	store_relaxed(&ending, true);
	stop_machine(how);
}
#endif
