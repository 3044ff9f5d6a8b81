/* /proc as programs read it. */
#include "harness.h"
#include <dirent.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static char text[1 << 16], path[128];

static const char *read_of(pid_t pid, const char *name)
{
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (file_read(path, text, sizeof(text)) < 0)
		test_fail(__FILE__, __LINE__, "%s: %s", path, errno_name(errno));
	return text;
}
static long field(const char *name)
{
	char *line = strstr(text, name);
	return line ? atol(line + strlen(name)) : -1;
}

TEST(self)
{
	char target[64] = "";
	OK(readlink("/proc/self", target, sizeof(target) - 1));
	EQ(atoi(target), getpid());
	OK(readlink("/proc/thread-self", target, sizeof(target) - 1));
	YES(strstr(target, "/task/") != NULL);
}

TEST(stat_of_a_process)
{
	int pid, ppid, pgrp, sid, tty, tpgid;
	char comm[32], state;
	read_of(getpid(), "stat");
	EQ(sscanf(text, "%d %31s %c %d %d %d %d %d", &pid, comm, &state, &ppid, &pgrp, &sid, &tty,
	          &tpgid),
	   8);
	EQ(pid, getpid());
	STREQ(comm, "(procfs)");
	EQ(state, 'R');
	EQ(ppid, getppid());
	EQ(pgrp, getpgrp());
	EQ(sid, getsid(0));
	int spaces = 0;
	for (char *p = text; *p; p++)
		spaces += *p == ' ';
	EQ(spaces, 51);
}

TEST(states)
{
	pid_t pid = spawn();
	int status;
	if (pid == 0)
		for (;;)
			pause();
	until_asleep(pid);
	EQ(state_of(pid), 'S');
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	EQ(state_of(pid), 'T');
	kill(pid, SIGKILL);
	UNTIL(state_of(pid) == 'Z');
	reap(pid);
	EQ(state_of(pid), 0);
}

TEST(status)
{
	read_of(getpid(), "status");
	EQ(strncmp(text, "Name:\tprocfs\n", 13), 0);
	EQ(field("\nPid:\t"), getpid());
	EQ(field("\nPPid:\t"), getppid());
	EQ(field("\nTgid:\t"), getpid());
	EQ(field("\nUid:\t"), getuid());
	EQ(field("\nThreads:\t"), 1);
	YES(field("\nVmRSS:\t") > 0);
	YES(strstr(text, "\nState:\tR (running)\n") != NULL);
	YES(strstr(text, "\nSigBlk:\t") != NULL);
	YES(strstr(text, "\nCapEff:\t") != NULL);
}

TEST(command_line)
{
	int p[2];
	read_of(getpid(), "cmdline");
	YES(strstr(text, "procfs") != NULL);
	OK(pipe(p));
	pid_t pid = spawn();
	if (pid == 0) {
		dup2(p[0], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", "read x; echo $x", "two words", NULL);
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	UNTIL(file_read(path, text, sizeof(text)) > 5 && !strcmp(text, "sh"));
	ssize_t n = file_read(path, text, sizeof(text));
	EQ(n, sizeof("sh\0-c\0read x; echo $x\0two words"));
	EQ(memcmp(text, "sh\0-c\0read x; echo $x\0two words", (size_t)n), 0);
	kill(pid, SIGKILL);
	reap(pid);
}

TEST(comm_is_writable)
{
	STREQ(read_of(getpid(), "comm"), "procfs\n");
	OK(file_write("/proc/self/comm", "other"));
	STREQ(read_of(getpid(), "comm"), "other\n");
}

TEST(exe_and_cwd)
{
	char target[256] = "", cwd[256];
	OK(readlink("/proc/self/exe", target, sizeof(target) - 1));
	EQ(target[0], '/');
	YES(strstr(target, "/procfs") != NULL);
	memset(target, 0, sizeof(target));
	OK(chdir("/tmp"));
	OK(readlink("/proc/self/cwd", target, sizeof(target) - 1));
	STREQ(target, getcwd(cwd, sizeof(cwd)));
	struct stat a, b;
	OK(stat("/proc/self/cwd/..", &a));
	OK(stat("/", &b));
	EQ(a.st_ino, b.st_ino);
}

TEST(maps)
{
	char *page =
		MUST((char *)mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE));
	char line[64];
	read_of(getpid(), "maps");
	snprintf(line, sizeof(line), "%lx-%lx rw-p 00000000 00:00 0", (unsigned long)page + 4096,
	         (unsigned long)page + 8192);
	YES(strstr(text, line) != NULL);
	YES(strstr(text, "[stack]") != NULL);
	YES(strstr(text, "r-xp") != NULL);
	YES(strstr(text, "/procfs") != NULL);
}

TEST(descriptors)
{
	char target[128] = "";
	int fd = OK(open("/dev/null", O_RDONLY)), p[2];
	OK(pipe(p));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(readlink(path, target, sizeof(target) - 1));
	STREQ(target, "/dev/null");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	memset(target, 0, sizeof(target));
	OK(readlink(path, target, sizeof(target) - 1));
	EQ(strncmp(target, "pipe:[", 6), 0);
	/* Opening the link opens the thing again. */
	int again = OK(open(path, O_WRONLY));
	OK(write(again, "x", 1));
	EQ(read(p[0], target, 1), 1);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	OK(file_read(path, text, sizeof(text)));
	EQ(strncmp(text, "pos:\t0\nflags:\t0", 15), 0);
	int count = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		count++;
	closedir(d);
	YES(count >= 2 + 3 + 3);
}

/* Whoever lists a process' descriptors keeps none of them open: once it is dead, its locks are gone. */
static void list_for_ever(const _Atomic pid_t *of)
{
	char path[64];
	for (;;) {
		sprintf(path, "/proc/%d/fd", (int)*of);
		DIR *d = opendir(path);
		while (d && readdir(d))
			;
		if (d)
			closedir(d);
	}
}
TEST(readers_keep_nothing_open)
{
	enum { ROUNDS = 60, MANY = 400 };
	_Atomic pid_t *victim = shared(sizeof(*victim));
	const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	pid_t readers[2], pid;
	int fd = MUST(open("/dev/shm", O_TMPFILE | O_RDWR, 0600)), ready[2];
	*victim = getpid();
	for (int i = 0; i < 2; i++)
		CHILD(readers[i])
		{
			list_for_ever(victim);
		}
	for (int round = 0; round < ROUNDS; round++) {
		MUST(pipe(ready));
		CHILD(pid)
		{
			for (int i = 0; i < MANY; i++)
				MUST(dup(fd));
			MUST(fcntl(fd, F_SETLK, &whole));
			*victim = getpid();
			close(ready[1]);
			pause();
		}
		close(ready[1]);
		EQ(read(ready[0], &pid, 1), 0);
		close(ready[0]);
		sched_yield();
		kill(*victim, SIGKILL);
		EQ(waitpid(*victim, NULL, 0), *victim);
		OK(fcntl(fd, F_SETLK, &whole));
		OK(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_UNLCK}));
	}
	for (int i = 0; i < 2; i++) {
		kill(readers[i], SIGKILL);
		waitpid(readers[i], NULL, 0);
	}
}

