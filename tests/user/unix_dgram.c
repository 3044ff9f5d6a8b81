/* Local datagrams and sequenced packets, unix(7). */
#include "unix.h"
#include <sys/uio.h>

static int s[2];
static char buffer[1 << 18];

static void pair(int type)
{
	MUST(socketpair(AF_UNIX, type, 0, s));
}

static void borders(int type)
{
	pair(type);
	EQ(write(s[0], "one", 3), 3);
	EQ(write(s[0], "", 0), 0);
	EQ(write(s[0], "three", 5), 5);
	EQ(read(s[1], buffer, 100), 3);
	EQ(recv(s[1], buffer, 100, 0), 0);
	/* What does not fit is cut. */
	EQ(read(s[1], buffer, 2), 2);
	EQ(memcmp(buffer, "th", 2), 0);
	FAILS(recv(s[1], buffer, 100, MSG_DONTWAIT), EAGAIN);
}
TEST(datagrams_keep_their_borders)
{
	borders(SOCK_DGRAM);
}
TEST(packets_keep_their_borders)
{
	borders(SOCK_SEQPACKET);
}

static void truncation(int type)
{
	struct iovec v = {buffer, 4};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	pair(type);
	for (int i = 0; i < 4; i++)
		EQ(write(s[0], "0123456789", 10), 10);
	EQ(recvmsg(s[1], &m, 0), 4);
	EQ(m.msg_flags, MSG_TRUNC);
	EQ(recvmsg(s[1], &m, MSG_TRUNC), 10);
	EQ(m.msg_flags, MSG_TRUNC);
	EQ(recv(s[1], buffer, 4, MSG_PEEK | MSG_TRUNC), 10);
	EQ(recv(s[1], buffer, 0, MSG_TRUNC), 10);
	v.iov_len = 10;
	EQ(recvmsg(s[1], &m, 0), 10);
	EQ(m.msg_flags, 0);
}
TEST(datagrams_tell_of_truncation)
{
	truncation(SOCK_DGRAM);
}
TEST(packets_tell_of_truncation)
{
	truncation(SOCK_SEQPACKET);
}

static void sizes(int type)
{
	pair(type);
	int limit = option(s[0], SO_SNDBUF);
	FAILS(write(s[0], buffer, (size_t)limit - 31), EMSGSIZE);
	for (int i = 0; i < limit - 32; i++)
		buffer[i] = (char)(i * 5 >> 2);
	EQ(write(s[0], buffer, (size_t)limit - 32), limit - 32);
	char *copy = malloc((size_t)limit);
	memcpy(copy, buffer, (size_t)limit - 32);
	memset(buffer, 0, sizeof buffer);
	EQ(recv(s[1], buffer, 5000, MSG_PEEK), 5000);
	EQ(memcmp(buffer, copy, 5000), 0);
	EQ(read(s[1], buffer, sizeof buffer), limit - 32);
	EQ(memcmp(buffer, copy, (size_t)limit - 32), 0);
}
TEST(datagrams_up_to_the_send_buffer)
{
	sizes(SOCK_DGRAM);
}
TEST(packets_up_to_the_send_buffer)
{
	sizes(SOCK_SEQPACKET);
}

TEST(senders_are_named)
{
	struct name a = abstract_name("a"), b = abstract_name("b");
	int sa = new_bound(SOCK_DGRAM, &a), sb = new_bound(SOCK_DGRAM, &b),
	    nobody = new_socket(SOCK_DGRAM);
	struct sockaddr_un from;
	socklen_t size = sizeof from;
	EQ(send_name(sa, "hi", 2, 0, &b), 2);
	EQ(recvfrom(sb, buffer, 10, 0, (struct sockaddr *)&from, &size), 2);
	EQ(size, a.length);
	EQ(memcmp(&from, &a.un, size), 0);
	EQ(sendto(sb, "back", 4, 0, (struct sockaddr *)&from, size), 4);
	EQ(read(sa, buffer, 10), 4);
	EQ(send_name(nobody, "x", 1, 0, &b), 1);
	size = sizeof from;
	EQ(recvfrom(sb, buffer, 10, 0, (struct sockaddr *)&from, &size), 1);
	EQ(size, 0);
	FAILS(send_name(sa, "x", 1, 0, &(struct name){a.un, 2}), EINVAL);
	struct name none = abstract_name("none");
	FAILS(send_name(sa, "x", 1, 0, &none), ECONNREFUSED);
}

