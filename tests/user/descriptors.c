/* Descriptors: dup, close_range, sharing, limits; execveat; rseq. */
#include "harness.h"
#include <sys/resource.h>

static int open_fds(int from, int to)
{
	int n = 0;
	for (int fd = from; fd <= to; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static long close_range_(unsigned first, unsigned last, unsigned flags)
{
	return syscall(SYS_close_range, first, last, flags);
}

TEST(lowest_number_is_taken)
{
	int fd[4];
	for (int i = 0; i < 4; i++)
		fd[i] = OK(dup(0));
	OK(close(fd[1]));
	OK(close(fd[3]));
	EQ(dup(0), fd[1]);
	EQ(dup(0), fd[3]);
	EQ(fcntl(0, F_DUPFD, 100), 100);
	EQ(fcntl(0, F_DUPFD_CLOEXEC, 100), 101);
	EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
	EQ(dup2(101, 100), 100);
	EQ(fcntl(100, F_GETFD), 0);
	EQ(dup2(100, 100), 100);
	FAILS(dup2(999, 999), EBADF);
	FAILS(syscall(SYS_dup3, 100, 100, 0), EINVAL);
	FAILS(syscall(SYS_dup3, 100, 102, 1), EINVAL);
	EQ(dup3(100, 102, O_CLOEXEC), 102);
	EQ(fcntl(102, F_GETFD), FD_CLOEXEC);
	FAILS(dup2(0, -1), EBADF);
	FAILS(dup2(0, 1 << 30), EBADF);
	FAILS(close(-1), EBADF);
	FAILS(close(103), EBADF);
}

TEST(table_grows_to_the_limit)
{
	struct rlimit r = {700, 1024};
	OK(setrlimit(RLIMIT_NOFILE, &r));
	int last = -1, fd;
	while ((fd = dup(0)) >= 0)
		last = fd;
	EQ(errno, EMFILE);
	EQ(last, 699);
	FAILS(dup2(0, 700), EBADF);
	FAILS(fcntl(0, F_DUPFD, 700), EINVAL);
	OK(close(350));
	EQ(dup(0), 350);
	pid_t pid = OK(fork());
	if (!pid)
		_exit(open_fds(3, 699) != 697);
	int status;
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

TEST(close_range_closes_and_marks)
{
	for (int fd = 200; fd < 300; fd += 3)
		OK(dup2(0, fd));
	FAILS(close_range_(5, 4, 0), EINVAL);
	FAILS(close_range_(5, 6, 1), EINVAL);
	OK(close_range_(210, 250, 0));
	EQ(open_fds(200, 209), 4);
	EQ(open_fds(210, 250), 0);
	EQ(open_fds(251, 300), 17);
	OK(close_range_(251, ~0u, 4 /* CLOEXEC */));
	EQ(fcntl(251, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(200, F_GETFD), 0);
	OK(close_range_(3, ~0u, 0));
	EQ(open_fds(3, 1000), 0);
}

static int shared_child(void *arg)
{
	int how = *(int *)arg;
	if (how)
		syscall(how == 1 ? SYS_unshare : SYS_close_range, how == 1 ? 0x400 : 60,
		        how == 1 ? 0 : 60, 2 /* CLOSE_RANGE_UNSHARE */);
	close(50);
	return 0;
}

/* CLONE_FILES shares the table, until unshare(2) or close_range(2) part it. */
TEST(shared_tables)
{
	static char stack[16384] __attribute__((aligned(16)));
	for (int how = 0; how < 3; how++) {
		OK(dup2(0, 50));
		OK(dup2(0, 60));
		pid_t pid = OK(clone(shared_child, stack + sizeof(stack),
		                     CLONE_FILES | CLONE_VM | SIGCHLD, &how));
		EQ(waitpid(pid, NULL, 0), pid);
		EQ(open_fds(50, 50), how != 0);
		EQ(open_fds(60, 60), 1);
	}
}

TEST(exec_by_descriptor)
{
	int fd = OK(open("/proc/self/exe", O_PATH | O_CLOEXEC));
	char *argv[] = {"x", "-l", NULL}, *envp[] = {NULL};
	FAILS(syscall(SYS_execveat, fd, "", argv, envp, 0), ENOENT);
	FAILS(syscall(SYS_execveat, fd, "", argv, envp, 0x4000),
	      ENOENT); /* the name is read first */
	FAILS(syscall(SYS_execveat, fd, "x", argv, envp, 0x4000), EINVAL);
	FAILS(syscall(SYS_execveat, -7, "x", argv, envp, 0), EBADF);
	pid_t pid = OK(fork());
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(99);
	}
	int status;
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

TEST(scripts_nest_to_a_limit)
{
	char name[32], text[64];
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "nest%d", i);
		int n = i ? snprintf(text, sizeof(text), "#!./nest%d\n", i - 1)
		          : snprintf(text, sizeof(text), "#!/bin/sh\nexit 7\n");
		int fd = OK(open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755));
		EQ(write(fd, text, (size_t)n), n);
		OK(close(fd));
	}
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "./nest%d", i);
		pid_t pid = OK(fork());
		if (!pid) {
			execl(name, name, (char *)NULL);
			_exit(errno == ELOOP ? 100 : 101);
		}
		int status;
		EQ(waitpid(pid, &status, 0), pid);
		EQ(WEXITSTATUS(status), i < 5 ? 7 : 100);
	}
}

