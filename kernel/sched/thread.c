#include "kernel/lib/bug.h"
#include "kernel/lib/result.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/realtime.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/timer.h"

static PERCPU(struct thread, idle_thread);

void thread_init(struct thread *t, const char *name)
{
	struct thread *parent = thread_current();

	t->work = 0;
	t->park_token = PARK_NONE;
	strlcpy(t->name, name, sizeof(t->name));
	t->park_kind = PARK_UNINTERRUPTIBLE;
	t->leaving = THREAD_STAYS;
	t->state = THREAD_NEW;
	t->policy = parent->policy;
	t->rt_priority = parent->rt_priority;
	t->nice = parent->nice;
	t->boost = 0;
	t->reset_on_fork = false;
	/* sched(7), "Reset scheduling policy for child processes". */
	if (unlikely(parent->reset_on_fork)) {
		if (t->rt_priority)
			t->policy = SCHED_OTHER;
		t->rt_priority = 0;
		t->nice = MAX(t->nice, (s8)0);
	}
	t->affinity = parent->affinity;
	t->cpu = cpu_id();
	list_init(&t->run_link);
	t->total_cycles = t->rt_since = 0;
	t->switches_voluntary = t->switches_forced = 0;
	t->shown.user_ns = t->shown.system_ns = 0;
	t->samples_user = t->samples_system = 0;
	t->cpu_watch_cycles = t->cpu_watch_every = 0;
	t->pagefault_disabled = 0;
#if DEBUG_BUILD
	t->lockdep.depth = 0;
	t->fail_countdown = 0;
	t->fail_armed = false;
#endif
	thread_weigh(t);
}

void thread_start(struct thread *t)
{
	struct thread *parent = thread_current();
	struct run_queue *rq = this_cpu_ptr(run_queue);

	/* A child shares what its parent has left, else a thread could run for ever by making new ones. */
	if (t->policy == SCHED_RR) {
		t->slice = sched_rr_slice;
	} else {
		t->slice = parent->slice = parent->slice / 2;
		t->epoch = rq->epoch;
	}
	t->cpu = rq->cpu;
	store_relaxed(&t->state, THREAD_RUNNABLE);
	thread_place(t);
}

struct kthread {
	struct thread thread;
	void (*fn)(void *arg);
	void *arg;
	struct rcu_head rcu;
};

static void kthread_main(void *arg)
{
	struct kthread *k = arg;

	k->fn(k->arg);
	thread_exit();
}

static void kthread_free(struct rcu_head *head)
{
	kfree(container_of(head, struct kthread, rcu));
}

static void kthread_release(struct thread *t)
{
	arch_thread_destroy(&t->arch);
	rcu_call(&container_of(t, struct kthread, thread)->rcu, kthread_free);
}

struct thread *kthread_start(void (*fn)(void *arg), void *arg, const char *name)
{
	struct kthread *k = kzalloc(sizeof(*k));
	struct thread *t;
	int err;

	if (!k)
		return err_ptr(-ENOMEM);
	t = &k->thread;
	k->fn = fn;
	k->arg = arg;
	thread_init(t, name);
	t->release = kthread_release;
	/* The maker may be a user thread of any policy; the kernel's own work is ordinary. */
	t->policy = SCHED_OTHER;
	t->rt_priority = 0;
	t->nice = 0;
	t->affinity.bits = UINT64_MAX;
	thread_weigh(t);
	err = arch_thread_init(&t->arch, kthread_main, k);
	if (err) {
		kfree(k);
		return err_ptr(err);
	}
	thread_start(t);
	return t;
}

void sched_init_cpu(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	struct thread *idle = this_cpu_ptr(idle_thread);

	sched_init();
	timers_init_cpu();
	rcu_init_cpu();
	realtime_init_cpu();
	*rq = (struct run_queue){.cpu = cpu_id(), .running = idle, .idle = idle};
	list_init(&rq->fair[0]);
	list_init(&rq->fair[1]);
	rq->active = &rq->fair[0];
	rq->expired = &rq->fair[1];
	for (u32 i = 0; i < RT_LEVELS; i++)
		list_init(&rq->rt[i]);
	strlcpy(idle->name, "idle", sizeof(idle->name));
	idle->state = THREAD_RUNNABLE;
	idle->policy = SCHED_IDLE; /* not an ordinary thread: rank is not 0 */
	idle->cpu = cpu_id();
	idle->affinity.bits = UINT64_MAX;
	list_init(&idle->run_link);
	idle->last_in = clock_cycles();
	this_cpu(current) = idle;
}
