/* mq_notify: the three forms, one registration, when it fires and when it goes (Q3). */
#include "mq.h"
#include <sys/socket.h>

static struct sigevent by_signal(int signal, int value)
{
	return (struct sigevent){.sigev_notify = SIGEV_SIGNAL,
	                         .sigev_signo = signal,
	                         .sigev_value.sival_int = value};
}
static const struct sigevent quietly = {.sigev_notify = SIGEV_NONE};

static void block(int signal)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
}
/* => the signal that is pending, taken; or 0. */
static int pending(int signal, siginfo_t *info)
{
	sigset_t set;
	struct timespec none = {0, 0};
	sigemptyset(&set);
	sigaddset(&set, signal);
	int got = sigtimedwait(&set, info, &none);
	return got < 0 ? 0 : got;
}
/* NOTIFY, SIGNO, NOTIFY_PID of the queue's line. */
struct registration {
	long bytes;
	int how, signal, pid;
};
static struct registration registered(int q)
{
	char line[100] = "";
	struct registration r = {0};
	OK(pread(q, line, sizeof line - 1, 0));
	EQ(sscanf(line, "QSIZE:%ld NOTIFY:%d SIGNO:%d NOTIFY_PID:%d", &r.bytes, &r.how, &r.signal,
	          &r.pid),
	   4);
	return r;
}

TEST(a_signal_with_its_information)
{
	int q = queue(O_NONBLOCK);
	struct sigevent event = by_signal(SIGUSR1, 4711);
	siginfo_t info;
	block(SIGUSR1);
	OK(sys_notify(q, &event));
	struct registration r = registered(q);
	EQ(r.how, SIGEV_SIGNAL);
	EQ(r.signal, SIGUSR1);
	EQ(r.pid, getpid());
	pid_t child;
	CHILD(child)
	{
		MUST(setuid(4242));
		SEND(q, 0, "x");
	}
	REAP(child);
	EQ(pending(SIGUSR1, &info), SIGUSR1);
	EQ(info.si_code, SI_MESGQ);
	EQ(info.si_pid, child);
	EQ(info.si_uid, 4242);
	EQ(info.si_value.sival_int, 4711);
	EQ(info.si_errno, 0);
	/* Once told, the registration is over. */
	EQ(registered(q).pid, 0);
	GETS(q, "x");
	SEND(q, 0, "y");
	EQ(pending(SIGUSR1, &info), 0);
}

TEST(only_when_the_queue_was_empty)
{
	int q = queue(O_NONBLOCK);
	struct sigevent event = by_signal(SIGUSR1, 0);
	block(SIGUSR1);
	SEND(q, 0, "1");
	OK(sys_notify(q, &event));
	SEND(q, 9, "2");
	EQ(pending(SIGUSR1, NULL), 0);
	GETS(q, "2");
	GETS(q, "1");
	EQ(registered(q).pid, getpid());
	SEND(q, 0, "3");
	EQ(pending(SIGUSR1, NULL), SIGUSR1);
}

TEST(not_when_a_receiver_waits)
{
	int q = queue(0);
	struct sigevent event = by_signal(SIGUSR1, 0);
	pid_t child;
	block(SIGUSR1);
	OK(sys_notify(q, &event));
	CHILD(child) GETS(q, "x");
	until_asleep(child);
	SEND(q, 0, "x");
	REAP(child);
	EQ(pending(SIGUSR1, NULL), 0);
	EQ(registered(q).pid, getpid());
	SEND(q, 0, "y");
	EQ(pending(SIGUSR1, NULL), SIGUSR1);
}

/* A sender that waits is no arrival at an empty queue, although the queue was empty for a moment. */
TEST(not_for_a_sender_that_waited)
{
	int q = queue_of(0, 1, 8);
	struct sigevent event = by_signal(SIGUSR1, 0);
	pid_t child;
	block(SIGUSR1);
	SEND(q, 0, "1");
	CHILD(child) SEND(q, 0, "2");
	until_asleep(child);
	OK(sys_notify(q, &event));
	GETS(q, "1");
	REAP(child);
	EQ(pending(SIGUSR1, NULL), 0);
	EQ(registered(q).pid, getpid());
}

TEST(one_registration)
{
	int q = queue(0);
	pid_t child;
	OK(sys_notify(q, &quietly));
	FAILS(sys_notify(q, &quietly), EBUSY);
	struct registration r = registered(q);
	EQ(r.how, SIGEV_NONE);
	EQ(r.signal, 0);
	EQ(r.pid, getpid());
	CHILD(child)
	{
		FAILS(sys_notify(q, &quietly), EBUSY);
		OK(sys_notify(q, NULL)); /* not the owner: nothing happens */
		OK(close(q));
	}
	REAP(child);
	EQ(registered(q).pid, getpid());
	OK(sys_notify(q, NULL));
	EQ(registered(q).pid, 0);
	OK(sys_notify(q, NULL));
	OK(sys_notify(q, &quietly));
	SEND(q, 0, "x");
	EQ(registered(q).pid, 0);
}

TEST(closing_ends_it)
{
	int q = queue(0), same = OK(dup(q));
	struct sigevent event = by_signal(SIGUSR1, 0);
	pid_t child;
	block(SIGUSR1);
	OK(sys_notify(q, &event));
	/* Any descriptor of the queue that its owner closes. */
	OK(close(same));
	EQ(registered(q).pid, 0);
	CHILD(child) OK(sys_notify(q, &event));
	REAP(child);
	EQ(registered(q).pid, 0);
	CHILD(child)
	{
		OK(sys_notify(q, &event));
		pause();
	}
	UNTIL(registered(q).pid == child);
	FAILS(sys_notify(q, &event), EBUSY);
	kill(child, SIGKILL);
	reap(child);
	OK(sys_notify(q, &event));
}