TEST(empty_argument_vector_gets_a_string)
{
	pid_t pid = OK(fork());
	if (!pid) {
		char *none[] = {NULL};
		execve("./script", none, none);
		int fd = open("./script", O_CREAT | O_WRONLY, 0755);
		if (write(fd, "#!/bin/sh\nexit 9\n", 17) != 17)
			_exit(98);
		close(fd);
		execve("./script", none, none);
		_exit(99);
	}
	int status;
	EQ(waitpid(pid, &status, 0), pid);
	EQ(WEXITSTATUS(status), 9);
}

/* Does another process find the whole file locked? */
static int locked_for_others(const char *path)
{
	pid_t pid = spawn();
	if (pid == 0) {
		struct flock lock = {.l_type = F_WRLCK};
		int fd = MUST(open(path, O_RDWR));
		_exit(fcntl(fd, F_SETLK, &lock) == -1 && errno == EAGAIN);
	}
	int status = 0;
	EQ(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

TEST(closing_a_mere_name_keeps_record_locks)
{
	struct flock lock = {.l_type = F_WRLCK};
	char path[] = "/tmp/locked-XXXXXX";
	int fd = MUST(mkstemp(path));
	OK(fcntl(fd, F_SETLK, &lock));
	EQ(locked_for_others(path), 1);
	close(MUST(open(path, O_PATH)));
	EQ(locked_for_others(path), 1);
	close(MUST(open(path, O_RDONLY)));
	EQ(locked_for_others(path), 0);
	unlink(path);
}

TEST(rseq_tells_the_processor)
{
	static struct {
		uint32_t cpu_start, cpu;
		uint64_t cs;
		uint32_t rest[4];
	} area __attribute__((aligned(32)));
	FAILS(syscall(SYS_rseq, &area, 31, 0, 1), EINVAL);
	FAILS(syscall(SYS_rseq, (char *)&area + 4, 32, 0, 1), EINVAL);
	OK(syscall(SYS_rseq, &area, 32, 0, 0x53053053));
	FAILS(syscall(SYS_rseq, &area, 32, 0, 0x53053053), EBUSY);
	FAILS(syscall(SYS_rseq, &area, 32, 0, 1), EPERM);
	for (int i = 0; i < 200; i++) {
		unsigned before, after, mine;
		syscall(SYS_getcpu, &before, NULL, NULL);
		mine = *(volatile uint32_t *)&area.cpu;
		syscall(SYS_getcpu, &after, NULL, NULL);
		if (before == after)
			EQ(mine, before);
		sched_yield();
	}
	FAILS(syscall(SYS_rseq, &area, 32, 1, 1), EPERM);
	OK(syscall(SYS_rseq, &area, 32, 1, 0x53053053));
	EQ(area.cpu, (uint32_t)-1);
	FAILS(syscall(SYS_rseq, &area, 32, 1, 0x53053053), EINVAL);
}
