#include "abi/signal.h"
#include "kernel/mm/page.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/proc/wait.h"

void rusage_fill(struct rusage_abi *out, const struct process_times *t)
{
	*out = (struct rusage_abi){
		.utime = {t->user_ns / 1000000000, t->user_ns % 1000000000 / 1000},
		.stime = {t->system_ns / 1000000000, t->system_ns % 1000000000 / 1000},
		.maxrss = t->max_rss * (PAGE_SIZE / 1024),
		.minflt = t->faults_minor,
		.majflt = t->faults_major,
		.nvcsw = t->switches_voluntary,
		.nivcsw = t->switches_forced,
	};
}

static bool request_matches(const struct wait_request *r, const struct process *p)
{
	switch (r->type) {
	case P_PID:
		if (p->pid != r->id)
			return false;
		break;
	case P_PGID:
		if (p->pgid != r->id)
			return false;
		break;
	case P_PIDFD:
		if (p != r->process)
			return false;
		break;
	default: break;
	}
	/* wait(2): a clone child is one that delivers something else than SIGCHLD. */
	bool clone_child = p->exit_signal != SIGCHLD;
	if (!(r->options & __WALL) && clone_child != !!(r->options & __WCLONE))
		return false;
	return !(r->options & __WNOTHREAD) || p->creator == task_current();
}

static void result_begin(struct process *p, struct wait_result *out)
{
	*out = (struct wait_result){.pid = p->pid, .uid = p->leader->cred->uid};
}

static void take_zombie(struct process *p, const struct wait_request *r, struct wait_result *out)
{
	struct process_times all = p->dead;

	result_begin(p, out);
	process_times_add(&all, &p->children_times);
	rusage_fill(&out->usage, &all);
	out->wait_status = p->exit_code;
	if (p->exit_code & 0x7f) {
		out->code = p->exit_code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		out->status = p->exit_code & 0x7f;
	} else {
		out->code = CLD_EXITED;
		out->status = p->exit_code >> 8;
	}
	if (r->options & WNOWAIT)
		return;
	struct sighand *s = sighand_lock(p->parent);
	process_times_add(&p->parent->children_times, &all);
	sighand_unlock(s);
	process_reap_locked(p);
}

/* => true when p has stopped or continued and the caller asked for that. */
static bool take_event(struct process *p, const struct wait_request *r, struct wait_result *out)
{
	u32 wanted = (r->options & WSTOPPED ? GROUP_STOP_EVENT : 0) |
	             (r->options & WCONTINUED ? GROUP_CONT_EVENT : 0);

	if (!(load_relaxed(&p->group_flags) & wanted))
		return false;
	struct sighand *s = sighand_lock(p);
	u32 found = p->group_flags & wanted;
	if (found && !(r->options & WNOWAIT))
		p->group_flags &= ~found;
	int sig = p->stop_signal;
	sighand_unlock(s);
	if (!found)
		return false;
	result_begin(p, out);
	struct process_times times;
	process_times(p, &times);
	rusage_fill(&out->usage, &times);
	bool stopped = found & GROUP_STOP_EVENT;
	out->code = stopped ? CLD_STOPPED : CLD_CONTINUED;
	out->status = stopped ? sig : SIGCONT;
	out->wait_status = stopped ? sig << 8 | 0x7f : 0xffff;
	return true;
}

/* => the child that the request names, if it is one of ours; for requests that name one. */
static struct process *named_child(const struct wait_request *r)
{
	struct process *p = r->type == P_PID ? process_find(r->id) : r->process;

	return p && p->parent == process_current() && p->state != PROCESS_DEAD ? p : NULL;
}

enum look { LOOK_NONE, LOOK_LATER, LOOK_TAKEN };

static enum look look_at(struct process *p, const struct wait_request *r, struct wait_result *out,
                         struct process **dead)
{
	if (!request_matches(r, p))
		return LOOK_NONE;
	if (p->state == PROCESS_ZOMBIE) {
		if (!(r->options & WEXITED))
			return LOOK_NONE;
		take_zombie(p, r, out);
		*dead = r->options & WNOWAIT ? NULL : p;
		return LOOK_TAKEN;
	}
	return take_event(p, r, out) ? LOOK_TAKEN : LOOK_LATER;
}

/* Zombies first, in the order they died; live ones only need a look for events, or to know that one exists. */
static enum look look_at_all(const struct wait_request *r, struct wait_result *out,
                             struct process **dead)
{
	struct process *me = process_current(), *p, *next;
	enum look best = LOOK_NONE;

	list_for_each_safe (p, next, &me->zombies, sibling) {
		enum look one = look_at(p, r, out, dead);
		if (one == LOOK_TAKEN)
			return one;
	}
	list_for_each (p, &me->children, sibling) {
		enum look one = look_at(p, r, out, dead);
		if (one == LOOK_TAKEN)
			return one;
		best = MAX(best, one);
		if (best == LOOK_LATER && !(r->options & (WSTOPPED | WCONTINUED)))
			break;
	}
	return best;
}

static enum look wait_look(const struct wait_request *r, struct wait_result *out)
{
	struct process *dead = NULL;
	enum look found = LOOK_NONE;

	spin_lock(&task_list_lock);
	if (r->type == P_PID || r->type == P_PIDFD) {
		struct process *p = named_child(r);
		if (p)
			found = look_at(p, r, out, &dead);
	} else {
		found = look_at_all(r, out, &dead);
	}
	spin_unlock(&task_list_lock);
	if (dead) {
		task_put(TAKE(dead->buried));
		process_put(dead);
	}
	return found;
}

long process_wait(const struct wait_request *r, struct wait_result *out)
{
	struct waitq *q = &process_current()->child_wait;
	long result = 0;

	WAITQ_THREAD_ENTRY(entry);
	waitq_add(q, &entry);
	for (;;) {
		enum look found = wait_look(r, out);
		if (found == LOOK_TAKEN) {
			result = out->pid;
			break;
		}
		if (found == LOOK_NONE) {
			result = -ECHILD;
			break;
		}
		if (r->options & WNOHANG)
			break;
		if (park(PARK_FOREVER, PARK_INTERRUPTIBLE) == PARK_SIGNAL) {
			result = -ERESTARTSYS;
			break;
		}
	}
	waitq_del(q, &entry);
	return result;
}
