/* epoll_create, epoll_ctl: what may be registered, errors and their order, keys, quota, fdinfo (E5). */
#include "epoll.h"
#include "caps.h"
#include <sys/socket.h>

TEST(create_flags)
{
	FAILS(syscall(SYS_epoll_create, 0), EINVAL);
	FAILS(syscall(SYS_epoll_create, -1), EINVAL);
	FAILS(epoll_create1(1), EINVAL);
	FAILS(epoll_create1(O_NONBLOCK), EINVAL);
	int a = MUST((int)syscall(SYS_epoll_create, 1)), b = MUST(epoll_create1(EPOLL_CLOEXEC));
	EQ(fcntl(a, F_GETFD), 0);
	EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(a, F_GETFL), O_RDWR);
	char path[64], name[64] = "";
	snprintf(path, sizeof path, "/proc/self/fd/%d", a);
	YES(readlink(path, name, sizeof name - 1) > 0);
	STREQ(name, "anon_inode:[eventpoll]");
	char c;
	FAILS(read(a, &c, 1), EINVAL);
	FAILS(write(a, &c, 1), EINVAL);
}

TEST(errors_in_order)
{
	int ep = epoll_new(), e = event_new(), file = MUST(open("/proc/self/exe", O_RDONLY));
	FAILS(epoll_ctl(-1, EPOLL_CTL_ADD, -1, (void *)8), EFAULT);
	FAILS(epoll_ctl(-1, EPOLL_CTL_DEL, -1, (void *)8), EBADF);
	FAILS(add(-1, file, EPOLLIN), EBADF);
	FAILS(add(ep, 999, EPOLLIN), EBADF);
	FAILS(add(e, file, EPOLLIN), EPERM); /* before it is seen that e is no instance */
	FAILS(add(e, e, EPOLLIN), EINVAL);
	FAILS(add(e, ep, EPOLLIN), EINVAL);
	FAILS(add(ep, ep, EPOLLIN), EINVAL);
	FAILS(ctl(ep, 0, e, EPOLLIN, 0), EINVAL);
	FAILS(ctl(ep, 4, e, EPOLLIN, 0), EINVAL);
	FAILS(ctl(ep, -1, file, EPOLLIN, 0), EPERM);
	FAILS(mod(ep, e, EPOLLIN), ENOENT);
	FAILS(del(ep, e), ENOENT);
	OK(add(ep, e, EPOLLIN));
	FAILS(add(ep, e, EPOLLIN), EEXIST);
	OK(mod(ep, e, EPOLLOUT));
	OK(del(ep, e));
	FAILS(del(ep, e), ENOENT);
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, e, &(struct epoll_event){.events = 0}));
	OK(epoll_ctl(ep, EPOLL_CTL_DEL, e, (void *)8)); /* not looked at */
}

TEST(a_path_descriptor_is_not_open)
{
	int ep = epoll_new();
	FAILS(add(ep, MUST(open("/", O_PATH)), EPOLLIN), EBADF);
}

TEST(files_that_are_always_ready_are_refused)
{
	int ep = epoll_new();
	const char *names[] = {"/proc/self/exe", "/", "/dev/null", "/dev/zero", "/proc/self/status",
	                       "/proc/self/fd"};
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		FAILS(add(ep, MUST(open(names[i], O_RDONLY)), EPOLLIN), EPERM);
	FAILS(add(ep, MUST((int)syscall(SYS_memfd_create, "m", 0)), EPOLLIN), EPERM);
	FAILS(del(ep, MUST(open("/", O_RDONLY))), EPERM);
	/* Others of /proc could change, and say that they are ready. */
	int f = MUST(open("/proc/sys/kernel/ostype", O_RDONLY)),
	    g = MUST(open("/proc/uptime", O_RDONLY));
	OK(add(ep, f, EPOLLIN));
	EQ(ready(ep, f), EPOLLIN);
	OK(del(ep, f));
	OK(add(ep, g, EPOLLOUT));
	EQ(ready(ep, g), EPOLLOUT);
}

