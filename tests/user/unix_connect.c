/* Local sockets: listening, connecting, accepting (unix(7), listen(2), accept(2), connect(2)). */
#include "unix.h"

static char buffer[4096];

static void connect_and_accept(int type)
{
	struct name n = abstract_name("server");
	struct sockaddr_un peer;
	socklen_t size = sizeof peer;
	int l = new_listener(type, &n, 5), c = new_connected(type, &n);
	int a = MUST(accept(l, (struct sockaddr *)&peer, &size));
	/* The client has no name. */
	EQ(size, 2);
	EQ(peer.sun_family, AF_UNIX);
	EQ(write(c, "to", 2), 2);
	EQ(read(a, buffer, 10), 2);
	EQ(write(a, "fro", 3), 3);
	EQ(read(c, buffer, 10), 3);
	size = sizeof peer;
	OK(getpeername(c, (struct sockaddr *)&peer, &size));
	EQ(size, n.length);
	EQ(memcmp(&peer, &n.un, size), 0);
	size = sizeof peer;
	OK(getsockname(a, (struct sockaddr *)&peer, &size));
	EQ(size, n.length);
	size = sizeof peer;
	OK(getsockname(c, (struct sockaddr *)&peer, &size));
	EQ(size, 2);
	EQ(option(l, SO_ACCEPTCONN), 1);
	EQ(option(a, SO_ACCEPTCONN), 0);
}
TEST(streams)
{
	connect_and_accept(SOCK_STREAM);
}
TEST(sequenced_packets)
{
	connect_and_accept(SOCK_SEQPACKET);
}

TEST(connecting_does_not_wait_for_accept)
{
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 5), c = new_connected(SOCK_STREAM, &n);
	EQ(polled(l, POLLIN), POLLIN);
	EQ(write(c, "early", 5), 5);
	int a = MUST(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	EQ(fcntl(a, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(a, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	EQ(read(a, buffer, 10), 5);
	FAILS(read(a, buffer, 10), EAGAIN);
	EQ(polled(l, POLLIN), 0);
}

TEST(accepted_sockets_inherit_no_flags)
{
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, &n, 5);
	new_connected(SOCK_STREAM, &n);
	int a = MUST(accept(l, NULL, NULL));
	EQ(fcntl(a, F_GETFD), 0);
	EQ(fcntl(a, F_GETFL) & O_NONBLOCK, 0);
	FAILS(accept(l, NULL, NULL), EAGAIN);
}

TEST(refusals)
{
	struct name n = abstract_name("server"), none = abstract_name("none");
	int s = new_socket(SOCK_STREAM), b = new_bound(SOCK_STREAM, &n);
	FAILS(connect_name(s, &none), ECONNREFUSED);
	FAILS(connect_name(s, &n), ECONNREFUSED); /* it does not listen */
	OK(listen(b, 1));
	/* Abstract names are of one type of socket each. */
	FAILS(connect_name(new_socket(SOCK_SEQPACKET), &n), ECONNREFUSED);
	FAILS(connect_name(new_socket(SOCK_DGRAM), &n), ECONNREFUSED);
	OK(connect_name(s, &n));
	FAILS(connect_name(s, &n), EISCONN);
	FAILS(connect_name(s, &none), ECONNREFUSED);
	FAILS(connect_name(b, &n), EINVAL);
	close(b);
	FAILS(connect_name(s, &n), ECONNREFUSED);
}

TEST(bad_arguments)
{
	struct name n = abstract_name("server"), other = abstract_name("other");
	int s = new_socket(SOCK_STREAM), l = new_bound(SOCK_STREAM, &n),
	    file = open("/dev/null", O_RDWR);
	FAILS(listen(s, 1), EINVAL); /* it has no name */
	FAILS(accept(l, NULL, NULL), EINVAL);
	FAILS(accept(new_socket(SOCK_DGRAM), NULL, NULL), EOPNOTSUPP);
	FAILS(listen(new_socket(SOCK_DGRAM), 1), EOPNOTSUPP);
	FAILS(listen(-1, 1), EBADF);
	FAILS(listen(file, 1), ENOTSOCK);
	FAILS(accept(file, NULL, NULL), ENOTSOCK);
	FAILS(accept4(l, NULL, NULL, 0x100), EINVAL);
	FAILS(accept4(-1, NULL, NULL, 0x100), EBADF);
	FAILS(connect(s, (struct sockaddr *)&n.un, 2), EINVAL);
	FAILS(connect(s, (struct sockaddr *)&n.un, 200), EINVAL);
	FAILS(connect(s, (struct sockaddr *)&n.un, -1), EINVAL);
	FAILS(connect(s, (struct sockaddr *)8, 20), EFAULT);
	FAILS(connect(file, (struct sockaddr *)&n.un, n.length), ENOTSOCK);
	n.un.sun_family = AF_INET;
	FAILS(connect_name(s, &n), EINVAL);
	FAILS(bind_name(s, &n), EINVAL);
	OK(listen(l, 1));
	OK(listen(l, 2));
	n.un.sun_family = AF_UNIX;
	OK(connect_name(s, &n));
	OK(bind_name(s, &other));
	FAILS(listen(s, 1), EINVAL); /* connected */
	/* A bad address for the answer costs the connection. */
	FAILS(accept(l, (struct sockaddr *)buffer, (socklen_t *)8), EFAULT);
	EQ(read(s, buffer, 1), 0);
}

TEST(a_backlog_takes_one_more)
{
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 2), s;
	for (int i = 0; i < 3; i++)
		new_connected(SOCK_STREAM, &n);
	s = new_socket(SOCK_STREAM | SOCK_NONBLOCK);
	FAILS(connect_name(s, &n), EAGAIN);
	OK(accept(l, NULL, NULL));
	OK(connect_name(s, &n));
	/* A negative backlog is a very large one. */
	OK(listen(l, -1));
	for (int i = 0; i < 20; i++)
		new_connected(SOCK_STREAM, &n);
}

TEST(connecting_sleeps_while_the_backlog_is_full)
{
	pid_t pid;
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 0);
	new_connected(SOCK_STREAM, &n);
	CHILD(pid)
	{
		int s = new_socket(SOCK_STREAM);
		set_timeout(s, SO_SNDTIMEO, 20000);
		FAILS(connect_name(s, &n), EAGAIN);
		set_timeout(s, SO_SNDTIMEO, 0);
		OK(connect_name(s, &n));
	}
	int64_t later = now_ns() + 30000000;
	UNTIL(now_ns() > later);
	until_asleep(pid);
	OK(accept(l, NULL, NULL));
	REAP(pid);
}

