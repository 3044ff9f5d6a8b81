/* AF_NETLINK as the C libraries use it (netlink(7)): requests of NETLINK_ROUTE are answered. */
#include "harness.h"
#include <sys/socket.h>

/* musl brings no kernel headers: rtnetlink(7). */
enum {
	NETLINK_ROUTE = 0,
	NLM_F_REQUEST = 1,
	NLM_F_DUMP = 0x300,
	NLMSG_ERROR = 2,
	NLMSG_DONE = 3,
	RTM_GETADDR = 22
};
struct sockaddr_nl {
	unsigned short nl_family, nl_pad;
	unsigned nl_pid, nl_groups;
};
struct nlmsghdr {
	unsigned nlmsg_len;
	unsigned short nlmsg_type, nlmsg_flags;
	unsigned nlmsg_seq, nlmsg_pid;
};

static _Alignas(8) char buffer[8192];

static int new_netlink(void)
{
	return MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}
static int request(int fd, int type, int flags)
{
	struct {
		struct nlmsghdr h;
		unsigned family;
	} r = {{sizeof r, (unsigned short)type, (unsigned short)(NLM_F_REQUEST | flags), 77, 0},
	       AF_UNSPEC};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	return (int)sendto(fd, &r, sizeof r, 0, (struct sockaddr *)&kernel, sizeof kernel);
}

TEST(kinds)
{
	OK(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE));
	FAILS(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	FAILS(socket(AF_NETLINK, SOCK_RAW, 32), EPROTONOSUPPORT);
	FAILS(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
	int s[2], fd = new_netlink();
	FAILS(socketpair(AF_NETLINK, SOCK_RAW, 0, s), EOPNOTSUPP);
	FAILS(listen(fd, 1), EOPNOTSUPP);
	FAILS(accept(fd, NULL, NULL), EOPNOTSUPP);
	FAILS(shutdown(fd, SHUT_RD), EOPNOTSUPP);
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(addresses)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK}, got;
	socklen_t size = sizeof got;
	int first = new_netlink(), second = new_netlink();
	OK(getsockname(first, (struct sockaddr *)&got, &size));
	EQ(got.nl_pid, 0);
	FAILS(bind(first, (struct sockaddr *)&a, 8), EINVAL);
	a.nl_family = AF_UNIX;
	FAILS(bind(first, (struct sockaddr *)&a, sizeof a), EINVAL);
	a.nl_family = AF_NETLINK;
	OK(bind(first, (struct sockaddr *)&a, sizeof a));
	OK(getsockname(first, (struct sockaddr *)&got, &size));
	EQ(size, sizeof got);
	EQ(got.nl_family, AF_NETLINK);
	EQ(got.nl_pid, getpid());
	OK(bind(second, (struct sockaddr *)&a, sizeof a));
	OK(getsockname(second, (struct sockaddr *)&got, &size));
	YES(got.nl_pid != (unsigned)getpid() && got.nl_pid != 0);
	a.nl_pid = (unsigned)getpid();
	OK(bind(first, (struct sockaddr *)&a, sizeof a));
	FAILS(bind(second, (struct sockaddr *)&a, sizeof a), EINVAL);
	FAILS(bind(new_netlink(), (struct sockaddr *)&a, sizeof a), EADDRINUSE);
	close(first);
	OK(bind(new_netlink(), (struct sockaddr *)&a, sizeof a));
}

/* A dump ends with NLMSG_DONE, after as many entries as there are. */
TEST(dumps)
{
	int fd = new_netlink(), done = 0, type = 0;
	OK(request(fd, RTM_GETADDR, NLM_F_DUMP));
	while (!done) {
		ssize_t n = MUST(recv(fd, buffer, sizeof buffer, 0));
		YES(n >= (ssize_t)sizeof(struct nlmsghdr));
		for (ssize_t at = 0; at < n;) {
			struct nlmsghdr *h = (void *)(buffer + at);
			EQ(h->nlmsg_seq, 77);
			YES(h->nlmsg_len >= sizeof *h);
			type = h->nlmsg_type;
			done |= type == NLMSG_DONE;
			at += (h->nlmsg_len + 3) & ~3u;
			if (h->nlmsg_len < sizeof *h)
				_exit(1);
		}
	}
	EQ(type, NLMSG_DONE);
	FAILS(recv(fd, buffer, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(unknown_requests)
{
	int fd = new_netlink();
	OK(request(fd, 999, 0));
	struct sockaddr_nl from;
	socklen_t size = sizeof from;
	ssize_t n = OK(recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size));
	struct nlmsghdr *h = (void *)buffer;
	YES(n >= (ssize_t)(sizeof *h + sizeof(int)));
	EQ(h->nlmsg_type, NLMSG_ERROR);
	EQ(*(int *)(h + 1), -EOPNOTSUPP);
	EQ(size, sizeof from);
	EQ(from.nl_pid, 0);
	EQ(from.nl_family, AF_NETLINK);
	struct sockaddr_nl nobody = {.nl_family = AF_NETLINK, .nl_pid = 1999999};
	FAILS(sendto(fd, buffer, 16, 0, (struct sockaddr *)&nobody, sizeof nobody), ECONNREFUSED);
	FAILS(sendto(fd, buffer, 16, 0, (struct sockaddr *)&nobody, 8), EINVAL);
	FAILS(send(fd, (void *)8, 16, 0), EFAULT);
}

TEST(who_does_not_read_loses_answers)
{
	int fd = new_netlink(), small = 1, n = 0;
	OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small));
	for (int i = 0; i < 100; i++)
		OK(request(fd, 999, 0));
	FAILS(recv(fd, buffer, sizeof buffer, MSG_DONTWAIT), ENOBUFS);
	while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		n++;
	EQ(errno, EAGAIN);
	YES(n > 0 && n < 20);
}

TEST(receiving)
{
	int fd = new_netlink();
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLOUT);
	FAILS(recv(fd, buffer, 10, MSG_DONTWAIT), EAGAIN);
	OK(request(fd, 999, 0));
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLIN | POLLOUT);
	ssize_t whole = OK(recv(fd, buffer, 4, MSG_PEEK | MSG_TRUNC));
	YES(whole > 16);
	EQ(recv(fd, buffer, 4, 0), 4);
	FAILS(recv(fd, buffer, 10, MSG_DONTWAIT), EAGAIN);
	pid_t pid;
	CHILD(pid)
	{
		EQ(recv(fd, buffer, sizeof buffer, MSG_WAITALL), whole);
	}
	until_asleep(pid);
	OK(request(fd, 999, 0));
	REAP(pid);
}
