/* Looking into other processes and taking from them: pidfd_getfd, kcmp, process_madvise, process_mrelease. */
#include "harness.h"
#include <sys/uio.h>

enum { GETFD = 438, MADVISE = 440, MRELEASE = 448, SYS_KCMP = 312, ADVICE_COLD = 20 };
enum { FILES_SAME, MEMORY, TABLES, CONTEXTS, HANDLERS, IO, UNDO, WATCHED };

static int pidfd_of(pid_t pid)
{
	return (int)MUST(syscall(434, pid, 0));
}
static long same(pid_t a, pid_t b, int what, unsigned long i, unsigned long j)
{
	return syscall(SYS_KCMP, a, b, what, i, j);
}
static pid_t sleeper(void)
{
	pid_t pid;
	CHILD(pid) for (;;) pause();
	return pid;
}
static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid);
}

TEST(a_descriptor_of_another_process_is_taken)
{
	int p[2];
	char c;
	OK(pipe(p));
	pid_t pid = sleeper();
	int pidfd = pidfd_of(pid), fd = OK(syscall(GETFD, pidfd, p[1], 0));
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(same(getpid(), pid, FILES_SAME, (unsigned)fd, (unsigned)p[1]), 0);
	close(p[1]);
	EQ(write(fd, "x", 1), 1);
	EQ(read(p[0], &c, 1), 1);
	FAILS(syscall(GETFD, pidfd, p[1], 1), EINVAL);
	FAILS(syscall(GETFD, pidfd, 1000, 0), EBADF);
	FAILS(syscall(GETFD, pidfd, -1, 0), EBADF);
	FAILS(syscall(GETFD, p[0], p[1], 0), EBADF);
	end(pid);
	FAILS(syscall(GETFD, pidfd, p[1], 0), ESRCH);
	/* The copy that we have outlives its process. */
	EQ(write(fd, "x", 1), 1);
}

TEST(strangers_are_not_looked_into)
{
	pid_t target = sleeper(), pid;
	int pidfd = pidfd_of(target);
	struct iovec v = {NULL, 0};
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		FAILS(syscall(GETFD, pidfd, 0, 0), EPERM);
		FAILS(same(getpid(), target, MEMORY, 0, 0), EPERM);
		FAILS(syscall(MADVISE, pidfd, &v, 1, ADVICE_COLD, 0), EACCES);
	}
	REAP(pid);
	end(target);
}

TEST(what_tasks_share_compares_equal)
{
	pid_t me = getpid(), pid = sleeper();
	int fd = OK(open("/dev/null", O_RDWR)), copy = OK(dup(fd)),
	    other = OK(open("/dev/null", O_RDWR));
	EQ(same(me, me, FILES_SAME, (unsigned)fd, (unsigned)copy), 0);
	long order = same(me, me, FILES_SAME, (unsigned)fd, (unsigned)other);
	YES(order == 1 || order == 2);
	EQ(same(me, me, FILES_SAME, (unsigned)other, (unsigned)fd), 3 - order);
	EQ(same(me, pid, FILES_SAME, 0, 0), 0);
	for (int what = MEMORY; what <= UNDO; what++) {
		EQ(same(me, me, what, 0, 0), 0);
		if (what != IO && what != UNDO) /* which neither has */
			YES(same(me, pid, what, 0, 0) > 0);
	}
	FAILS(same(me, me, FILES_SAME, 999, 0), EBADF);
	FAILS(same(me, me, 8, 0, 0), EINVAL);
	FAILS(same(me, 0x3fffffff, MEMORY, 0, 0), ESRCH);
	end(pid);
}

TEST(what_an_epoll_instance_watches_compares_equal)
{
	struct {
		uint32_t instance, fd, offset;
	} slot;
	int p[2], e = OK((int)syscall(SYS_epoll_create1, 0));
	struct {
		uint32_t events;
		uint64_t data;
	} __attribute__((packed)) event = {1, 0};
	OK(pipe(p));
	OK(syscall(SYS_epoll_ctl, e, 1, p[0], &event));
	slot.instance = (uint32_t)e;
	slot.fd = (uint32_t)p[0];
	slot.offset = 0;
	EQ(same(getpid(), getpid(), WATCHED, (unsigned)p[0], (unsigned long)&slot), 0);
	YES(same(getpid(), getpid(), WATCHED, (unsigned)p[1], (unsigned long)&slot) > 0);
	slot.offset = 1;
	FAILS(same(getpid(), getpid(), WATCHED, (unsigned)p[0], (unsigned long)&slot), ENOENT);
	slot.instance = (uint32_t)p[0];
	FAILS(same(getpid(), getpid(), WATCHED, (unsigned)p[0], (unsigned long)&slot), EINVAL);
	FAILS(same(getpid(), getpid(), WATCHED, (unsigned)p[0], 8), EFAULT);
}

TEST(advice_about_another_process)
{
	char *page = MUST((char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct iovec v[2] = {{page, 4096}, {page, 4096}};
	page[0] = 7;
	pid_t pid = sleeper();
	int pidfd = pidfd_of(pid);
	EQ(syscall(MADVISE, pidfd, v, 2, ADVICE_COLD, 0), 8192);
	EQ(syscall(MADVISE, pidfd, v, 0, ADVICE_COLD, 0), 0);
	FAILS(syscall(MADVISE, pidfd, v, 1, ADVICE_COLD, 1), EINVAL);
	FAILS(syscall(MADVISE, pidfd, v, 1, MADV_DONTNEED, 0), EINVAL);
	FAILS(syscall(MADVISE, pidfd, v, 1025, ADVICE_COLD, 0), EINVAL);
	FAILS(syscall(MADVISE, pidfd, (void *)8, 1, ADVICE_COLD, 0), EFAULT);
	FAILS(syscall(MADVISE, 0, v, 1, ADVICE_COLD, 0), EBADF);
	v[0].iov_base = page + 1;
	FAILS(syscall(MADVISE, pidfd, v, 1, ADVICE_COLD, 0), EINVAL);
	end(pid);
	FAILS(syscall(MADVISE, pidfd, v, 1, ADVICE_COLD, 0), ESRCH);
	EQ(page[0], 7);
}

TEST(only_the_dying_release_their_memory)
{
	pid_t pid = sleeper();
	int pidfd = pidfd_of(pid);
	FAILS(syscall(MRELEASE, pidfd, 1), EINVAL);
	FAILS(syscall(MRELEASE, 0, 0), EBADF);
	FAILS(syscall(MRELEASE, pidfd, 0), EINVAL);
	kill(pid, SIGKILL);
	UNTIL(state_of(pid) == 'Z');
	FAILS(syscall(MRELEASE, pidfd, 0), ESRCH);
	reap(pid);
	FAILS(syscall(MRELEASE, pidfd, 0), ESRCH);
}