TEST(executing_ends_it)
{
	int q = queue(0);
	_Atomic int *go = shared(sizeof *go);
	pid_t child;
	CHILD(child)
	{
		OK(sys_notify(q, &quietly));
		UNTIL(*go);
		execl("/bin/sleep", "sleep", "100", NULL);
		execl("/bin/busybox", "sleep", "100", NULL);
	}
	UNTIL(registered(q).pid == child);
	*go = 1;
	UNTIL(registered(q).pid == 0);
	until_asleep(child);
	EQ(state_of(child), 'S');
	kill(child, SIGKILL);
	reap(child);
}

TEST(errors)
{
	int q = queue(0), file = MUST(open("/dev/null", O_RDWR));
	struct sigevent event = {.sigev_notify = 99};
	FAILS(sys_notify(q, &event), EINVAL);
	event.sigev_notify = 4; /* SIGEV_THREAD_ID */
	FAILS(sys_notify(q, &event), EINVAL);
	event = by_signal(65, 0);
	FAILS(sys_notify(q, &event), EINVAL);
	event = by_signal(-1, 0);
	FAILS(sys_notify(q, &event), EINVAL);
	FAILS(sys_notify(-1, &event), EINVAL);
	FAILS(sys_notify(-1, &quietly), EBADF);
	FAILS(sys_notify(file, &quietly), EBADF);
	FAILS(sys_notify(-1, NULL), EBADF);
	FAILS(sys_notify(file, NULL), EBADF);
	FAILS(sys_notify(q, (void *)8), EFAULT);
	/* Signal 0 is allowed, and none is sent. */
	event = by_signal(0, 0);
	OK(sys_notify(q, &event));
	SEND(q, 0, "x");
	EQ(registered(q).pid, 0);
	event = by_signal(64, 0);
	OK(sys_notify(q, &event));
}

/* What the C libraries make SIGEV_THREAD of: 32 bytes that come back through a netlink socket. */
enum { COOKIE = 32, WOKEN = 1, REMOVED = 2 };
static char cookie[COOKIE] = "a cookie of thirty-two bytes...";
static struct sigevent by_socket(int fd, const void *cookie)
{
	return (struct sigevent){.sigev_notify = SIGEV_THREAD,
	                         .sigev_signo = fd,
	                         .sigev_value.sival_ptr = (void *)cookie};
}
static int cookie_arrived(int fd)
{
	char in[64];
	ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
	if (n < 0)
		return 0;
	EQ(n, COOKIE);
	YES(!memcmp(in, cookie, COOKIE - 1));
	return in[COOKIE - 1];
}

TEST(a_cookie_through_a_socket)
{
	int q = queue(O_NONBLOCK), fd = MUST(socket(AF_NETLINK, SOCK_RAW, 0));
	struct sigevent event = by_socket(fd, cookie);
	OK(sys_notify(q, &event));
	EQ(cookie_arrived(fd), 0);
	EQ(registered(q).how, SIGEV_THREAD);
	EQ(registered(q).signal, 0);
	EQ(registered(q).pid, getpid());
	FAILS(sys_notify(q, &event), EBUSY);
	SEND(q, 0, "x");
	EQ(cookie_arrived(fd), WOKEN);
	EQ(cookie_arrived(fd), 0);
	GETS(q, "x");
	OK(sys_notify(q, &event));
	OK(sys_notify(q, NULL));
	EQ(cookie_arrived(fd), REMOVED);
	OK(sys_notify(q, &event));
	OK(close(OK(dup(q))));
	EQ(cookie_arrived(fd), REMOVED);
	/* The socket may be closed meanwhile. */
	OK(sys_notify(q, &event));
	OK(close(fd));
	SEND(q, 0, "y");
	EQ(registered(q).pid, 0);
}

TEST(errors_of_cookies)
{
	int q = queue(0), fd = MUST(socket(AF_NETLINK, SOCK_RAW, 0)), pair[2],
	    file = MUST(open("/dev/null", O_RDWR));
	struct sigevent event = by_socket(fd, (void *)8);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	FAILS(sys_notify(q, &event), EFAULT);
	event = by_socket(-1, cookie);
	FAILS(sys_notify(q, &event), EBADF);
	event = by_socket(file, cookie);
	FAILS(sys_notify(q, &event), ENOTSOCK);
	event = by_socket(pair[0], cookie);
	FAILS(sys_notify(q, &event), EINVAL);
	event = by_socket(fd, cookie);
	FAILS(sys_notify(-1, &event), EBADF);
	EQ(cookie_arrived(fd), 0);
	OK(sys_notify(q, &event));
}

/* Many tell and are told at once: nothing is told twice. */
TEST(telling_and_registering_race)
{
	enum { ROUNDS = 300 };
	int q = queue(O_NONBLOCK);
	int told = 0;
	pid_t child;
	CHILD(child)
	{
		for (int i = 0; i < ROUNDS; i++) {
			while (send_text(q, 0, "x"))
				sched_yield();
			receive(q);
		}
	}
	sigset_t set;
	struct timespec none = {0, 0};
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct sigevent event = by_signal(SIGRTMIN, 0);
	int registrations = 0;
	while (waitpid(child, NULL, WNOHANG) == 0) {
		if (sys_notify(q, &event) == 0)
			registrations++;
		while (sigtimedwait(&set, NULL, &none) > 0)
			told++;
	}
	int left = registered(q).pid == getpid();
	while (sigtimedwait(&set, NULL, &none) > 0)
		told++;
	EQ(told + left, registrations);
}
