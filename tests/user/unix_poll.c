/* Poll bits and wake-ups of local sockets; their options (socket(7), unix(7)). */
#include "caps.h"
#include "unix.h"
#include <sys/epoll.h>

enum { ALL = POLLIN | POLLOUT | POLLRDHUP | POLLPRI | POLLRDNORM | POLLWRNORM | POLLWRBAND };
static int s[2];
static char buffer[1 << 18];

static void pair(int type)
{
	MUST(socketpair(AF_UNIX, type, 0, s));
}

static void states(int type)
{
	enum { W = POLLOUT | POLLWRNORM | POLLWRBAND, R = POLLIN | POLLRDNORM };
	pair(type);
	EQ(polled(s[0], ALL), W);
	EQ(write(s[1], "x", 1), 1);
	EQ(polled(s[0], ALL), R | W);
	OK(shutdown(s[1], SHUT_WR));
	EQ(polled(s[0], ALL), R | W | POLLRDHUP);
	EQ(polled(s[1], ALL), W);
	EQ(read(s[0], buffer, 1), 1);
	EQ(polled(s[0], ALL), R | W | POLLRDHUP);
	OK(shutdown(s[1], SHUT_RD));
	EQ(polled(s[0], ALL), R | W | POLLRDHUP | POLLHUP);
	EQ(polled(s[1], ALL), R | W | POLLRDHUP | POLLHUP);
	pair(type);
	close(s[1]);
	EQ(polled(s[0], ALL), R | W | POLLRDHUP | POLLHUP);
	EQ(polled(s[0], 0), POLLHUP);
}
TEST(states_of_streams)
{
	states(SOCK_STREAM);
}
TEST(states_of_packets)
{
	states(SOCK_SEQPACKET);
}
TEST(states_of_datagrams)
{
	enum { W = POLLOUT | POLLWRNORM | POLLWRBAND, R = POLLIN | POLLRDNORM };
	EQ(polled(new_socket(SOCK_DGRAM), ALL), W);
	pair(SOCK_DGRAM);
	OK(shutdown(s[1], SHUT_WR));
	EQ(polled(s[0], ALL), W);
	OK(shutdown(s[0], SHUT_RD));
	EQ(polled(s[0], ALL), R | W | POLLRDHUP);
	OK(shutdown(s[0], SHUT_WR));
	EQ(polled(s[0], ALL), R | W | POLLRDHUP | POLLHUP);
	close(s[1]);
	pair(SOCK_DGRAM);
	close(s[1]);
	EQ(polled(s[0], ALL), W);
}

TEST(pollers_are_woken)
{
	struct name n = abstract_name("server");
	pair(SOCK_STREAM);
	pid_t pid = poller(s[0], POLLIN, POLLIN);
	EQ(write(s[1], "x", 1), 1);
	REAP(pid);
	while (send(s[0], buffer, 4096, MSG_DONTWAIT) > 0)
		;
	pid = poller(s[0], POLLOUT, POLLOUT);
	for (ssize_t left = 1; left > 0;)
		left = recv(s[1], buffer, sizeof buffer, MSG_DONTWAIT);
	REAP(pid);
	EQ(read(s[0], buffer, 1), 1);
	pid = poller(s[0], POLLRDHUP, POLLRDHUP);
	OK(shutdown(s[1], SHUT_WR));
	REAP(pid);
	pid = poller(s[0], 0, POLLHUP);
	OK(shutdown(s[0], SHUT_WR));
	REAP(pid);
	int l = new_listener(SOCK_STREAM, &n, 1);
	pid = poller(l, POLLIN, POLLIN);
	new_connected(SOCK_STREAM, &n);
	REAP(pid);
}

TEST(epoll_sees_edges)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP}, got;
	pair(SOCK_STREAM);
	int ep = MUST(epoll_create1(0));
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e));
	EQ(epoll_wait(ep, &got, 1, 0), 1);
	EQ(got.events, EPOLLOUT);
	EQ(epoll_wait(ep, &got, 1, 0), 0);
	EQ(write(s[1], "x", 1), 1);
	EQ(epoll_wait(ep, &got, 1, 0), 1);
	EQ(got.events, EPOLLIN | EPOLLOUT);
	EQ(epoll_wait(ep, &got, 1, 0), 0);
	EQ(write(s[1], "y", 1), 1);
	EQ(epoll_wait(ep, &got, 1, 0), 1);
	close(s[1]);
	EQ(epoll_wait(ep, &got, 1, 0), 1);
	EQ(got.events, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
}

