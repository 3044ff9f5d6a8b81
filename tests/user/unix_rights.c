/* Open files and credentials on board of messages: SCM_RIGHTS, SCM_CREDENTIALS (unix(7)). */
#include "caps.h"
#include "unix.h"
#include <sys/resource.h>
#include <sys/uio.h>

static int s[2];
static char buffer[16384];

static void pair(int type)
{
	MUST(socketpair(AF_UNIX, type, 0, s));
}

union control {
	struct cmsghdr header;
	char room[4096];
};

static ssize_t send_fds(int to, const void *data, size_t size, const int *fds, int n)
{
	union control c = {0};
	struct iovec v = {(void *)data, size};
	struct msghdr m = {.msg_iov = &v,
	                   .msg_iovlen = 1,
	                   .msg_control = &c,
	                   .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(n * sizeof(int)),
	                            .cmsg_level = SOL_SOCKET,
	                            .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.header), fds, n * sizeof(int));
	return syscall(SYS_sendmsg, to, &m, 0); /* libc's has limits of its own */
}
static ssize_t send_fd(int to, int fd)
{
	return send_fds(to, "x", 1, &fd, 1);
}

struct got {
	ssize_t n;
	int flags, count, fds[300];
	int has_ids;
	struct ucred ids;
	size_t control_length;
};
static struct got receive(int from, size_t size, size_t room, int flags)
{
	static union control c;
	struct iovec v = {buffer, size};
	struct msghdr m = {.msg_iov = &v,
	                   .msg_iovlen = 1,
	                   .msg_control = room ? &c : NULL,
	                   .msg_controllen = room};
	struct got g = {.count = 0};
	memset(&c, 0, sizeof c);
	g.n = recvmsg(from, &m, flags);
	g.flags = m.msg_flags;
	g.control_length = m.msg_controllen;
	if (g.n < 0 || !room)
		return g;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		EQ(h->cmsg_level, SOL_SOCKET);
		if (h->cmsg_type == SCM_RIGHTS) {
			g.count = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(g.fds, CMSG_DATA(h), (size_t)g.count * sizeof(int));
		} else {
			EQ(h->cmsg_type, SCM_CREDENTIALS);
			YES(h->cmsg_len == CMSG_LEN(sizeof g.ids) || g.flags & MSG_CTRUNC);
			memcpy(&g.ids, CMSG_DATA(h), sizeof g.ids);
			g.has_ids = 1;
		}
	}
	return g;
}

