/* mq_open, mq_unlink, mq_getsetattr: names, rights, attributes, limits; descriptors are files (Q1, Q4, A1). */
#include "mq.h"
#include "caps.h"
#include <sys/epoll.h>

static void as_user(unsigned id)
{
	MUST(syscall(SYS_setresgid, id, id, id));
	MUST(syscall(SYS_setresuid, id, id, id));
}

enum { NEITHER = 3 }; /* to read nor to write; O_ACCMODE of musl has O_PATH in it */

TEST(names)
{
	char name[300];
	memset(name, 'n', sizeof name);
	FAILS(sys_open("", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
	FAILS(sys_open("/slash", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	FAILS(sys_open("in/side", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	FAILS(sys_open(".", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	FAILS(sys_open("..", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	FAILS(sys_open((char *)8, O_CREAT | O_RDWR, 0600, NULL), EFAULT);
	name[256] = 0;
	FAILS(sys_open(name, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG);
	FAILS(sys_unlink(name), ENAMETOOLONG);
	name[255] = 0;
	OK(sys_open(name, O_CREAT | O_RDWR, 0600, NULL));
	OK(sys_unlink(name));
	FAILS(sys_unlink(name), ENOENT);
	OK(sys_open("...", O_CREAT | O_RDWR, 0600, NULL));
	OK(sys_unlink("..."));
	FAILS(sys_unlink(""), ENOENT);
	FAILS(sys_unlink("/slash"), EACCES);
	FAILS(sys_unlink("."), EACCES);
	FAILS(sys_unlink((char *)8), EFAULT);
	static char longest[5000];
	memset(longest, 'n', sizeof longest - 1);
	FAILS(sys_open(longest, O_RDWR, 0, NULL), ENAMETOOLONG);
}

TEST(creating_and_finding)
{
	const char *name = queue_name("a");
	FAILS(sys_open(name, O_RDWR, 0, NULL), ENOENT);
	FAILS(sys_open(name, O_RDWR | O_EXCL, 0, NULL), ENOENT);
	int q = OK(sys_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
	FAILS(sys_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
	FAILS(sys_open(name, NEITHER, 0, NULL), EINVAL);
	FAILS(sys_open(name, O_CREAT | NEITHER, 0600, NULL), EINVAL);
	FAILS(sys_open(name, O_RDWR, 0, (void *)8), EFAULT);
	int again = OK(sys_open(name, O_RDONLY | O_EXCL, 0, NULL));
	SEND(q, 0, "through");
	GETS(again, "through");
	/* Attributes count only when the queue is made. */
	struct mq_attr attr = {.mq_maxmsg = -1, .mq_msgsize = 0};
	OK(close(OK(sys_open(name, O_CREAT | O_RDWR, 0600, &attr))));
	OK(sys_unlink(name));
}

TEST(an_unlinked_queue_lives_on)
{
	const char *name = queue_name("a");
	int q = OK(sys_open(name, O_CREAT | O_RDWR, 0600, NULL));
	SEND(q, 0, "old");
	OK(sys_unlink(name));
	FAILS(sys_open(name, O_RDWR, 0, NULL), ENOENT);
	int other = OK(sys_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, NULL));
	GETS(other, "EAGAIN");
	GETS(q, "old");
	struct stat st;
	OK(fstat(q, &st));
	EQ(st.st_nlink, 0);
	OK(fstat(other, &st));
	EQ(st.st_nlink, 1);
	OK(sys_unlink(name));
}

TEST(access_modes)
{
	const char *name = queue_name("a");
	int rw = OK(sys_open(name, O_CREAT | O_RDWR, 0600, NULL));
	int r = OK(sys_open(name, O_RDONLY, 0, NULL)), w = OK(sys_open(name, O_WRONLY, 0, NULL));
	FAILS(send_text(r, 0, "x"), EBADF);
	SEND(w, 0, "x");
	FAILS(sys_receive(w, got, sizeof got, NULL, NULL), EBADF);
	FAILS(sys_send(r, got, sizeof got, MQ_PRIO_MAX, NULL), EINVAL);
	GETS(r, "x");
	OK(sys_unlink(name));
	/* Neither to read nor to write: a new queue may be opened so. */
	int none = OK(sys_open(name, O_CREAT | NEITHER, 0600, NULL));
	FAILS(send_text(none, 0, "x"), EBADF);
	FAILS(sys_receive(none, got, sizeof got, NULL, NULL), EBADF);
	struct mq_attr attr;
	OK(sys_attr(none, NULL, &attr));
	int path = OK(sys_open(name, O_RDWR | O_PATH, 0, NULL));
	FAILS(sys_attr(path, NULL, &attr), EBADF);
	FAILS(send_text(path, 0, "x"), EBADF);
	OK(sys_unlink(name));
	close(rw);
}

TEST(attributes)
{
	struct mq_attr attr = {
		.mq_maxmsg = 7, .mq_msgsize = 123, .mq_flags = O_NONBLOCK, .mq_curmsgs = 5};
	const char *name = queue_name("a");
	int q = OK(sys_open(name, O_CREAT | O_RDWR, 0600, &attr));
	OK(sys_unlink(name));
	memset(&attr, 0xff, sizeof attr);
	OK(sys_attr(q, NULL, &attr));
	EQ(attr.mq_flags, 0);
	EQ(attr.mq_maxmsg, 7);
	EQ(attr.mq_msgsize, 123);
	EQ(attr.mq_curmsgs, 0);
	SEND(q, 0, "x");
	struct mq_attr new = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 1, .mq_msgsize = -1};
	OK(sys_attr(q, &new, &attr));
	EQ(attr.mq_flags, 0);
	EQ(attr.mq_curmsgs, 1);
	OK(sys_attr(q, NULL, &attr));
	EQ(attr.mq_flags, O_NONBLOCK);
	EQ(attr.mq_maxmsg, 7);
	EQ(fcntl(q, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_NONBLOCK | O_RDWR);
	GETS(q, "x");
	GETS(q, "EAGAIN");
	OK(fcntl(q, F_SETFL, 0));
	OK(sys_attr(q, NULL, &attr));
	EQ(attr.mq_flags, 0);
	new.mq_flags = O_NONBLOCK | O_APPEND;
	FAILS(sys_attr(q, &new, NULL), EINVAL);
	FAILS(sys_attr(-1, &new, NULL), EINVAL);
	FAILS(sys_attr(-1, NULL, NULL), EBADF);
	FAILS(sys_attr(1, NULL, &attr), EBADF);
	FAILS(sys_attr(q, (void *)8, NULL), EFAULT);
	FAILS(sys_attr(q, NULL, (void *)8), EFAULT);
	OK(sys_attr(q, NULL, NULL));
	/* O_NONBLOCK belongs to the open file. */
	int same = OK(dup(q));
	new.mq_flags = O_NONBLOCK;
	OK(sys_attr(q, &new, NULL));
	OK(sys_attr(same, NULL, &attr));
	EQ(attr.mq_flags, O_NONBLOCK);
}

static int try_attr(long messages, long size)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = size};
	const char *name = queue_name("try");
	int q = sys_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr), error = errno;
	if (q >= 0) {
		close(q);
		sys_unlink(name);
	}
	errno = error;
	return q;
}

TEST(limits_of_attributes)
{
	FAILS(try_attr(0, 64), EINVAL);
	FAILS(try_attr(-1, 64), EINVAL);
	FAILS(try_attr(10, 0), EINVAL);
	FAILS(try_attr(10, -1), EINVAL);
	FAILS(try_attr(65537, 64), EINVAL);
	FAILS(try_attr(1, (16 << 20) + 1), EINVAL);
	FAILS(try_attr(1L << 62, 1L << 62), EINVAL);
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	if (cap_effective() >> CAP_SYS_RESOURCE & 1) {
		OK(setrlimit(RLIMIT_MSGQUEUE, &all));
		OK(try_attr(11, 8193));
		OK(try_attr(65536, 64));
		OK(try_attr(1, 16 << 20));
	}
	as_user(1234);
	FAILS(try_attr(11, 64), EINVAL);
	FAILS(try_attr(10, 8193), EINVAL);
	OK(try_attr(10, 8192));
}

/* getrlimit(2): per message its size and 48, and 48 per priority that could be in use. */
TEST(the_limit_of_a_user)
{
	struct rlimit limit = {3 * (100 + 96) + 2 * (10 + 96), RLIM_INFINITY};
	as_user(43210);
	limit.rlim_max = limit.rlim_cur;
	MUST(setrlimit(RLIMIT_MSGQUEUE, &limit));
	struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 100},
		       small = {.mq_maxmsg = 2, .mq_msgsize = 10};
	const char *a = queue_name("a"), *b = queue_name("b"), *c = queue_name("c");
	int q = OK(sys_open(a, O_CREAT | O_RDWR, 0600, &attr));
	FAILS(sys_open(b, O_CREAT | O_RDWR, 0600, &attr), EMFILE);
	FAILS(sys_open(b, O_RDWR, 0600, NULL), ENOENT);
	OK(close(OK(sys_open(b, O_CREAT | O_RDWR, 0600, &small))));
	small.mq_maxmsg = 1;
	small.mq_msgsize = 1;
	FAILS(sys_open(c, O_CREAT | O_RDWR, 0600, &small), EMFILE);
	/* Charged until the last close, and a child's account is the same user's. */
	OK(sys_unlink(a));
	pid_t child;
	CHILD(child) FAILS(sys_open(c, O_CREAT | O_RDWR, 0600, &small), EMFILE);
	REAP(child);
	OK(close(q));
	OK(close(OK(sys_open(c, O_CREAT | O_RDWR, 0600, &small))));
	OK(sys_unlink(b));
	OK(sys_unlink(c));
}

TEST(permissions)
{
	const char *name = queue_name("a");
	umask(0);
	OK(sys_open(name, O_CREAT | O_RDWR, 0640, NULL));
	pid_t child;
	CHILD(child)
	{
		as_user(1234);
		FAILS(sys_open(name, O_RDONLY, 0, NULL), EACCES);
		FAILS(sys_open(name, O_CREAT | O_RDWR, 0666, NULL), EACCES);
		FAILS(sys_open(name, O_CREAT | O_EXCL | O_RDWR, 0666, NULL), EEXIST);
		/* The directory is sticky. */
		FAILS(sys_unlink(name), EPERM);
		const char *own = queue_name("own");
		int q = OK(sys_open(own, O_CREAT | O_WRONLY, 0400, NULL));
		SEND(q, 0, "a new queue is not asked about its mode");
		FAILS(sys_open(own, O_WRONLY, 0, NULL), EACCES);
		OK(sys_open(own, O_RDONLY, 0, NULL));
		OK(sys_unlink(own));
	}
	REAP(child);
	CHILD(child)
	{
		MUST(syscall(SYS_setresgid, 0, 0, 0));
		MUST(syscall(SYS_setresuid, 1234, 1234, 1234));
		OK(sys_open(name, O_RDONLY, 0, NULL));
		FAILS(sys_open(name, O_WRONLY, 0, NULL), EACCES);
		FAILS(sys_open(name, O_RDWR, 0, NULL), EACCES);
	}
	REAP(child);
	OK(sys_unlink(name));
	struct stat st;
	umask(027);
	int q = OK(sys_open(name, O_CREAT | O_RDWR, 07777, NULL));
	OK(fstat(q, &st));
	EQ(st.st_mode, S_IFREG | 07750);
	OK(sys_unlink(name));
}

TEST(descriptors_close_on_exec)
{
	int q = queue(0);
	EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	OK(fcntl(q, F_SETFD, 0));
	int copy = OK(dup(q));
	EQ(fcntl(copy, F_GETFD), 0);
	SEND(copy, 1, "x");
	GETS(q, "x");
	struct rlimit limit = {(rlim_t)q + 2, 100};
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	const char *name = queue_name("none");
	FAILS(sys_open(name, O_CREAT | O_RDWR, 0600, NULL), EMFILE);
	FAILS(sys_unlink(name), ENOENT);
}

TEST(what_a_queue_is_as_a_file)
{
	int q = queue_of(O_NONBLOCK, 3, 64);
	struct stat st;
	OK(fstat(q, &st));
	EQ(st.st_mode, S_IFREG | 0600);
	EQ(st.st_size, 80);
	EQ(st.st_uid, geteuid());
	FAILS(write(q, "x", 1), EINVAL);
	YES(mmap(NULL, 4096, PROT_READ, MAP_SHARED, q, 0) == MAP_FAILED);
	EQ(errno, ENODEV);
	char text[100] = "";
	long n = OK(read(q, text, sizeof text));
	STREQ(text, "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	EQ(read(q, text, sizeof text), 0);
	SEND(q, 0, "12345");
	SEND(q, 3, "678");
	OK(lseek(q, 0, SEEK_SET));
	EQ(read(q, text, 7), 7);
	EQ(read(q, text, sizeof text), n - 7);
	YES(!memcmp(text, "        ", 8));
	EQ(pread(q, text, 8, 5), 8);
	YES(!memcmp(text, ":8      ", 8));
	EQ(lseek(q, 3, SEEK_CUR), n + 3);
	EQ(read(q, text, 1), 0);
	EQ(lseek(q, -10, SEEK_END), 70);
	FAILS(lseek(q, -81, SEEK_END), EINVAL);
}

TEST(polling)
{
	int q = queue_of(0, 2, 8);
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM};
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLOUT | POLLWRNORM);
	SEND(q, 0, "1");
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	SEND(q, 0, "2");
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLIN | POLLRDNORM);
	pid_t child;
	CHILD(child)
	{
		p.events = POLLOUT;
		EQ(poll(&p, 1, -1), 1);
		EQ(p.revents, POLLOUT);
	}
	until_asleep(child);
	GETS(q, "1");
	REAP(child);
	GETS(q, "2");
	CHILD(child)
	{
		p.events = POLLIN;
		EQ(poll(&p, 1, -1), 1);
		EQ(p.revents, POLLIN);
	}
	until_asleep(child);
	SEND(q, 0, "3");
	REAP(child);
	fd_set in;
	FD_ZERO(&in);
	FD_SET(q, &in);
	EQ(select(q + 1, &in, NULL, NULL, NULL), 1);
}

TEST(epoll_levels_and_edges)
{
	int q = queue(0), e = MUST(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN}, out;
	OK(epoll_ctl(e, EPOLL_CTL_ADD, q, &event));
	EQ(epoll_wait(e, &out, 1, 0), 0);
	SEND(q, 0, "1");
	EQ(epoll_wait(e, &out, 1, 0), 1);
	EQ(out.events, EPOLLIN);
	EQ(epoll_wait(e, &out, 1, 0), 1);
	GETS(q, "1");
	EQ(epoll_wait(e, &out, 1, 0), 0);
	event.events = EPOLLIN | EPOLLET;
	OK(epoll_ctl(e, EPOLL_CTL_MOD, q, &event));
	SEND(q, 0, "2");
	EQ(epoll_wait(e, &out, 1, 0), 1);
	EQ(epoll_wait(e, &out, 1, 0), 0);
	SEND(q, 0, "3");
	EQ(epoll_wait(e, &out, 1, 0), 1);
	EQ(epoll_wait(e, &out, 1, 0), 0);
	GETS(q, "2");
	/* Each change of the queue is an edge, receiving too. */
	EQ(epoll_wait(e, &out, 1, 0), 1);
}

/* Sending and receiving count as access and change. */
TEST(times)
{
	int q = queue(0);
	struct stat before, after;
	struct timespec past[2] = {{1, 0}, {2, 0}};
	OK(futimens(q, past));
	OK(fstat(q, &before));
	EQ(before.st_atim.tv_sec, 1);
	EQ(before.st_mtim.tv_sec, 2);
	SEND(q, 0, "x");
	OK(fstat(q, &after));
	YES(after.st_atim.tv_sec > 2 && after.st_mtim.tv_sec > 2);
	EQ(after.st_atim.tv_nsec, after.st_mtim.tv_nsec);
	OK(futimens(q, past));
	GETS(q, "x");
	OK(fstat(q, &after));
	YES(after.st_mtim.tv_sec > 2);
	OK(futimens(q, past));
	OK(fchmod(q, 0400));
	OK(fstat(q, &after));
	EQ(after.st_atim.tv_sec, 1);
	EQ(after.st_mtim.tv_sec, 2);
	YES(after.st_ctim.tv_sec > 2);
	/* Reading its line is an access, and so is a registration. */
	OK(read(q, got, 10));
	OK(fstat(q, &after));
	YES(after.st_atim.tv_sec > 2);
	EQ(after.st_mtim.tv_sec, 2);
	OK(futimens(q, past));
	OK(sys_notify(q, &(struct sigevent){.sigev_notify = SIGEV_NONE}));
	OK(fstat(q, &after));
	YES(after.st_atim.tv_sec > 2);
	EQ(after.st_mtim.tv_sec, 2);
}

TEST(odd_flags)
{
	const char *name = queue_name("a");
	/* Refused when it is opened: by then it has been made. */
	FAILS(sys_open(name, O_CREAT | O_RDWR | O_DIRECT, 0600, NULL), EINVAL);
	int q = OK(sys_open(name, O_RDWR | O_TRUNC | O_NOCTTY, 0, NULL));
	EQ(fcntl(q, F_GETFL) & (O_TRUNC | O_CREAT | O_EXCL | O_NOCTTY), 0);
	OK(sys_unlink(name));
}