/* --- Options --- */

TEST(what_a_socket_is)
{
	int fd = new_socket(SOCK_SEQPACKET);
	EQ(option(fd, SO_TYPE), SOCK_SEQPACKET);
	EQ(option(fd, SO_DOMAIN), AF_UNIX);
	EQ(option(fd, SO_PROTOCOL), 0);
	EQ(option(fd, SO_ERROR), 0);
	EQ(option(fd, SO_ACCEPTCONN), 0);
	static const int fixed[] = {SO_TYPE,       SO_DOMAIN,   SO_PROTOCOL, SO_ERROR,
	                            SO_ACCEPTCONN, SO_PEERCRED, SO_SNDLOWAT};
	for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++)
		FAILS(setsockopt(fd, SOL_SOCKET, fixed[i], &(int){1}, 4), ENOPROTOOPT);
}

TEST(options_that_are_remembered)
{
	static const int flags[] = {SO_REUSEADDR,
	                            SO_KEEPALIVE,
	                            SO_BROADCAST,
	                            SO_OOBINLINE,
	                            SO_DONTROUTE,
	                            SO_PASSCRED,
	                            34 /* SO_PASSSEC */};
	int fd = new_socket(SOCK_STREAM);
	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
		EQ(option(fd, flags[i]), 0);
		set_option(fd, flags[i], 5);
		EQ(option(fd, flags[i]), 1);
		set_option(fd, flags[i], 0);
		EQ(option(fd, flags[i]), 0);
	}
	set_option(fd, SO_PRIORITY, 6);
	EQ(option(fd, SO_PRIORITY), 6);
	struct linger l = {1, 33};
	socklen_t size = sizeof l;
	OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
	l = (struct linger){0, 0};
	OK(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size));
	EQ(l.l_onoff, 1);
	EQ(l.l_linger, 33);
	FAILS(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
	EQ(option(fd, SO_SNDLOWAT), 1);
}

TEST(buffer_sizes)
{
	char text[32];
	int fd = new_socket(SOCK_STREAM);
	YES(file_read("/proc/sys/net/core/wmem_default", text, sizeof text) > 0);
	EQ(option(fd, SO_SNDBUF), atoi(text));
	YES(file_read("/proc/sys/net/core/rmem_default", text, sizeof text) > 0);
	EQ(option(fd, SO_RCVBUF), atoi(text));
	set_option(fd, SO_SNDBUF, 10000);
	EQ(option(fd, SO_SNDBUF), 20000);
	set_option(fd, SO_SNDBUF, 1);
	EQ(option(fd, SO_SNDBUF), 4608);
	set_option(fd, SO_RCVBUF, 1);
	EQ(option(fd, SO_RCVBUF), 2304);
	YES(file_read("/proc/sys/net/core/wmem_max", text, sizeof text) > 0);
	set_option(fd, SO_SNDBUF, 1 << 30);
	EQ(option(fd, SO_SNDBUF), 2 * atoi(text));
	set_option(fd, SO_SNDBUF, -1);
	EQ(option(fd, SO_SNDBUF), 2 * atoi(text));
	set_option(fd, SO_SNDBUFFORCE, 1 << 20);
	EQ(option(fd, SO_SNDBUF), 2 << 20);
	pid_t pid;
	CHILD(pid)
	{
		become_with(0, 4242);
		FAILS(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){1}, 4), EPERM);
		FAILS(setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &(int){7}, 4), EPERM);
		FAILS(setsockopt(fd, SOL_SOCKET, SO_DEBUG, &(int){1}, 4), EACCES);
	}
	REAP(pid);
}