TEST(connected_datagrams)
{
	struct name a = abstract_name("a"), b = abstract_name("b");
	int server = new_bound(SOCK_DGRAM, &a), c = new_socket(SOCK_DGRAM),
	    d = new_bound(SOCK_DGRAM, &b);
	FAILS(write(c, "x", 1), ENOTCONN);
	OK(connect_name(c, &a));
	OK(connect_name(c, &a));
	EQ(write(c, "one", 3), 3);
	EQ(send_name(c, "two", 3, 0, &a), 3);
	EQ(read(server, buffer, 10), 3);
	EQ(read(server, buffer, 10), 3);
	OK(connect_name(c, &b)); /* somebody else now */
	EQ(write(c, "three", 5), 5);
	EQ(read(d, buffer, 10), 5);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	OK(connect(c, &none, sizeof none));
	FAILS(write(c, "x", 1), ENOTCONN);
	FAILS(getpeername(c, (struct sockaddr *)buffer, &(socklen_t){100}), ENOTCONN);
	FAILS(connect(c, &none, 1), EINVAL);
	/* A peer that talks to somebody else takes nothing from us. */
	OK(connect_name(server, &b));
	FAILS(connect_name(c, &a), EPERM);
	FAILS(send_name(c, "x", 1, 0, &a), EPERM);
	OK(connect_name(d, &a));
	EQ(write(d, "x", 1), 1);
}

