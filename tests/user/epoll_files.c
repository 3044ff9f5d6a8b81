/* epoll over every kind of file that can be waited for (E5). */
#include "epoll.h"
#include <pthread.h>
#include <pty.h>
#include <mqueue.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int ep;
static int64_t wait_for(int fd)
{
	struct epoll_event got;
	EQ(epoll_wait(ep, &got, 1, 10000), 1);
	EQ(got.data.fd, fd);
	return got.events;
}

TEST(pipe_ends)
{
	int p[2];
	char c;
	ep = epoll_new();
	MUST(pipe(p));
	OK(add(ep, p[0], EPOLLIN | EPOLLRDHUP));
	OK(add(ep, p[1], EPOLLOUT | EPOLLET));
	EQ(wait_for(p[1]), EPOLLOUT);
	EQ(write(p[1], "x", 1), 1);
	EQ(wait_for(p[0]), EPOLLIN);
	EQ(read(p[0], &c, 1), 1);
	close(p[0]);
	EQ(wait_for(p[1]), EPOLLOUT | EPOLLERR);
}

TEST(fifo_opened_for_both)
{
	char path[64];
	snprintf(path, sizeof path, "/tmp/epoll-fifo-%d", getpid());
	unlink(path);
	MUST(mkfifo(path, 0600));
	int f = MUST(open(path, O_RDWR));
	unlink(path);
	ep = epoll_new();
	OK(add(ep, f, EPOLLIN | EPOLLET));
	EQ(ready(ep, f), 0);
	EQ(write(f, "x", 1), 1);
	EQ(ready(ep, f), EPOLLIN);
	OK(mod(ep, f, EPOLLOUT | EPOLLET));
	EQ(ready(ep, f), EPOLLOUT);
	OK(del(ep, f));
	OK(add(ep, f, EPOLLIN | EPOLLOUT));
	EQ(ready(ep, f), EPOLLIN | EPOLLOUT);
	close(f);
	EQ(ready(ep, f), 0);
}

TEST(eventfd_both_ways)
{
	int e = event_new();
	uint64_t most = UINT64_MAX - 1;
	ep = epoll_new();
	OK(add(ep, e, EPOLLIN | EPOLLOUT));
	EQ(ready(ep, e), EPOLLOUT);
	EQ(write(e, &most, 8), 8);
	EQ(ready(ep, e), EPOLLIN);
	event_take(e);
	EQ(ready(ep, e), EPOLLOUT);
}

TEST(timerfd_wakes_at_its_time)
{
	int t = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	struct itimerspec in = {.it_value = {0, 20000000}};
	ep = epoll_new();
	OK(add(ep, t, EPOLLIN | EPOLLET)); /* before it is set */
	EQ(ready(ep, t), 0);
	int64_t start = now_ns();
	OK(timerfd_settime(t, 0, &in, NULL));
	EQ(wait_for(t), EPOLLIN);
	YES(now_ns() - start >= 20000000);
	uint64_t n;
	EQ(read(t, &n, 8), 8);
	EQ(n, 1);
	in.it_interval = (struct timespec){0, 10000000};
	OK(timerfd_settime(t, 0, &in, NULL));
	for (int i = 0; i < 3; i++) {
		EQ(wait_for(t), EPOLLIN);
		EQ(read(t, &n, 8), 8);
	}
	OK(timerfd_settime(t, 0, &(struct itimerspec){0}, NULL));
	(void)ready(ep, t);
	EQ(ready(ep, t), 0);
	OK(del(ep, t));
	in = (struct itimerspec){.it_value = {0, 1000000}};
	OK(timerfd_settime(t, 0, &in, NULL));
	OK(add(ep, t, EPOLLIN)); /* after */
	EQ(wait_for(t), EPOLLIN);
}

TEST(signalfd_shows_the_waiters_signals)
{
	sigset_t set;
	struct signalfd_siginfo info;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int s = MUST(signalfd(-1, &set, SFD_NONBLOCK));
	ep = epoll_new();
	OK(add(ep, s, EPOLLIN));
	EQ(ready(ep, s), 0);
	raise(SIGUSR1);
	EQ(wait_for(s), EPOLLIN);
	/* A child has no signal pending: the descriptor is not ready for it. */
	pid_t child;
	CHILD(child)
	{
		EQ(ready(ep, s), 0);
		FAILS(read(s, &info, sizeof info), EAGAIN);
	}
	REAP(child);
	EQ(read(s, &info, sizeof info), sizeof info);
	EQ(info.ssi_signo, SIGUSR1);
	EQ(ready(ep, s), 0);
	/* A sleeping wait. */
	pid_t me = getpid();
	CHILD(child)
	{
		until_asleep(me);
		kill(me, SIGUSR1);
	}
	EQ(wait_for(s), EPOLLIN);
	REAP(child);
}

/* signalfd(2): what is registered tells of signals to the process that registered it. */
TEST(signalfd_registered_by_a_process_that_is_gone)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int s = MUST(signalfd(-1, &set, SFD_NONBLOCK));
	ep = epoll_new();
	pid_t child;
	CHILD(child)
	{
		OK(add(ep, s, EPOLLIN));
		raise(SIGUSR1);
		EQ(ready(ep, s), EPOLLIN);
	}
	REAP(child);
	EQ(ready(ep, s), 0);
	raise(SIGUSR1);
	(void)epoll_wait(ep, &(struct epoll_event){0}, 1, 0);
	OK(del(ep, s));
	OK(add(ep, s, EPOLLIN));
	EQ(ready(ep, s), EPOLLIN);
}