TEST(a_small_send_buffer)
{
	pair(SOCK_STREAM);
	set_option(s[0], SO_SNDBUF, 1);
	ssize_t total = 0, n;
	while ((n = send(s[0], buffer, 100, MSG_DONTWAIT)) > 0)
		total += n;
	YES(total >= 100 && total <= 4608);
	EQ(polled(s[0], POLLOUT), 0);
	set_option(s[0], SO_SNDBUF, 100000);
	EQ(polled(s[0], POLLOUT), POLLOUT);
}

TEST(time_outs_as_options)
{
	int fd = new_socket(SOCK_STREAM);
	struct timeval t = {7, 0};
	socklen_t size = sizeof t;
	OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	t = (struct timeval){1, 1};
	OK(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &size));
	EQ(t.tv_sec, 7);
	EQ(t.tv_usec, 0);
	OK(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &size));
	EQ(t.tv_sec, 0);
	FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, 4), EINVAL);
	t = (struct timeval){0, 1000000};
	FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), EDOM);
	t = (struct timeval){-1, 0};
	pair(SOCK_STREAM);
	OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	FAILS(read(s[0], buffer, 1), EAGAIN);
	/* The other number of the same option. */
	t = (struct timeval){5, 0};
	OK(setsockopt(fd, SOL_SOCKET, 67 /* SO_SNDTIMEO_NEW */, &t, sizeof t));
	t.tv_sec = 0;
	OK(getsockopt(fd, SOL_SOCKET, 21 /* SO_SNDTIMEO_OLD */, &t, &size));
	EQ(t.tv_sec, 5);
}

TEST(wrong_options)
{
	int fd = new_socket(SOCK_STREAM), value = 0;
	socklen_t size = 4;
	FAILS(setsockopt(fd, SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
	FAILS(getsockopt(fd, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
	FAILS(setsockopt(fd, 6 /* SOL_TCP */, 1, &value, 4), EOPNOTSUPP);
	FAILS(getsockopt(fd, 6, 1, &value, &size), EOPNOTSUPP);
	FAILS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 3), EINVAL);
	FAILS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, (socklen_t)-1), EINVAL);
	FAILS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4), EFAULT);
	FAILS(getsockopt(fd, SOL_SOCKET, SO_TYPE, (void *)8, &size), EFAULT);
	FAILS(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, 8), EFAULT);
	FAILS(setsockopt(-1, SOL_SOCKET, SO_TYPE, &value, 4), EBADF);
	FAILS(setsockopt(0, SOL_SOCKET, SO_TYPE, &value, 4), ENOTSOCK);
	size = (socklen_t)-1;
	FAILS(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size), EINVAL);
	/* A shorter buffer gets the low bytes. */
	size = 1;
	value = 0x7f7f7f7f;
	OK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size));
	EQ(size, 1);
	EQ(value, 0x7f7f7f01);
	size = 100;
	OK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size));
	EQ(size, 4);
}

TEST(time_stamps_of_datagrams)
{
	union {
		struct cmsghdr h;
		char room[100];
	} c;
	struct iovec v = {buffer, 10};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	struct timespec before, after;
	struct timeval t;
	pair(SOCK_DGRAM);
	set_option(s[1], 29 /* SO_TIMESTAMP_OLD */, 1);
	clock_gettime(CLOCK_REALTIME, &before);
	EQ(write(s[0], "x", 1), 1);
	clock_gettime(CLOCK_REALTIME, &after);
	EQ(recvmsg(s[1], &m, 0), 1);
	EQ(c.h.cmsg_type, 29);
	EQ(c.h.cmsg_len, CMSG_LEN(sizeof t));
	memcpy(&t, CMSG_DATA(&c.h), sizeof t);
	YES(t.tv_sec >= before.tv_sec && t.tv_sec <= after.tv_sec);
}

TEST(asynchronous_flags_by_ioctl)
{
	pair(SOCK_STREAM);
	OK(ioctl(s[0], FIONBIO, &(int){1}));
	FAILS(read(s[0], buffer, 1), EAGAIN);
	EQ(fcntl(s[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	OK(ioctl(s[0], FIONBIO, &(int){0}));
	EQ(fcntl(s[0], F_GETFL) & O_NONBLOCK, 0);
}
