#include "kernel/sched/softirq.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/timer.h"

PERCPU(u32, irq_pending);
void (*softirq_serial)(void);

void softirq_raise(u32 bits)
{
	/* One instruction each, against the interrupt that comes while softirq_run() takes the bits. */
	__atomic_fetch_or(this_cpu_ptr(irq_pending), bits, __ATOMIC_RELAXED);
	__atomic_fetch_or(&thread_current()->work, THREAD_WORK_IRQ, __ATOMIC_RELAXED);
}

void softirq_run(void)
{
	u32 bits;

	lockdep_assert_may_sleep(LOCKDEP_HERE);
	__atomic_fetch_and(&thread_current()->work, ~(u32)THREAD_WORK_IRQ, __ATOMIC_RELAXED);
	while ((bits = __atomic_exchange_n(this_cpu_ptr(irq_pending), 0, __ATOMIC_RELAXED))) {
		if (bits & SOFTIRQ_TIMER) {
			timers_run();
			sched_tick();
		}
		if (bits & SOFTIRQ_SERIAL && softirq_serial)
			softirq_serial();
		if (bits & SOFTIRQ_RCU)
			rcu_advance();
	}
}
