/* Local sockets: what their conformance programs share. */
#pragma once
#include "harness.h"
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { NAME_OFFSET = offsetof(struct sockaddr_un, sun_path) };
struct name {
	struct sockaddr_un un;
	socklen_t length;
};

static inline struct name path_name(const char *path)
{
	struct name n = {.un.sun_family = AF_UNIX};
	strcpy(n.un.sun_path, path);
	n.length = NAME_OFFSET + strlen(path) + 1;
	return n;
}
/* An abstract name of this process's own. */
static inline struct name abstract_name(const char *text)
{
	struct name n = {.un.sun_family = AF_UNIX};
	int length = sprintf(n.un.sun_path + 1, "test-%d-%s", (int)getpid(), text);
	n.length = NAME_OFFSET + 1 + length;
	return n;
}
static inline int bind_name(int fd, const struct name *n)
{
	return bind(fd, (const struct sockaddr *)&n->un, n->length);
}
static inline int connect_name(int fd, const struct name *n)
{
	return connect(fd, (const struct sockaddr *)&n->un, n->length);
}
static inline ssize_t send_name(int fd, const void *data, size_t size, int flags,
                                const struct name *n)
{
	return sendto(fd, data, size, flags, (const struct sockaddr *)&n->un, n->length);
}
static inline int new_socket(int type)
{
	return MUST(socket(AF_UNIX, type, 0));
}
static inline int new_bound(int type, const struct name *n)
{
	int fd = new_socket(type);
	MUST(bind_name(fd, n));
	return fd;
}
static inline int new_listener(int type, const struct name *n, int backlog)
{
	int fd = new_bound(type, n);
	MUST(listen(fd, backlog));
	return fd;
}
static inline int new_connected(int type, const struct name *n)
{
	int fd = new_socket(type);
	MUST(connect_name(fd, n));
	return fd;
}
static inline short polled(int fd, short events)
{
	struct pollfd one = {fd, events, 0};
	poll(&one, 1, 0);
	return one.revents;
}
static inline int unread(int fd)
{
	int n = -1;
	OK(ioctl(fd, FIONREAD, &n));
	return n;
}
static inline void set_timeout(int fd, int option, long us)
{
	struct timeval t = {us / 1000000, us % 1000000};
	MUST(setsockopt(fd, SOL_SOCKET, option, &t, sizeof t));
}
static inline int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof value;
	OK(getsockopt(fd, SOL_SOCKET, name, &value, &size));
	EQ(size, sizeof value);
	return value;
}
static inline void set_option(int fd, int name, int value)
{
	MUST(setsockopt(fd, SOL_SOCKET, name, &value, sizeof value));
}
/* A scratch directory of the case's own, as working directory. */
static inline void own_directory(void)
{
	char path[] = "/tmp/unix-XXXXXX";
	YES(mkdtemp(path) != NULL);
	MUST(chdir(path));
}
