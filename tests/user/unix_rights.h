/* Messages with open files and credentials on board: what their conformance programs share. */
#pragma once
#include "unix.h"
#include <sys/uio.h>

static int s[2];
static char buffer[65536];

static inline void pair(int type)
{
	MUST(socketpair(AF_UNIX, type, 0, s));
}

union control {
	struct cmsghdr header;
	char room[4096];
};

/* libc's sendmsg has limits of its own. */
static inline ssize_t send_fds_flags(int to, const void *data, size_t size, const int *fds, int n,
                                     int flags)
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
	return syscall(SYS_sendmsg, to, &m, flags);
}
static inline ssize_t send_fds(int to, const void *data, size_t size, const int *fds, int n)
{
	return send_fds_flags(to, data, size, fds, n, 0);
}
static inline ssize_t send_fd(int to, int fd)
{
	return send_fds(to, "x", 1, &fd, 1);
}

/* One byte with this control message. */
static inline ssize_t send_control(int to, void *control, size_t length)
{
	struct iovec v = {"x", 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = length};
	return syscall(SYS_sendmsg, to, &m, 0);
}

struct got {
	ssize_t n;
	int flags, count, fds[300];
	int has_ids;
	struct ucred ids;
	size_t control_length;
};
static inline struct got receive(int from, size_t size, size_t room, int flags)
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

static inline int same_file(int a, int b)
{
	struct stat x, y;
	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}
