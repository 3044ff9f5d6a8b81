#include "kernel/proc/cpu_clock.h"
#include "kernel/proc/task.h"
#include "kernel/sched/account.h"

bool clock_is_own_thread(s32 id)
{
	s32 tid = ~(id >> CPU_CLOCK_PID_SHIFT);
	return id & CPU_CLOCK_OF_THREAD && (!tid || tid == task_current()->tid);
}

static s32 id_of_caller(s32 id)
{
	if (id == CLOCK_PROCESS_CPUTIME_ID)
		return ~0 << CPU_CLOCK_PID_SHIFT | CPU_CLOCK_SCHEDULED;
	return id == CLOCK_THREAD_CPUTIME_ID
	               ? ~0 << CPU_CLOCK_PID_SHIFT | CPU_CLOCK_OF_THREAD | CPU_CLOCK_SCHEDULED
	               : id;
}

int cpu_clock_get(s32 id, struct cpu_clock *out)
{
	struct task *me = task_current();
	s32 named = id_of_caller(id), pid = ~(named >> CPU_CLOCK_PID_SHIFT);

	/* A clock that is a descriptor: there are no such devices. */
	if ((named & CPU_CLOCK_WHICH) == CPU_CLOCK_DESCRIPTOR)
		return -EINVAL;
	*out = (struct cpu_clock){.user_only = (named & CPU_CLOCK_WHICH) == CPU_CLOCK_VIRTUAL};
	if (named & CPU_CLOCK_OF_THREAD)
		out->task = task_lookup(pid ? pid : me->tid);
	else
		out->process = process_lookup(!pid || pid == me->tid ? me->process->pid : pid);
	if (out->process || (out->task && out->task->process == me->process))
		return 0;
	cpu_clock_put(out);
	return -EINVAL;
}

void cpu_clock_put(struct cpu_clock *c)
{
	if (c->task)
		task_put(c->task);
	if (c->process)
		process_put(c->process);
	*c = (struct cpu_clock){};
}

u64 cpu_clock_ns(const struct cpu_clock *c)
{
	struct process_times times;

	if (c->process)
		process_times(c->process, &times);
	else if (c->user_only)
		thread_cpu_times(&c->task->thread, &times.user_ns, &times.system_ns);
	else
		return thread_cpu_ns(&c->task->thread);
	return c->user_only ? times.user_ns : times.user_ns + times.system_ns;
}