static int same_file(int a, int b)
{
	struct stat x, y;
	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static void pass_one(int type)
{
	int p[2];
	pair(type);
	MUST(pipe(p));
	EQ(send_fd(s[0], p[1]), 1);
	close(p[1]);
	struct got g = receive(s[1], 10, sizeof(union control), 0);
	EQ(g.n, 1);
	EQ(g.count, 1);
	EQ(g.flags, 0);
	EQ(fcntl(g.fds[0], F_GETFD), 0);
	EQ(write(g.fds[0], "pipe", 4), 4);
	EQ(read(p[0], buffer, 10), 4);
	close(g.fds[0]);
	EQ(read(p[0], buffer, 10), 0);
}
TEST(a_file_travels_in_a_stream)
{
	pass_one(SOCK_STREAM);
}
TEST(a_file_travels_in_a_datagram)
{
	pass_one(SOCK_DGRAM);
}
TEST(a_file_travels_in_a_packet)
{
	pass_one(SOCK_SEQPACKET);
}

TEST(between_processes)
{
	pid_t pid;
	pair(SOCK_STREAM);
	CHILD(pid)
	{
		struct got g = receive(s[1], 1, sizeof(union control), MSG_CMSG_CLOEXEC);
		EQ(g.count, 1);
		EQ(g.flags, MSG_CMSG_CLOEXEC);
		EQ(fcntl(g.fds[0], F_GETFD), FD_CLOEXEC);
		EQ(write(g.fds[0], "child", 5), 5);
	}
	int p[2];
	MUST(pipe(p));
	EQ(send_fd(s[0], p[1]), 1);
	close(p[1]);
	EQ(read(p[0], buffer, 10), 5);
	REAP(pid);
	close(s[0]);
	close(s[1]);
	EQ(read(p[0], buffer, 10), 0);
}

TEST(position_and_flags_are_shared)
{
	pair(SOCK_STREAM);
	int f = MUST(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	EQ(write(f, "0123456789", 10), 10);
	OK(lseek(f, 3, SEEK_SET));
	send_fd(s[0], f);
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	YES(same_file(f, g.fds[0]));
	EQ(read(g.fds[0], buffer, 2), 2);
	EQ(lseek(f, 0, SEEK_CUR), 5);
}

TEST(a_stream_stops_behind_files)
{
	int zero = 0;
	pair(SOCK_STREAM);
	EQ(write(s[0], "aaa", 3), 3);
	EQ(send_fds(s[0], "bbb", 3, &zero, 1), 3);
	EQ(write(s[0], "ccc", 3), 3);
	struct got g = receive(s[1], 100, sizeof(union control), 0);
	EQ(g.n, 6);
	EQ(g.count, 1);
	g = receive(s[1], 100, sizeof(union control), 0);
	EQ(g.n, 3);
	EQ(g.count, 0);
	EQ(g.control_length, 0);
}

TEST(a_page_of_bytes_comes_with_its_files)
{
	int zero = 0;
	pair(SOCK_STREAM);
	EQ(send_fds(s[0], buffer, 8192, &zero, 1), 8192);
	EQ(write(s[0], "ccc", 3), 3);
	struct got g = receive(s[1], sizeof buffer, sizeof(union control), 0);
	EQ(g.n, 8192);
	EQ(g.count, 1);
	g = receive(s[1], sizeof buffer, sizeof(union control), 0);
	EQ(g.n, 3);
	EQ(g.count, 0);
}

TEST(files_come_with_the_first_byte)
{
	int zero = 0;
	pair(SOCK_STREAM);
	EQ(send_fds(s[0], "bbb", 3, &zero, 1), 3);
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.count, 1);
	g = receive(s[1], 10, sizeof(union control), 0);
	EQ(g.n, 2);
	EQ(g.count, 0);
	/* Two sets do not come together. */
	EQ(send_fds(s[0], "1", 1, &zero, 1), 1);
	EQ(send_fds(s[0], "2", 1, &zero, 1), 1);
	EQ(receive(s[1], 10, sizeof(union control), 0).n, 1);
	EQ(receive(s[1], 10, sizeof(union control), 0).n, 1);
}

TEST(read_drops_files)
{
	int p[2];
	pair(SOCK_STREAM);
	MUST(pipe(p));
	send_fd(s[0], p[1]);
	close(p[1]);
	EQ(read(s[1], buffer, 10), 1);
	EQ(read(p[0], buffer, 10), 0); /* the last writer has gone */
	send_fd(s[0], 0);
	struct got g = receive(s[1], 10, 0, 0);
	EQ(g.n, 1);
	EQ(g.flags, MSG_CTRUNC);
}

TEST(room_for_some)
{
	int fds[3] = {0, 1, 2};
	pair(SOCK_DGRAM);
	EQ(send_fds(s[0], "x", 1, fds, 3), 1);
	struct got g = receive(s[1], 10, CMSG_LEN(2 * sizeof(int)), 0);
	EQ(g.count, 2);
	EQ(g.flags, MSG_CTRUNC);
	EQ(g.control_length, CMSG_LEN(2 * sizeof(int)));
	EQ(send_fds(s[0], "x", 1, fds, 3), 1);
	g = receive(s[1], 10, CMSG_LEN(0), 0);
	EQ(g.count, 0);
	EQ(g.flags, MSG_CTRUNC);
	EQ(g.control_length, 0);
	EQ(send_fds(s[0], "x", 1, fds, 3), 1);
	g = receive(s[1], 10, 4, 0);
	EQ(g.flags, MSG_CTRUNC);
	/* Odd room: space is padded, and ends where the room does. */
	EQ(send_fds(s[0], "x", 1, fds, 1), 1);
	g = receive(s[1], 10, CMSG_LEN(sizeof(int)), 0);
	EQ(g.count, 1);
	EQ(g.control_length, CMSG_LEN(sizeof(int)));
}

TEST(no_descriptors_left)
{
	int fds[3] = {0, 1, 2};
	pair(SOCK_DGRAM);
	EQ(send_fds(s[0], "x", 1, fds, 3), 1);
	struct rlimit limit = {(rlim_t)s[1] + 2, 100};
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	struct got g = receive(s[1], 10, sizeof(union control), 0);
	EQ(g.n, 1);
	EQ(g.count, 1);
	EQ(g.flags, MSG_CTRUNC);
}

TEST(peeking_copies_files)
{
	int p[2];
	pair(SOCK_STREAM);
	MUST(pipe(p));
	send_fd(s[0], p[1]);
	close(p[1]);
	for (int i = 0; i < 3; i++) {
		struct got g = receive(s[1], 10, sizeof(union control), MSG_PEEK);
		EQ(g.count, 1);
		EQ(write(g.fds[0], "x", 1), 1);
		close(g.fds[0]);
	}
	struct got g = receive(s[1], 10, sizeof(union control), 0);
	EQ(g.count, 1);
	close(g.fds[0]);
	EQ(read(p[0], buffer, 10), 3);
	EQ(read(p[0], buffer, 10), 0);
}

TEST(wrong_files)
{
	int fds[300], bad[2] = {0, -1};
	for (int i = 0; i < 300; i++)
		fds[i] = 0;
	pair(SOCK_DGRAM);
	FAILS(send_fds(s[0], "x", 1, bad, 2), EBADF);
	EQ(send_fds(s[0], "x", 1, fds, 253), 1);
	FAILS(send_fds(s[0], "x", 1, fds, 254), EINVAL);
	EQ(receive(s[1], 1, sizeof(union control), 0).count, 253);
	EQ(send_fds(s[0], "x", 1, fds, 0), 1);
	EQ(receive(s[1], 1, sizeof(union control), 0).count, 0);
	int path = MUST(open("/", O_PATH));
	EQ(send_fd(s[0], path), 1);
	EQ(receive(s[1], 1, sizeof(union control), 0).count, 1);
	/* Nothing is sent, nothing stays behind. */
	pair(SOCK_STREAM);
	EQ(send_fds(s[0], "", 0, fds, 1), 0);
	FAILS(recv(s[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
	close(s[1]);
	signal(SIGPIPE, SIG_IGN);
	FAILS(send_fd(s[0], 0), EPIPE);
}

static ssize_t send_control(int to, void *control, size_t length)
{
	struct iovec v = {"x", 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = length};
	return syscall(SYS_sendmsg, to, &m, 0);
}

TEST(malformed_control_messages)
{
	union control c = {0};
	pair(SOCK_DGRAM);
	c.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	FAILS(send_control(s[0], &c, CMSG_LEN(2)), EINVAL);
	EQ(send_control(s[0], &c, 8), 1); /* too short to hold one: none */
	c.header.cmsg_len = 4;
	FAILS(send_control(s[0], &c, 64), EINVAL);
	c.header.cmsg_len = (socklen_t)-8;
	FAILS(send_control(s[0], &c, 64), EINVAL);
	c.header.cmsg_len = CMSG_LEN(4);
	c.header.cmsg_type = 77;
	FAILS(send_control(s[0], &c, 64), EINVAL);
	c.header.cmsg_level = 77; /* of other levels nothing is known */
	EQ(send_control(s[0], &c, CMSG_SPACE(4)), 1);
	FAILS(send_control(s[0], (void *)8, 64), EFAULT);
	struct iovec v = {"x", 1};
	uint64_t header[7] = {0, 0, (uintptr_t)&v, 1, (uintptr_t)&c, 1ull << 40, 0};
	FAILS(syscall(SYS_sendmsg, s[0], header, 0), ENOBUFS);
	/* Two sets in one message are one. */
	int *first = (int *)CMSG_DATA(&c.header),
	    *second = (int *)(c.room + CMSG_SPACE(4) + CMSG_LEN(0));
	struct cmsghdr h = {
		.cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	c.header = h;
	memcpy(c.room + CMSG_SPACE(4), &h, sizeof h);
	*first = 0;
	*second = 1;
	while (recv(s[1], buffer, 1, MSG_DONTWAIT) == 1)
		;
	EQ(send_control(s[0], &c, 2 * CMSG_SPACE(4)), 1);
	EQ(receive(s[1], 1, sizeof c, 0).count, 2);
}

TEST(message_headers)
{
	struct iovec v = {buffer, 10}, negative = {buffer, (size_t)-1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	pair(SOCK_DGRAM);
	FAILS(syscall(SYS_sendmsg, s[0], 8, 0), EFAULT);
	FAILS(syscall(SYS_recvmsg, s[0], 8, 0), EFAULT);
	FAILS(syscall(SYS_sendmsg, -1, 8, 0), EBADF);
	FAILS(syscall(SYS_sendmsg, 0, &m, 0), ENOTSOCK);
	m.msg_iov = (void *)8;
	FAILS(syscall(SYS_sendmsg, s[0], &m, 0), EFAULT);
	m.msg_iov = &negative;
	FAILS(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
	m.msg_iov = &v;
	m.msg_iovlen = 1025;
	FAILS(syscall(SYS_sendmsg, s[0], &m, 0), EMSGSIZE);
	m.msg_iovlen = 0;
	EQ(syscall(SYS_sendmsg, s[0], &m, 0), 0);
	EQ(recv(s[1], buffer, 10, MSG_DONTWAIT), 0);
	m.msg_name = buffer;
	m.msg_namelen = (socklen_t)-1;
	FAILS(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
	m.msg_name = (void *)8;
	m.msg_namelen = 20;
	FAILS(syscall(SYS_sendmsg, s[0], &m, 0), EFAULT);
}

/* --- Limits, cycles --- */

TEST(files_in_flight_are_limited)
{
	pid_t pid;
	CHILD(pid)
	{
		int n = 0, zero[100] = {0};
		struct rlimit limit = {50, 50};
		pair(SOCK_STREAM);
		OK(setrlimit(RLIMIT_NOFILE, &limit));
		become_with(0, 4711);
		OK(fcntl(s[0], F_SETFL, O_NONBLOCK));
		while (n < 100 && send_fds(s[0], "x", 1, zero, 10) == 1)
			n++;
		EQ(errno, ETOOMANYREFS);
		EQ(n, 6);
		for (int i = 0; i < 10; i++)
			EQ(recv(s[1], buffer, 1, MSG_DONTWAIT), i < n ? 1 : -1);
		EQ(send_fds(s[0], "x", 1, zero, 10), 1);
	}
	REAP(pid);
}

/* A pipe whose last writer is in flight tells when the flight has ended: the reader sees the end of file. */
static int probe(int carrier)
{
	int p[2];
	MUST(pipe2(p, O_NONBLOCK));
	EQ(send_fd(carrier, p[1]), 1);
	close(p[1]);
	FAILS(read(p[0], buffer, 1), EAGAIN);
	return p[0];
}
static void collect(void)
{
	int x[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, x));
	close(x[0]);
	close(x[1]);
}

TEST(a_socket_in_its_own_queue_is_collected)
{
	pair(SOCK_STREAM);
	int end = probe(s[0]);
	EQ(send_fd(s[0], s[1]), 1);
	close(s[1]);
	close(s[0]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}

TEST(two_sockets_in_each_others_queues_are_collected)
{
	pair(SOCK_STREAM);
	int end = probe(s[0]);
	EQ(send_fd(s[0], s[0]), 1);
	EQ(send_fd(s[1], s[1]), 1);
	close(s[0]);
	close(s[1]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}

TEST(datagram_cycles_are_collected)
{
	pair(SOCK_DGRAM);
	int end = probe(s[0]);
	EQ(send_fd(s[0], s[1]), 1);
	EQ(send_fd(s[1], s[0]), 1);
	close(s[0]);
	close(s[1]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}

TEST(a_long_cycle_is_collected)
{
	enum { RING = 50 };
	int ring[RING][2];
	for (int i = 0; i < RING; i++)
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ring[i]));
	int end = probe(ring[RING / 2][0]);
	/* The receiving end of each is in the queue of the next. */
	for (int i = 0; i < RING; i++)
		EQ(send_fd(ring[(i + 1) % RING][0], ring[i][1]), 1);
	for (int i = 0; i < RING; i++)
		close(ring[i][1]);
	FAILS(read(end, buffer, 1), EAGAIN);
	/* Still reachable while senders exist? Nobody can receive: they do not count. */
	for (int i = 0; i < RING; i++)
		close(ring[i][0]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}

TEST(what_can_be_received_is_not_collected)
{
	int t[2];
	pair(SOCK_STREAM);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, t));
	int end = probe(t[0]);
	/* t[1] is in the queue of s[1], which stays open; s[1] is in the queue of t[1]. */
	EQ(send_fd(s[0], t[1]), 1);
	EQ(send_fd(t[0], s[1]), 1);
	close(t[1]);
	collect();
	FAILS(read(end, buffer, 1), EAGAIN);
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.count, 1);
	collect();
	FAILS(read(end, buffer, 1), EAGAIN);
	close(receive(g.fds[0], 1, sizeof(union control), 0).fds[0]);
	EQ(read(end, buffer, 1), 0);
}

TEST(unaccepted_connections_are_searched)
{
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 5), c = new_connected(SOCK_STREAM, &n);
	int end = probe(c);
	EQ(send_fd(c, l), 1);
	EQ(send_fd(c, c), 1);
	close(l);
	close(c);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
	OK(bind_name(new_socket(SOCK_STREAM), &n));
}

TEST(a_deep_nest_unravels)
{
	enum { DEPTH = 1000 };
	int end = -1, inner = -1;
	for (int i = 0; i < DEPTH; i++) {
		pair(SOCK_STREAM);
		if (inner < 0)
			end = probe(s[0]);
		else
			EQ(send_fd(s[0], inner), 1);
		close(inner);
		close(s[0]);
		inner = s[1];
	}
	FAILS(read(end, buffer, 1), EAGAIN);
	close(inner);
	UNTIL(read(end, buffer, 1) == 0);
}

/* --- Credentials --- */

TEST(credentials_of_the_sender)
{
	pid_t pid;
	pair(SOCK_DGRAM);
	EQ(option(s[1], SO_PASSCRED), 0);
	EQ(write(s[0], "x", 1), 1);
	set_option(s[1], SO_PASSCRED, 1);
	EQ(option(s[1], SO_PASSCRED), 1);
	/* Sent when nobody asked: nobody's. */
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, 0);
	EQ(g.ids.uid, 65534);
	EQ(g.ids.gid, 65534);
	CHILD(pid)
	{
		MUST(setresgid(10, 11, 12));
		MUST(setresuid(20, 21, 22));
		EQ(write(s[0], "x", 1), 1);
	}
	g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, pid);
	EQ(g.ids.uid, 20);
	EQ(g.ids.gid, 10);
	REAP(pid);
	EQ(write(s[0], "x", 1), 1);
	g = receive(s[1], 1, 0, 0);
	EQ(g.flags, MSG_CTRUNC);
	EQ(write(s[0], "x", 1), 1);
	g = receive(s[1], 1, CMSG_LEN(4), 0);
	EQ(g.flags, MSG_CTRUNC);
	EQ(g.control_length, CMSG_LEN(4));
}

TEST(credentials_of_who_is_not_accepted_yet)
{
	struct name name = abstract_name("early");
	int l = new_listener(SOCK_STREAM, &name, 5), c = new_connected(SOCK_STREAM, &name);
	EQ(write(c, "x", 1), 1);
	int first = MUST(accept(l, NULL, NULL));
	EQ(option(first, SO_PASSCRED), 0);
	set_option(first, SO_PASSCRED, 1);
	struct got g = receive(first, 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, getpid());
	/* What the listener wants, whom it accepts wants. */
	set_option(l, SO_PASSCRED, 1);
	c = new_connected(SOCK_STREAM, &name);
	EQ(write(c, "x", 1), 1);
	int second = MUST(accept(l, NULL, NULL));
	EQ(option(second, SO_PASSCRED), 1);
	g = receive(second, 1, sizeof(union control), 0);
	EQ(g.has_ids, 1);
	EQ(g.ids.pid, getpid());
}

TEST(streams_do_not_mix_senders)
{
	pid_t pid;
	pair(SOCK_STREAM);
	set_option(s[1], SO_PASSCRED, 1);
	EQ(write(s[0], "aa", 2), 2);
	EQ(write(s[0], "bb", 2), 2);
	CHILD(pid)
	{
		EQ(write(s[0], "cc", 2), 2);
	}
	REAP(pid);
	struct got g = receive(s[1], 100, sizeof(union control), 0);
	EQ(g.n, 4);
	EQ(g.ids.pid, getpid());
	g = receive(s[1], 100, sizeof(union control), 0);
	EQ(g.n, 2);
	EQ(g.ids.pid, pid);
}

static ssize_t claim(int to, int pid, unsigned uid, unsigned gid)
{
	union control c = {0};
	struct ucred u = {pid, uid, gid};
	c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof u),
	                            .cmsg_level = SOL_SOCKET,
	                            .cmsg_type = SCM_CREDENTIALS};
	memcpy(CMSG_DATA(&c.header), &u, sizeof u);
	return send_control(to, &c, CMSG_SPACE(sizeof u));
}

TEST(claimed_credentials_are_checked)
{
	pid_t pid;
	pair(SOCK_SEQPACKET);
	set_option(s[1], SO_PASSCRED, 1);
	EQ(claim(s[0], 1, 42, 43), 1);
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.ids.pid, 1);
	EQ(g.ids.uid, 42);
	EQ(g.ids.gid, 43);
	FAILS(claim(s[0], 4000000, 0, 0), ESRCH);
	FAILS(claim(s[0], getpid(), (unsigned)-1, 0), EINVAL);
	CHILD(pid)
	{
		MUST(setgroups(0, NULL));
		MUST(setresgid(10, 11, 12));
		MUST(setresuid(20, 21, 22));
		EQ(claim(s[0], getpid(), 20, 12), 1);
		EQ(claim(s[0], getpid(), 22, 11), 1);
		FAILS(claim(s[0], getpid(), 23, 11), EPERM);
		FAILS(claim(s[0], getpid(), 22, 13), EPERM);
		FAILS(claim(s[0], 1, 22, 11), EPERM);
	}
	REAP(pid);
	union control c = {0};
	c.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(8), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
	FAILS(send_control(s[0], &c, CMSG_SPACE(8)), EINVAL);
}

