#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/proc_internal.h"

/* Pending signals and their siginfo: everything here runs with SIGHAND held, or on sets that nobody else sees. */

enum { SIGQUEUE_TIMER = 1 /* belongs to a POSIX timer, is not freed when taken */ };
static struct slab_cache *sigqueue_cache;

void signal_init(void)
{
	sigqueue_cache = slab_cache_new("sigqueue", sizeof(struct sigqueue), 0);
}

void sigpending_init(struct sigpending *s)
{
	s->set = 0;
	list_init(&s->queue);
}

static bool charge(struct user *u, u64 limit)
{
	if (__atomic_add_fetch(&u->signals, 1, __ATOMIC_RELAXED) <= limit)
		return true;
	__atomic_fetch_sub(&u->signals, 1, __ATOMIC_RELAXED);
	return false;
}

static ALWAYS_INLINE struct sigqueue *sigqueue_alloc(struct user *u, u64 limit)
{
	if (!charge(u, limit))
		return NULL;
	struct sigqueue *q = slab_alloc(sigqueue_cache);
	if (!q) {
		__atomic_fetch_sub(&u->signals, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	list_init(&q->link);
	user_get(u);
	q->user = u;
	q->flags = 0;
	q->overruns = q->overruns_told = 0;
	return q;
}

/* The kernel's own signals, and kill(2)'s standard ones, are not held to the limit. */
struct sigqueue *sigqueue_new(struct process *target, const struct cred *of, int sig,
                              const struct siginfo *info)
{
	bool exempt = sig < SIGRTMIN && (!info || info->code >= 0);
	u64 limit = load_relaxed(&target->rlimits.limit[RLIMIT_SIGPENDING].soft);

	return sigqueue_alloc(of->user, exempt ? UINT64_MAX : limit);
}

static void sigqueue_put(struct sigqueue *q)
{
	if (q->flags & SIGQUEUE_TIMER)
		return;
	__atomic_fetch_sub(&q->user->signals, 1, __ATOMIC_RELAXED);
	user_put(q->user);
	slab_free(sigqueue_cache, q);
}

struct sigqueue *sigqueue_new_timer(void)
{
	struct sigqueue *q = sigqueue_alloc(cred_current()->user, rlimit(RLIMIT_SIGPENDING));

	if (q) {
		memset(&q->info, 0, sizeof(q->info));
		q->flags = SIGQUEUE_TIMER;
	}
	return q;
}

void sigqueue_free_timer(struct process *p, struct sigqueue *q)
{
	struct sighand *s = sighand_lock(p);
	list_del(&q->link);
	sighand_unlock(s);
	q->flags = 0;
	sigqueue_put(q);
}

/* Unlinks and frees the entries of `set`, whose bits are cleared. */
void sigpending_remove(struct sigpending *s, sigset_t set)
{
	struct sigqueue *q, *next;

	if (!(s->set & set))
		return;
	s->set &= ~set;
	list_for_each_safe (q, next, &s->queue, link)
		if (set & SIGMASK(q->info.signo)) {
			list_del(&q->link);
			sigqueue_put(q);
		}
}

void sigpending_flush(struct sigpending *s)
{
	sigpending_remove(s, UINT64_MAX);
}

static int sigset_lowest(sigset_t set)
{
	return __builtin_ctzll(set) + 1;
}

/*
 * Takes the first entry of `sig`. The signal stays pending when another entry of the same number waits (realtime
 * signals queue, signal(7)). Without an entry, none could be allocated when it was sent.
 */
static void sigpending_collect(struct sigpending *s, int sig, struct siginfo *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each (q, &s->queue, link) {
		if (q->info.signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		s->set &= ~SIGMASK(sig);
	if (!found) {
		siginfo_clear_used(info);
		info->signo = sig;
		return;
	}
	siginfo_copy_used(info, &found->info);
	if (found->flags & SIGQUEUE_TIMER) {
		info->overrun += found->overruns;
		found->overruns_told = found->overruns;
		found->overruns = 0;
	}
	list_del(&found->link);
	sigqueue_put(found);
}

/* Faults of the instruction just executed come first, then the lowest number. */
int sigpending_take(struct sigpending *s, sigset_t set, struct siginfo *info)
{
	sigset_t ready = s->set & set;

	if (!ready)
		return 0;
	if (ready & SIGMASK_SYNCHRONOUS)
		ready &= SIGMASK_SYNCHRONOUS;
	int sig = sigset_lowest(ready);
	sigpending_collect(s, sig, info);
	return sig;
}

static int dequeue_locked(struct task *t, sigset_t set, struct siginfo *info)
{
	int sig = sigpending_take(&t->pending, set, info);

	return sig ? sig : sigpending_take(&t->process->pending, set, info);
}

int signal_dequeue(sigset_t set, struct siginfo *info)
{
	struct task *t = task_current();
	struct sighand *s = sighand_lock(t->process);
	int sig = dequeue_locked(t, set & ~SIGMASK_UNBLOCKABLE, info);

	sighand_unlock(s);
	memset((char *)info + SIGINFO_USED, 0, sizeof(*info) - SIGINFO_USED);
	return sig;
}

sigset_t signal_pending_set(void)
{
	struct task *t = task_current();

	return load_relaxed(&t->pending.set) | load_relaxed(&t->process->pending.set);
}

void signal_pending_sets(struct task *t, sigset_t *thread, sigset_t *process)
{
	*thread = load_relaxed(&t->pending.set);
	*process = load_relaxed(&t->process->pending.set);
}

void signal_action_sets(struct process *p, sigset_t *ignored, sigset_t *caught)
{
	struct sighand *s = sighand_lock(p);

	*ignored = *caught = 0;
	for (int sig = 1; sig <= NSIG; sig++) {
		u64 handler = s->action[sig - 1].handler;
		if (handler == SIG_IGN)
			*ignored |= SIGMASK(sig);
		else if (handler != SIG_DFL)
			*caught |= SIGMASK(sig);
	}
	sighand_unlock(s);
}