TEST(closing_the_listener_ends_the_wait)
{
	pid_t waits;
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 0);
	int c = new_connected(SOCK_STREAM, &n);
	CHILD(waits)
	{
		close(l);
		FAILS(connect_name(new_socket(SOCK_STREAM), &n), ECONNREFUSED);
	}
	until_asleep(waits);
	close(l);
	REAP(waits);
	/* Who was not accepted is reset. */
	FAILS(read(c, buffer, 1), ECONNRESET);
	EQ(read(c, buffer, 1), 0);
}

TEST(accept_sleeps)
{
	pid_t pid;
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 5);
	CHILD(pid)
	{
		int a = MUST(accept(l, NULL, NULL));
		EQ(read(a, buffer, 10), 2);
		set_timeout(l, SO_RCVTIMEO, 10000);
		FAILS(accept(l, NULL, NULL), EAGAIN);
		set_timeout(l, SO_RCVTIMEO, 0);
		on_signal(SIGUSR1, count_signal, 0);
		FAILS(accept(l, NULL, NULL), EINTR);
	}
	until_asleep(pid);
	int c = new_connected(SOCK_STREAM, &n);
	EQ(write(c, "hi", 2), 2);
	for (int status; waitpid(pid, &status, WNOHANG) == 0; sched_yield())
		if (now_ns() % 64 == 0)
			kill(pid, SIGUSR1);
}

TEST(every_sleeping_acceptor_gets_one)
{
	enum { ACCEPTORS = 6 };
	pid_t pids[ACCEPTORS];
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 10);
	for (int i = 0; i < ACCEPTORS; i++)
		CHILD(pids[i])
		{
			EQ(write(MUST(accept(l, NULL, NULL)), "x", 1), 1);
		}
	for (int i = 0; i < ACCEPTORS; i++)
		until_asleep(pids[i]);
	for (int i = 0; i < ACCEPTORS; i++)
		EQ(read(new_connected(SOCK_STREAM, &n), buffer, 1), 1);
	for (int i = 0; i < ACCEPTORS; i++)
		REAP(pids[i]);
}