TEST(exclusive_has_restrictions)
{
	int ep = epoll_new(), inner = epoll_new(), e = event_new();
	FAILS(add(ep, inner, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	FAILS(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
	FAILS(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLPRI), EINVAL);
	FAILS(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP), EINVAL);
	FAILS(mod(ep, e, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	OK(add(ep, e,
	       EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE));
	FAILS(mod(ep, e, EPOLLIN), EINVAL);
	FAILS(mod(ep, e, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	OK(del(ep, e));
	OK(add(ep, e, EPOLLIN));
	FAILS(mod(ep, e, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
}

TEST(registrations_are_keyed_by_file_and_descriptor)
{
	int ep = epoll_new(), e = event_new(), d = MUST(dup(e));
	OK(add(ep, e, EPOLLIN));
	OK(add(ep, d, EPOLLIN));
	FAILS(add(ep, d, EPOLLIN), EEXIST);
	event_set(e);
	struct epoll_event got[4];
	EQ(epoll_wait(ep, got, 4, 0), 2);
	OK(del(ep, d));
	EQ(ready(ep, e), EPOLLIN);
	/* The same number for another file is another registration. */
	int other = event_new();
	EQ(MUST(dup2(other, d)), d);
	OK(add(ep, d, EPOLLIN));
	EQ(ready(ep, e), EPOLLIN);
}

TEST(the_last_close_of_the_file_ends_its_registration)
{
	int ep = epoll_new(), e = event_new(), d = MUST(dup(e));
	OK(add(ep, e, EPOLLIN));
	event_set(e);
	close(e);
	EQ(ready(ep, e), EPOLLIN); /* the file is still open */
	FAILS(del(ep, e), EBADF);
	FAILS(del(ep, d), ENOENT);
	/* The number comes back with another file: both live side by side. */
	EQ(event_new(), e);
	OK(add(ep, e, EPOLLIN));
	event_set(e);
	struct epoll_event got[4];
	EQ(epoll_wait(ep, got, 4, 0), 2);
	close(d);
	EQ(ready(ep, e), EPOLLIN);
	close(e);
	EQ(ready(ep, e), 0);
}

TEST(a_child_keeps_the_file_open)
{
	int ep = epoll_new(), p[2], go[2];
	char c;
	MUST(pipe(p));
	MUST(pipe(go));
	OK(add(ep, p[0], EPOLLIN));
	pid_t child;
	CHILD(child)
	{
		close(go[1]);
		EQ(read(go[0], &c, 1), 0);
	}
	EQ(write(p[1], "x", 1), 1);
	close(p[0]);
	EQ(ready(ep, p[0]), EPOLLIN);
	close(go[1]);
	close(go[0]);
	REAP(child);
	EQ(ready(ep, p[0]), 0);
}

TEST(an_instance_can_be_closed_before_its_files)
{
	int ep = epoll_new(), inner = epoll_new(), e = event_new();
	OK(add(ep, inner, EPOLLIN));
	OK(add(inner, e, EPOLLIN));
	OK(add(ep, e, EPOLLIN));
	close(ep);
	event_set(e);
	EQ(ready(inner, e), EPOLLIN);
	close(e);
	close(inner);
}

TEST(fdinfo_lists_the_registrations)
{
	int ep = epoll_new(), e = event_new();
	char path[64], text[2048], want[128];
	OK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 0xabcdef0123456789));
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", ep);
	YES(file_read(path, text, sizeof text) > 0);
	snprintf(want, sizeof want, "tfd: %8d events: %8x data: %16llx  pos:0 ino:", e,
	         EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP, 0xabcdef0123456789ull);
	YES(strstr(text, want));
	YES(strstr(text, " sdev:"));
	OK(del(ep, e));
	YES(file_read(path, text, sizeof text) > 0);
	YES(!strstr(text, "tfd:"));
}

TEST(wakeup_needs_a_capability_and_is_dropped_without)
{
	char path[64], text[2048];
	int ep = epoll_new(), e = event_new();
	become_with(0, 1234);
	OK(add(ep, e, EPOLLIN | EPOLLWAKEUP));
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", ep);
	EQ(prctl(PR_SET_DUMPABLE, 1), 0);
	YES(file_read(path, text, sizeof text) > 0);
	YES(strstr(text, "events:       19 "));
}

/* The quota belongs to who made the instance. */
TEST(max_user_watches_is_a_quota)
{
	char was[32];
	YES(file_read("/proc/sys/fs/epoll/max_user_watches", was, sizeof was) > 0);
	YES(atol(was) > 1000);
	pid_t child;
	CHILD(child)
	{
		int e[4];
		for (int i = 0; i < 4; i++)
			e[i] = event_new();
		become_with(0, 54321);
		int ep = epoll_new();
		for (int i = 0; i < 3; i++)
			OK(add(ep, e[i], EPOLLIN));
		OK(del(ep, e[0]));
		close(ep);
		ep = epoll_new();
		for (int i = 0; i < 4; i++)
			OK(add(ep, e[i], EPOLLIN));
	}
	REAP(child);
	OK(file_write("/proc/sys/fs/epoll/max_user_watches", "0"));
	CHILD(child)
	{
		become_with(0, 54322);
		int ep = epoll_new(), e = event_new();
		FAILS(add(ep, e, EPOLLIN), ENOSPC);
		FAILS(del(ep, e), ENOENT);
	}
	REAP(child);
	OK(file_write("/proc/sys/fs/epoll/max_user_watches", was));
	FAILS(file_write("/proc/sys/fs/epoll/max_user_watches", "x"), EINVAL);
}

TEST(many_registrations_come_and_go)
{
	enum { N = 200 };
	int ep = epoll_new(), fds[N];
	struct epoll_event got[N];
	for (int i = 0; i < N; i++) {
		fds[i] = event_new();
		OK(add(ep, fds[i], EPOLLIN));
	}
	for (int i = 0; i < N; i += 3)
		event_set(fds[i]);
	EQ(epoll_wait(ep, got, N, 0), (N + 2) / 3);
	for (int i = 0; i < N; i += 2)
		OK(del(ep, fds[i]));
	EQ(epoll_wait(ep, got, N, 0), N / 6);
	for (int i = 1; i < N; i += 2)
		close(fds[i]);
	EQ(epoll_wait(ep, got, N, 0), 0);
}
