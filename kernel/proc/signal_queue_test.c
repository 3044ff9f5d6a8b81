#include "kernel/lib/test.h"
#include "kernel/proc/proc_internal.h"

static struct process *target(void)
{
	struct process *p = process_new();

	if (p) {
		p->sighand = sighand_new(NULL);
		p->rlimits.limit[RLIMIT_SIGPENDING].soft = 4;
	}
	return p;
}

static bool push(struct process *p, struct sigpending *s, int sig, int code, s32 value)
{
	struct siginfo info = {.signo = sig, .code = code, .value.i = value};
	struct sigqueue *q = sigqueue_new(p, &init_cred, sig, &info);

	if (!q)
		return false;
	q->info = info;
	list_add_tail(&s->queue, &q->link);
	s->set |= SIGMASK(sig);
	return true;
}

TEST(signals_come_faults_first_then_by_number_then_fifo)
{
	struct process *p = target();
	struct sigpending s;
	struct siginfo info;

	sigpending_init(&s);
	CHECK(push(p, &s, SIGRTMIN + 2, SI_USER, 1));
	CHECK(push(p, &s, SIGRTMIN + 1, SI_USER, 2));
	CHECK(push(p, &s, SIGRTMIN + 1, SI_USER, 3));
	CHECK(push(p, &s, SIGHUP, SI_USER, 4));
	CHECK(push(p, &s, SIGSEGV, SEGV_MAPERR, 5));
	const struct {
		int sig, value;
	} want[] = {
		{SIGSEGV, 5}, {SIGHUP, 4}, {SIGRTMIN + 1, 2}, {SIGRTMIN + 1, 3}, {SIGRTMIN + 2, 1}};
	for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
		CHECK_EQ(sigpending_take(&s, UINT64_MAX, &info), want[i].sig);
		CHECK_EQ(info.value.i, want[i].value);
	}
	CHECK_EQ(sigpending_take(&s, UINT64_MAX, &info), 0);
	CHECK_EQ(s.set, 0);
	process_put(p);
}

TEST(signals_outside_the_set_stay)
{
	struct process *p = target();
	struct sigpending s;
	struct siginfo info;

	sigpending_init(&s);
	CHECK(push(p, &s, SIGUSR1, SI_USER, 1));
	CHECK(push(p, &s, SIGUSR2, SI_USER, 2));
	CHECK_EQ(sigpending_take(&s, SIGMASK(SIGUSR2), &info), SIGUSR2);
	CHECK_EQ(s.set, SIGMASK(SIGUSR1));
	sigpending_remove(&s, SIGMASK(SIGUSR1));
	CHECK_EQ(s.set, 0);
	CHECK(list_empty(&s.queue));
	process_put(p);
}

TEST(signals_queued_by_users_are_limited_and_uncharged)
{
	struct process *p = target();
	u32 before = init_cred.user->signals;
	struct sigpending s;

	p->rlimits.limit[RLIMIT_SIGPENDING].soft = before + 2;
	sigpending_init(&s);
	CHECK(push(p, &s, SIGRTMIN, SI_QUEUE, 1));
	CHECK(push(p, &s, SIGRTMIN, SI_QUEUE, 2));
	CHECK(!push(p, &s, SIGRTMIN, SI_QUEUE, 3));
	CHECK(push(p, &s, SIGTERM, SI_USER, 4)); /* kill(2) is exempt */
	sigpending_flush(&s);
	CHECK_EQ(init_cred.user->signals, before);
	process_put(p);
}

/* A signal that was sent without memory for its siginfo still arrives, anonymously. */
TEST(signals_without_entry_arrive)
{
	struct sigpending s;
	struct siginfo info;

	sigpending_init(&s);
	s.set = SIGMASK(SIGTERM);
	CHECK_EQ(sigpending_take(&s, UINT64_MAX, &info), SIGTERM);
	CHECK_EQ(info.signo, SIGTERM);
	CHECK_EQ(info.code, SI_USER);
	CHECK_EQ(info.pid, 0);
	CHECK_EQ(s.set, 0);
}