TEST(a_listener_shut_down)
{
	pid_t pid;
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 10);
	CHILD(pid)
	{
		FAILS(accept(l, NULL, NULL), EINVAL);
	}
	until_asleep(pid);
	OK(shutdown(l, SHUT_RD));
	REAP(pid);
	FAILS(connect_name(new_socket(SOCK_STREAM), &n), ECONNREFUSED);
	FAILS(read(l, buffer, 1), EINVAL);
	FAILS(write(l, buffer, 1), ENOTCONN);
}

TEST(listener_states)
{
	int bytes;
	struct name n = abstract_name("server");
	int l = new_bound(SOCK_STREAM, &n);
	EQ(polled(l, POLLIN | POLLOUT), POLLOUT | POLLHUP);
	OK(listen(l, 1));
	EQ(polled(l, POLLIN | POLLOUT), 0);
	FAILS(ioctl(l, FIONREAD, &bytes), EINVAL);
	new_connected(SOCK_STREAM, &n);
	EQ(polled(l, POLLIN | POLLOUT), POLLIN);
}

TEST(families_and_types)
{
	int s[2];
	FAILS(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socket(46, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socket(AF_UNIX, 11, 0), EINVAL);
	FAILS(socket(AF_UNIX, 0, 0), ESOCKTNOSUPPORT);
	FAILS(socket(AF_UNIX, 4, 0), ESOCKTNOSUPPORT);
	FAILS(socket(AF_UNIX, SOCK_STREAM, 2), EPROTONOSUPPORT);
	FAILS(socket(AF_UNIX, SOCK_STREAM | 0x10, 0), EINVAL);
	FAILS(socket(AF_APPLETALK, SOCK_STREAM, 0), EAFNOSUPPORT);
	OK(socket(AF_UNIX, SOCK_STREAM, AF_UNIX));
	int raw = OK(socket(AF_UNIX, SOCK_RAW, 0));
	EQ(option(raw, SO_TYPE), SOCK_DGRAM);
	FAILS(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
	FAILS(syscall(SYS_socketpair, AF_APPLETALK, SOCK_STREAM, 0, 8), EFAULT);
	FAILS(socketpair(AF_APPLETALK, SOCK_STREAM, 0, s), EAFNOSUPPORT);
	FAILS(socketpair(AF_UNIX, SOCK_STREAM, 7, s), EPROTONOSUPPORT);
	FAILS(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, s), EINVAL);
	OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
	EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
	EQ(fcntl(s[1], F_GETFL), O_RDWR | O_NONBLOCK);
}

TEST(looks_of_a_socket)
{
	struct stat st;
	char path[64], link[64];
	int s = new_socket(SOCK_STREAM);
	OK(fstat(s, &st));
	EQ(st.st_mode, S_IFSOCK | 0777);
	EQ(st.st_nlink, 1);
	EQ(st.st_size, 0);
	sprintf(path, "/proc/self/fd/%d", s);
	ssize_t n = OK(readlink(path, link, sizeof link - 1));
	link[n > 0 ? n : 0] = 0;
	sprintf(path, "socket:[%lu]", (unsigned long)st.st_ino);
	STREQ(link, path);
	sprintf(path, "/proc/self/fd/%d", s);
	FAILS(open(path, O_RDWR), ENXIO);
	OK(fchmod(s, 0600));
	OK(fstat(s, &st));
	EQ(st.st_mode, S_IFSOCK | 0600);
}

TEST(connections_of_many)
{
	enum { CLIENTS = 300 };
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, CLIENTS);
	pid_t pid;
	CHILD(pid)
	{
		for (int i = 0; i < CLIENTS; i++) {
			int s = new_connected(SOCK_STREAM, &n);
			EQ(write(s, &i, sizeof i), sizeof i);
			close(s);
		}
	}
	for (int i = 0; i < CLIENTS; i++) {
		int got = -1, a = MUST(accept(l, NULL, NULL));
		EQ(read(a, &got, sizeof got), sizeof got);
		EQ(got, i);
		EQ(read(a, &got, sizeof got), 0);
		close(a);
	}
	REAP(pid);
}
