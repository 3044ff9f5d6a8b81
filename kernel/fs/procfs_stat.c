/* /proc/PID/{stat,statm,schedstat}: one line of numbers, proc(5). */
#include "kernel/dev/tty.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/sched/account.h"

enum { NS_PER_TICK = 10000000 }; /* USER_HZ is 100 */

/* What must be read together, under task_list_lock. */
struct proc_family {
	s32 ppid, pgid, sid;
	u32 threads;
	s32 exit_signal, exit_code;
};

static struct proc_family proc_family(struct task *t)
{
	struct process *p = t->process;
	GUARD(spin)(&task_list_lock);
	return (struct proc_family){
		.ppid = p->parent ? p->parent->pid : 0,
		.pgid = p->pgid,
		.sid = p->sid,
		.threads = p->thread_count,
		.exit_signal = p->exit_signal,
		.exit_code = p->state == PROCESS_LIVE ? 0 : p->exit_code,
	};
}

struct proc_memory {
	u64 size_bytes, resident, code_start, code_end, stack, data_start, data_end, brk, arg_start,
		arg_end, env_start, env_end;
};

static struct proc_memory proc_memory(struct task *t)
{
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return (struct proc_memory){0};
	GUARD(read)(&as->lock);
	struct proc_memory m = {.size_bytes = as->total_pages * PAGE_SIZE,
	                        .resident = as->resident_pages};
	if (!proc_may_inspect(t)) {
		m.code_start = m.code_end =
			1; /* as Linux: neither addresses nor the sign of a kernel thread */
		return m;
	}
	m.code_start = as->code_start;
	m.code_end = as->code_end;
	m.stack = as->stack_top;
	m.data_start = as->data_start;
	m.data_end = as->data_end;
	m.brk = as->brk_start;
	m.arg_start = as->arg_start;
	m.arg_end = as->arg_end;
	m.env_start = as->env_start;
	m.env_end = as->env_end;
	return m;
}

static unsigned long long ticks(u64 ns)
{
	return ns / NS_PER_TICK;
}

static void stat_signals(struct seq *s, struct task *t)
{
	sigset_t pending, shared, ignored, caught;
	signal_pending_sets(t, &pending, &shared);
	signal_action_sets(t->process, &ignored, &caught);
	enum { SHOWN = 0x7fffffff }; /* obsolete fields: realtime signals are in status only */
	seq_printf(s, " %llu %llu %llu %llu", (unsigned long long)(pending & SHOWN),
	           (unsigned long long)(t->blocked & SHOWN), (unsigned long long)(ignored & SHOWN),
	           (unsigned long long)(caught & SHOWN));
}

static void stat_memory_tail(struct seq *s, const struct proc_memory *m, s32 exit_code)
{
	seq_printf(s, " %llu %llu %llu %llu %llu %llu %llu %d\n", (unsigned long long)m->data_start,
	           (unsigned long long)m->data_end, (unsigned long long)m->brk,
	           (unsigned long long)m->arg_start, (unsigned long long)m->arg_end,
	           (unsigned long long)m->env_start, (unsigned long long)m->env_end, exit_code);
}

static s32 stat_priority(const struct thread *th)
{
	/* The effective one: with what was lent to it. */
	return th->priority ? -1 - th->priority : 20 + th->nice;
}

static int show_stat(struct seq *s, struct task *t, const struct process_times *now,
                     const struct process_times *children)
{
	enum { PF_EXITING = 4, PF_FORKNOEXEC = 0x40, PF_RANDOMIZE = 0x400000 };
	struct process *p = t->process;
	const struct thread *th = &t->thread;
	struct proc_family f = proc_family(t);
	struct proc_memory m = proc_memory(t);
	u32 tty;
	s32 foreground;
	tty_describe(p, &tty, &foreground);
	u32 flags =
		PF_RANDOMIZE | (p->did_exec ? 0 : PF_FORKNOEXEC) | (t->exiting ? PF_EXITING : 0);
	bool permitted = proc_may_inspect(t);

	seq_printf(
		s, "%d (%s) %c %d %d %d %d %d %u %llu %llu %llu %llu", t->tid, th->name,
		task_state_letter(t), f.ppid, f.pgid, f.sid, (s32)tty, foreground, flags,
		(unsigned long long)now->faults_minor, (unsigned long long)children->faults_minor,
		(unsigned long long)now->faults_major, (unsigned long long)children->faults_major);
	seq_printf(s, " %llu %llu %llu %llu %d %d %u 0 %llu", ticks(now->user_ns),
	           ticks(now->system_ns), ticks(children->user_ns), ticks(children->system_ns),
	           stat_priority(th), th->nice, f.threads, ticks(t->start_ns));
	seq_printf(s, " %llu %llu %llu %llu %llu %llu 0 0", (unsigned long long)m.size_bytes,
	           (unsigned long long)m.resident,
	           (unsigned long long)load_relaxed(&p->rlimits.limit[RLIMIT_RSS].soft),
	           (unsigned long long)m.code_start, (unsigned long long)m.code_end,
	           (unsigned long long)m.stack);
	stat_signals(s, t);
	seq_printf(s, " 0 0 0 %d %u %u %u 0 0 0", f.exit_signal, th->cpu, th->rt_priority,
	           th->policy);
	stat_memory_tail(s, &m, permitted ? f.exit_code : 0);
	return 0;
}

int proc_show_stat(struct seq *s, struct task *t)
{
	struct process_times now, children;
	process_times(t->process, &now);
	struct sighand *lock = sighand_lock(t->process);
	children = t->process->children_times;
	sighand_unlock(lock);
	return show_stat(s, t, &now, &children);
}

int proc_show_thread_stat(struct seq *s, struct task *t)
{
	struct process_times now, none = {0};
	task_times(t, &now);
	return show_stat(s, t, &now, &none);
}

int proc_show_statm(struct seq *s, struct task *t)
{
	u64 size = 0, resident = 0, shared = 0, text = 0, data = 0;
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (as) {
		GUARD(read)(&as->lock);
		size = as->total_pages;
		resident = as->resident_pages;
		shared = resident - MIN(as->resident_anon, resident);
		text = (ROUND_UP(as->code_end, PAGE_SIZE) - ROUND_DOWN(as->code_start, PAGE_SIZE)) /
		       PAGE_SIZE;
		data = as->data_pages + as->stack_pages;
	}
	seq_printf(s, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)size,
	           (unsigned long long)resident, (unsigned long long)shared,
	           (unsigned long long)text, (unsigned long long)data);
	return 0;
}

int proc_show_schedstat(struct seq *s, struct task *t)
{
	const struct thread *th = &t->thread;
	seq_printf(s, "%llu 0 %llu\n", (unsigned long long)thread_cpu_ns(th),
	           (unsigned long long)(th->switches_voluntary + th->switches_forced));
	return 0;
}