TEST(pidfd_wakes_when_the_process_ends)
{
	int go[2];
	char c;
	MUST(pipe(go));
	pid_t child;
	CHILD(child)
	{
		close(go[1]);
		EQ(read(go[0], &c, 1), 0);
	}
	int p = MUST((int)syscall(SYS_pidfd_open, child, 0));
	ep = epoll_new();
	OK(add(ep, p, EPOLLIN));
	EQ(ready(ep, p), 0);
	close(go[0]);
	close(go[1]);
	EQ(wait_for(p), EPOLLIN);
	REAP(child);
	YES(ready(ep, p) & EPOLLIN);
}

TEST(terminals)
{
	int master, slave;
	char buf[16];
	if (openpty(&master, &slave, NULL, NULL, NULL)) {
		EQ(errno, ENOENT); /* a machine without pseudo-terminals */
		return;
	}
	ep = epoll_new();
	OK(add(ep, slave, EPOLLIN));
	OK(add(ep, master, EPOLLIN | EPOLLET));
	EQ(write(master, "ab\n", 3), 3);
	struct epoll_event got[2];
	EQ(epoll_wait(ep, got, 2, 10000) >= 1, 1);
	EQ(read(slave, buf, sizeof buf), 3);
	OK(del(ep, slave));
	EQ(read(master, buf, sizeof buf), 4); /* the echo */
	(void)epoll_wait(ep, got, 2, 0);
	EQ(write(slave, "x", 1), 1);
	YES(wait_for(master) & EPOLLIN);
	close(slave);
	YES(wait_for(master) & EPOLLHUP);
}

TEST(a_pipe_that_several_instances_watch)
{
	enum { N = 8 };
	int eps[N], p[2];
	MUST(pipe(p));
	for (int i = 0; i < N; i++) {
		eps[i] = epoll_new();
		OK(add(eps[i], p[0], EPOLLIN | (i % 2 ? EPOLLET : 0)));
	}
	EQ(write(p[1], "x", 1), 1);
	for (int i = 0; i < N; i++)
		EQ(ready(eps[i], p[0]), EPOLLIN);
	for (int i = 0; i < N; i++)
		EQ(ready(eps[i], p[0]), i % 2 ? 0 : EPOLLIN);
}

TEST(stream_sockets)
{
	int s[2];
	char buf[16];
	ep = epoll_new();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	OK(add(ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET));
	EQ(ready(ep, s[0]), 0);
	EQ(write(s[1], "ab", 2), 2);
	EQ(wait_for(s[0]), EPOLLIN);
	EQ(ready(ep, s[0]), 0);
	EQ(write(s[1], "c", 1), 1);
	EQ(ready(ep, s[0]), EPOLLIN);
	EQ(read(s[0], buf, sizeof buf), 3);
	OK(shutdown(s[1], SHUT_WR));
	EQ(wait_for(s[0]), EPOLLIN | EPOLLRDHUP);
	close(s[1]);
	EQ(wait_for(s[0]), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	close(s[0]);
	EQ(ready(ep, s[0]), 0);
}

TEST(a_stream_socket_becomes_writable_again)
{
	int s[2];
	static char page[4096];
	ep = epoll_new();
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	OK(add(ep, s[0], EPOLLOUT | EPOLLET));
	EQ(ready(ep, s[0]), EPOLLOUT);
	while (write(s[0], page, sizeof page) > 0)
		;
	EQ(errno, EAGAIN);
	(void)ready(ep, s[0]);
	EQ(ready(ep, s[0]), 0);
	while (read(s[1], page, sizeof page) > 0)
		;
	EQ(ready(ep, s[0]), EPOLLOUT);
}

TEST(datagram_sockets)
{
	int s[2];
	char buf[16];
	ep = epoll_new();
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	OK(add(ep, s[0], EPOLLIN));
	EQ(write(s[1], "abc", 3), 3);
	EQ(wait_for(s[0]), EPOLLIN);
	EQ(read(s[0], buf, sizeof buf), 3);
	EQ(ready(ep, s[0]), 0);
}

TEST(message_queues)
{
	char name[32], buf[16];
	struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 16};
	snprintf(name, sizeof name, "/epoll-%d", getpid());
	int q = MUST((int)mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &small));
	mq_unlink(name);
	ep = epoll_new();
	OK(add(ep, q, EPOLLIN | EPOLLOUT));
	EQ(ready(ep, q), EPOLLOUT);
	EQ(mq_send(q, "x", 1, 0), 0);
	EQ(ready(ep, q), EPOLLIN);
	EQ(mq_receive(q, buf, 16, NULL), 1);
	EQ(ready(ep, q), EPOLLOUT);
	pid_t child;
	CHILD(child)
	{
		EQ(mq_send(q, "y", 1, 0), 0);
	}
	OK(mod(ep, q, EPOLLIN));
	EQ(wait_for(q), EPOLLIN);
	REAP(child);
}

/* proc(5): the mount table tells of its changes. */
TEST(mount_tables)
{
	char dir[] = "/tmp/epoll-mount-XXXXXX";
	YES(mkdtemp(dir));
	int f = MUST(open("/proc/self/mountinfo", O_RDONLY));
	EQ(polled(f, POLLIN | POLLPRI), POLLIN);
	ep = epoll_new();
	OK(add(ep, f, EPOLLPRI | EPOLLET));
	EQ(ready(ep, f), 0);
	if (mount("none", dir, "tmpfs", 0, "") == 0) {
		EQ(wait_for(f), EPOLLPRI | EPOLLERR);
		EQ(ready(ep, f), 0);
		OK(umount(dir));
		EQ(wait_for(f), EPOLLPRI | EPOLLERR);
	} else {
		EQ(errno, EPERM); /* a machine that does not let us */
	}
	rmdir(dir);
}
