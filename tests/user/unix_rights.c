/* Open files on board of messages: SCM_RIGHTS (unix(7)). */
#include "unix_rights.h"
#include <sys/resource.h>

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

/* Up to what goes into the queue at once, which depends on the sender's buffer. */
TEST(large_writes_come_with_their_files)
{
	static const struct {
		int buffer;
		ssize_t sent, together;
	} cases[] = {
		{0, 36000, 36000}, {0, 60000, 36544}, {20000, 30000, 19936}, {20000, 9000, 9000}};
	int zero = 0;
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		pair(SOCK_STREAM);
		if (cases[i].buffer)
			set_option(s[0], SO_SNDBUF, cases[i].buffer);
		EQ(send_fds(s[0], buffer, (size_t)cases[i].sent, &zero, 1), cases[i].sent);
		struct got g = receive(s[1], sizeof buffer, sizeof(union control), 0);
		EQ(g.n, cases[i].together);
		EQ(g.count, 1);
		if (g.n == cases[i].sent)
			continue;
		g = receive(s[1], sizeof buffer, sizeof(union control), 0);
		EQ(g.n, cases[i].sent - cases[i].together);
		EQ(g.count, 0);
	}
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
	/* A stream looks at the files first, sequenced packets at the connection. */
	FAILS(send_fd(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), -1), EBADF);
	FAILS(send_fd(MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0)), -1), ENOTCONN);
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