TEST(a_dead_peer_refuses_once)
{
	pair(SOCK_DGRAM);
	close(s[1]);
	FAILS(write(s[0], "x", 1), ECONNREFUSED);
	FAILS(write(s[0], "x", 1), ENOTCONN);
	FAILS(recv(s[0], buffer, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(disconnecting_loses_messages_and_tells)
{
	struct name a = abstract_name("a"), b = abstract_name("b");
	int sa = new_bound(SOCK_DGRAM, &a), sb = new_bound(SOCK_DGRAM, &b);
	OK(connect_name(sa, &b));
	OK(connect_name(sb, &a));
	EQ(write(sa, "lost", 4), 4);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	OK(connect(sb, &none, sizeof none));
	FAILS(recv(sb, buffer, 10, MSG_DONTWAIT), EAGAIN);
	EQ(polled(sa, POLLIN), POLLERR);
	FAILS(recv(sa, buffer, 10, MSG_DONTWAIT), ECONNRESET);
	FAILS(recv(sa, buffer, 10, MSG_DONTWAIT), EAGAIN);
}

TEST(a_queue_is_full_for_strangers)
{
	struct name a = abstract_name("a");
	int server = new_bound(SOCK_DGRAM, &a), c = new_socket(SOCK_DGRAM | SOCK_NONBLOCK), n = 0;
	char text[16];
	YES(file_read("/proc/sys/net/unix/max_dgram_qlen", text, sizeof text) > 0);
	OK(connect_name(c, &a));
	EQ(polled(c, POLLOUT), POLLOUT);
	while (write(c, "x", 1) == 1)
		n++;
	EQ(errno, EAGAIN);
	EQ(n, atoi(text) + 1);
	EQ(polled(c, POLLOUT), 0);
	int other = new_socket(SOCK_DGRAM | SOCK_NONBLOCK);
	FAILS(send_name(other, "x", 1, 0, &a), EAGAIN);
	EQ(polled(other, POLLOUT), POLLOUT);
	EQ(read(server, buffer, 1), 1);
	EQ(polled(c, POLLOUT), POLLOUT);
	EQ(write(c, "x", 1), 1);
}

TEST(peers_of_each_other_may_send_more)
{
	int n = 0;
	pair(SOCK_DGRAM | SOCK_NONBLOCK);
	while (write(s[0], buffer, 100) == 100)
		n++;
	EQ(errno, EAGAIN);
	YES(n > 100);
	while (read(s[1], buffer, 100) == 100)
		n--;
	EQ(n, 0);
}

TEST(a_sender_sleeps_until_the_queue_has_room)
{
	enum { MESSAGES = 3000 };
	struct name a = abstract_name("a");
	int server = new_bound(SOCK_DGRAM, &a);
	pid_t pid;
	CHILD(pid)
	{
		int c = new_connected(SOCK_DGRAM, &a);
		for (int i = 0; i < MESSAGES; i++)
			EQ(write(c, &i, sizeof i), sizeof i);
	}
	until_asleep(pid);
	for (int i = 0; i < MESSAGES; i++) {
		int got = -1;
		EQ(read(server, &got, sizeof got), sizeof got);
		if (got != i) {
			EQ(got, i);
			break;
		}
	}
	REAP(pid);
}

TEST(pollers_hear_of_room)
{
	struct name a = abstract_name("a");
	int server = new_bound(SOCK_DGRAM, &a), c = new_socket(SOCK_DGRAM | SOCK_NONBLOCK);
	pid_t pid;
	OK(connect_name(c, &a));
	while (write(c, "x", 1) == 1)
		;
	CHILD(pid)
	{
		struct pollfd p = {c, POLLOUT, 0};
		EQ(poll(&p, 1, -1), 1);
		EQ(write(c, "x", 1), 1);
	}
	until_asleep(pid);
	EQ(read(server, buffer, 1), 1);
	REAP(pid);
}

TEST(many_senders_one_receiver)
{
	enum { SENDERS = 10, EACH = 500 };
	struct name a = abstract_name("a");
	int server = new_bound(SOCK_DGRAM, &a), next[SENDERS] = {0};
	pid_t pids[SENDERS];
	for (int k = 0; k < SENDERS; k++)
		CHILD(pids[k])
		{
			int c = new_socket(SOCK_DGRAM);
			for (int i = 0; i < EACH; i++) {
				int m[2] = {k, i};
				EQ(send_name(c, m, sizeof m, 0, &a), sizeof m);
			}
		}
	for (int i = 0; i < SENDERS * EACH; i++) {
		int m[2] = {0, 0};
		EQ(read(server, m, sizeof m), sizeof m);
		EQ(m[1], next[m[0]]++);
	}
	for (int k = 0; k < SENDERS; k++)
		REAP(pids[k]);
}

TEST(a_closing_receiver_wakes_the_sender)
{
	struct name a = abstract_name("a");
	int server = new_bound(SOCK_DGRAM, &a);
	pid_t pid;
	CHILD(pid)
	{
		close(server);
		int c = new_connected(SOCK_DGRAM, &a), n = 0;
		while (write(c, "x", 1) == 1)
			n++;
		EQ(errno, ECONNREFUSED);
		YES(n > 5);
	}
	until_asleep(pid);
	close(server);
	REAP(pid);
}

TEST(shutdown_of_datagrams)
{
	pair(SOCK_DGRAM);
	OK(shutdown(s[1], SHUT_RD));
	on_signal(SIGPIPE, count_signal, 0);
	FAILS(write(s[0], "x", 1), EPIPE);
	EQ(signals_seen, 0);
	EQ(recv(s[1], buffer, 1, 0), 0);
	FAILS(recv(s[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
	EQ(write(s[1], "x", 1), 1);
	EQ(read(s[0], buffer, 1), 1);
	OK(shutdown(s[1], SHUT_WR));
	FAILS(write(s[1], "x", 1), EPIPE);
	EQ(signals_seen, 0);
}

TEST(packets_of_a_closed_connection)
{
	pair(SOCK_SEQPACKET);
	EQ(write(s[0], "last", 4), 4);
	close(s[0]);
	EQ(read(s[1], buffer, 10), 4);
	EQ(read(s[1], buffer, 10), 0);
	EQ(recv(s[1], buffer, 10, MSG_DONTWAIT), 0);
	on_signal(SIGPIPE, count_signal, 0);
	FAILS(write(s[1], "x", 1), EPIPE);
	EQ(signals_seen, 0);
}

TEST(packets_lost_reset_the_connection)
{
	pair(SOCK_SEQPACKET);
	EQ(write(s[1], "unread", 6), 6);
	EQ(write(s[0], "x", 1), 1);
	close(s[0]);
	FAILS(read(s[1], buffer, 10), ECONNRESET); /* before what came */
	EQ(read(s[1], buffer, 10), 1);
	EQ(read(s[1], buffer, 10), 0);
}

TEST(packets_need_a_connection)
{
	struct name a = abstract_name("a");
	int fd = new_socket(SOCK_SEQPACKET);
	FAILS(write(fd, "x", 1), ENOTCONN);
	FAILS(send_name(fd, "x", 1, 0, &a), ENOTCONN);
	FAILS(read(fd, buffer, 1), ENOTCONN);
	EQ(polled(fd, POLLIN | POLLOUT), POLLOUT | POLLHUP);
	int l = new_listener(SOCK_SEQPACKET, &a, 2);
	OK(connect_name(fd, &a));
	EQ(send_name(fd, "x", 1, 0, &(struct name){a.un, 1}), 1); /* the address is not looked at */
	EQ(read(MUST(accept(l, NULL, NULL)), buffer, 10), 1);
}

TEST(peeking)
{
	pair(SOCK_DGRAM);
	EQ(write(s[0], "one", 3), 3);
	EQ(write(s[0], "two", 3), 3);
	EQ(recv(s[1], buffer, 10, MSG_PEEK), 3);
	EQ(recv(s[1], buffer, 10, MSG_PEEK), 3);
	EQ(memcmp(buffer, "one", 3), 0);
	set_option(s[1], SO_PEEK_OFF, 1);
	EQ(recv(s[1], buffer, 10, MSG_PEEK), 2);
	EQ(memcmp(buffer, "ne", 2), 0);
	EQ(recv(s[1], buffer, 10, MSG_PEEK), 3);
	EQ(memcmp(buffer, "two", 3), 0);
	EQ(read(s[1], buffer, 10), 3);
	EQ(option(s[1], SO_PEEK_OFF), 3);
}

TEST(bytes_of_the_next_datagram)
{
	pair(SOCK_DGRAM);
	EQ(unread(s[1]), 0);
	EQ(write(s[0], "one", 3), 3);
	EQ(write(s[0], "three", 5), 5);
	EQ(unread(s[1]), 3);
	pair(SOCK_SEQPACKET);
	EQ(write(s[0], "one", 3), 3);
	EQ(write(s[0], "three", 5), 5);
	EQ(unread(s[1]), 8);
}

TEST(a_faulting_buffer_loses_the_datagram)
{
	pair(SOCK_DGRAM);
	EQ(write(s[0], "one", 3), 3);
	EQ(write(s[0], "two", 3), 3);
	FAILS(write(s[0], (void *)8, 3), EFAULT);
	FAILS(read(s[1], (void *)8, 3), EFAULT);
	EQ(read(s[1], buffer, 10), 3);
	EQ(memcmp(buffer, "two", 3), 0);
	FAILS(recv(s[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(several_messages_at_once)
{
	struct iovec v[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, in[3];
	struct mmsghdr m[3] = {{{0}, 0}};
	pair(SOCK_DGRAM);
	for (int i = 0; i < 3; i++) {
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	EQ(sendmmsg(s[0], m, 3, 0), 3);
	for (int i = 0; i < 3; i++) {
		EQ(m[i].msg_len, i + 1);
		in[i] = (struct iovec){buffer + 100 * i, 100};
		m[i].msg_hdr.msg_iov = &in[i];
	}
	EQ(recvmmsg(s[1], m, 2, 0, NULL), 2);
	EQ(m[0].msg_len, 1);
	EQ(m[1].msg_len, 2);
	EQ(recvmmsg(s[1], m, 3, MSG_WAITFORONE, NULL), 1);
	EQ(m[0].msg_len, 3);
	FAILS(recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL), EAGAIN);
	FAILS(recvmmsg(s[1], m, 3, 0, &(struct timespec){0, -1}), EINVAL);
	EQ(recvmmsg(s[1], m, 0, 0, NULL), 0);
	FAILS(sendmmsg(-1, m, 1, 0), EBADF);
	FAILS(syscall(SYS_sendmmsg, s[0], 8, 1, 0), EFAULT);
	m[1].msg_hdr.msg_iov = (void *)8;
	EQ(syscall(SYS_sendmmsg, s[0], m, 3, 0), 1); /* as far as it went */
}

/* What came first is reported; the next call, or SO_ERROR, tells of the error. */
TEST(an_error_after_the_first_of_many)
{
	struct mmsghdr m[2] = {0};
	struct iovec in = {buffer, 1};
	pair(SOCK_DGRAM);
	for (int i = 0; i < 3; i++)
		EQ(write(s[0], "x", 1), 1);
	m[0].msg_hdr = (struct msghdr){.msg_iov = &in, .msg_iovlen = 1};
	m[1].msg_hdr = (struct msghdr){.msg_iov = (void *)8, .msg_iovlen = 1};
	EQ(recvmmsg(s[1], m, 2, 0, NULL), 1);
	FAILS(recvmmsg(s[1], m, 1, 0, NULL), EFAULT);
	EQ(recvmmsg(s[1], m, 2, 0, NULL), 1);
	EQ(option(s[1], SO_ERROR), EFAULT);
	EQ(recvmmsg(s[1], m, 2, MSG_DONTWAIT, NULL), 1);
	FAILS(read(s[1], buffer, 1), EFAULT);
	EQ(write(s[0], "x", 1), 1);
	/* Nothing more to read is no error. */
	m[1].msg_hdr = m[0].msg_hdr;
	EQ(recvmmsg(s[1], m, 2, MSG_DONTWAIT, NULL), 1);
	EQ(option(s[1], SO_ERROR), 0);
}

TEST(no_name_has_no_length)
{
	struct iovec v = {buffer, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_namelen = (socklen_t)-1};
	pair(SOCK_DGRAM);
	EQ(syscall(SYS_sendmsg, s[0], &m, 0), 1);
	EQ(syscall(SYS_recvmsg, s[1], &m, 0), 1);
	m.msg_name = buffer;
	m.msg_namelen = (socklen_t)-1;
	FAILS(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
}

TEST(stream_of_single_datagrams_across_processes)
{
	enum { MESSAGES = 2000 };
	pid_t pid;
	pair(SOCK_SEQPACKET);
	CHILD(pid)
	{
		close(s[1]);
		for (int i = 0; i < MESSAGES; i++)
			EQ(write(s[0], buffer, (size_t)(i % 9000)), i % 9000);
	}
	close(s[0]);
	for (int i = 0; i < MESSAGES; i++)
		EQ(recv(s[1], buffer, sizeof buffer, 0), i % 9000);
	EQ(read(s[1], buffer, 1), 0);
	REAP(pid);
}