TEST(listing_has_every_process)
{
	pid_t pid = spawn();
	int found = 0;
	if (pid == 0)
		for (;;)
			pause();
	DIR *d = opendir("/proc");
	for (struct dirent *e; (e = readdir(d));)
		found += atoi(e->d_name) == pid || atoi(e->d_name) == getpid();
	closedir(d);
	EQ(found, 2);
	kill(pid, SIGKILL);
	reap(pid);
	snprintf(path, sizeof(path), "/proc/%d", pid);
	FAILS(access(path, F_OK), ENOENT);
}

TEST(task_directory)
{
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	OK(file_read(path, text, sizeof(text)));
	EQ(atoi(text), getpid());
}

TEST(system_files)
{
	OK(file_read("/proc/meminfo", text, sizeof(text)));
	long total = field("MemTotal:"), free_kb = field("MemFree:");
	YES(total > 0 && free_kb > 0 && free_kb < total);
	YES(field("MemAvailable:") > 0);
	OK(file_read("/proc/cpuinfo", text, sizeof(text)));
	YES(strstr(text, "processor\t: 0\n") != NULL);
	double up, idle;
	OK(file_read("/proc/uptime", text, sizeof(text)));
	EQ(sscanf(text, "%lf %lf", &up, &idle), 2);
	OK(file_read("/proc/mounts", text, sizeof(text)));
	YES(strstr(text, " /proc proc ") != NULL);
	OK(file_read("/proc/filesystems", text, sizeof(text)));
	YES(strstr(text, "nodev\ttmpfs\n") != NULL);
	YES(strstr(text, "nodev\tproc\n") != NULL);
	OK(file_read("/proc/version", text, sizeof(text)));
	OK(file_read("/proc/loadavg", text, sizeof(text)));
	OK(file_read("/proc/stat", text, sizeof(text)));
	EQ(strncmp(text, "cpu ", 4), 0);
	OK(file_read("/proc/cmdline", text, sizeof(text)));
}

TEST(kernel_parameters)
{
	OK(file_read("/proc/sys/kernel/ostype", text, sizeof(text)));
	STREQ(text, "Linux\n");
	OK(file_read("/proc/sys/kernel/pid_max", text, sizeof(text)));
	YES(atoi(text) >= 32768);
	OK(file_read("/proc/sys/kernel/ngroups_max", text, sizeof(text)));
	STREQ(text, "65536\n");
	OK(file_read("/proc/sys/kernel/osrelease", text, sizeof(text)));
	struct utsname name;
	OK(uname(&name));
	STREQ(name.sysname, "Linux");
	STREQ(name.machine, "x86_64");
	EQ(strncmp(text, name.release, strlen(name.release)), 0);
	OK(file_read("/proc/sys/kernel/random/boot_id", text, sizeof(text)));
	EQ(strlen(text), 37);
}

TEST(system_information)
{
	struct sysinfo info;
	OK(sysinfo(&info));
	YES(info.totalram * info.mem_unit > 64UL << 20);
	YES(info.procs > 0);
	FAILS(syscall(SYS_sysinfo, 8), EFAULT);
	FAILS(syscall(SYS_uname, 8), EFAULT);
}

TEST(others_are_protected)
{
	pid_t pid;
	CHILD(pid)
	{
		char target[8];
		OK(setresuid(1000, 1000, 1000));
		snprintf(path, sizeof(path), "/proc/%d/exe", getppid());
		FAILS(readlink(path, target, sizeof(target)), EACCES);
		snprintf(path, sizeof(path), "/proc/%d/maps", getppid());
		FAILS(open(path, O_RDONLY), EACCES);
		snprintf(path, sizeof(path), "/proc/%d/status", getppid());
		OK(file_read(path, text, sizeof(text)));
	}
	REAP(pid);
}

TEST(writing_where_nothing_is_written)
{
	FAILS(open("/proc/new", O_CREAT | O_WRONLY, 0600), ENOENT);
	FAILS(mkdir("/proc/dir", 0700), ENOENT);
	FAILS(unlink("/proc/meminfo"), EPERM);
	FAILS(rmdir("/proc/self"), ENOTDIR);
}