static struct ucred peer_of(int fd)
{
	struct ucred u = {-2, 7, 7};
	socklen_t size = sizeof u;
	OK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &size));
	EQ(size, sizeof u);
	return u;
}

TEST(credentials_of_the_peer)
{
	pid_t pid;
	struct name n = abstract_name("server");
	struct ucred u = peer_of(new_socket(SOCK_STREAM));
	EQ(u.pid, 0);
	EQ(u.uid, -1u);
	EQ(u.gid, -1u);
	int l = new_listener(SOCK_STREAM, &n, 5);
	CHILD(pid)
	{
		gid_t groups[3] = {7, 5, 6}, got[10];
		MUST(setgroups(3, groups));
		MUST(setresgid(10, 11, 12));
		MUST(setresuid(20, 21, 22));
		int c = new_connected(SOCK_STREAM, &n);
		EQ(peer_of(c).pid, getppid());
		EQ(peer_of(c).uid, 0);
		EQ(read(c, buffer, 1), 1);
		(void)got;
	}
	int a = MUST(accept(l, NULL, NULL));
	u = peer_of(a);
	EQ(u.pid, pid);
	EQ(u.uid, 21);
	EQ(u.gid, 11);
	gid_t got[10];
	socklen_t size = sizeof got;
	OK(getsockopt(a, SOL_SOCKET, 59 /* SO_PEERGROUPS */, got, &size));
	EQ(size, 3 * sizeof(gid_t));
	EQ(got[0], 5);
	EQ(got[2], 7);
	size = 4;
	FAILS(getsockopt(a, SOL_SOCKET, 59, got, &size), ERANGE);
	EQ(size, 3 * sizeof(gid_t));
	EQ(write(a, "x", 1), 1);
	REAP(pid);
	/* It says who connected, whoever holds the end now. */
	EQ(peer_of(a).pid, pid);
	pair(SOCK_DGRAM);
	EQ(peer_of(s[0]).pid, getpid());
	FAILS(getsockopt(new_socket(SOCK_STREAM), SOL_SOCKET, 59, got, &size), ENODATA);
}

TEST(who_asks_for_credentials_gets_a_name)
{
	struct name n = abstract_name("server");
	struct sockaddr_un from;
	socklen_t size = sizeof from;
	int server = new_bound(SOCK_DGRAM, &n), c = new_socket(SOCK_DGRAM);
	set_option(c, SO_PASSCRED, 1);
	EQ(send_name(c, "x", 1, 0, &n), 1);
	EQ(recvfrom(server, buffer, 1, 0, (struct sockaddr *)&from, &size), 1);
	EQ(size, NAME_OFFSET + 6);
}
