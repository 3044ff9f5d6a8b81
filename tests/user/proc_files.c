/* The proc file system, proc(5): what is there, whose it is, offsets, races with exit, sysctl. */
#include "harness.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>

static char text[65536];
static const char *contents(const char *path)
{
	if (OK(file_read(path, text, sizeof(text))) < 0)
		text[0] = 0;
	return text;
}
static const char *of(pid_t pid, const char *name)
{
	static char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return path;
}
/* The field after "NAME:" of a status-like file, as a number; -1: there is none. */
static long field(const char *path, const char *name)
{
	char key[64], *found;
	snprintf(key, sizeof(key), "\n%s:", name);
	contents(path);
	found = strstr(text, key);
	return found ? strtol(found + strlen(key), NULL, 0) : -1;
}

/* A set of signals in the status that `text` holds. */
static unsigned long long signal_set(const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoull(at + strlen(name) + 1, NULL, 16) : 0;
}

TEST(self_is_the_reader)
{
	char link[64] = {0};
	EQ(readlink("/proc/self", link, sizeof(link)), snprintf(text, 64, "%d", getpid()));
	EQ(atoi(link), getpid());
	MUST(readlink("/proc/thread-self", link, sizeof(link)));
	snprintf(text, 64, "%d/task/%d", getpid(), getpid());
	EQ(strncmp(link, text, strlen(text)), 0);
	struct statfs fs;
	OK(statfs("/proc", &fs));
	EQ(fs.f_type, 0x9fa0);
}

TEST(stat_has_52_fields_and_true_ones)
{
	contents("/proc/self/stat");
	char *p = strrchr(text, ')');
	int fields = 2;
	for (char *c = p + 1; *c; c++)
		fields += *c == ' ';
	EQ(fields, 52);
	int pid, ppid, pgrp, sid;
	char state;
	EQ(sscanf(text, "%d", &pid), 1);
	EQ(sscanf(p + 2, "%c %d %d %d", &state, &ppid, &pgrp, &sid), 4);
	EQ(pid, getpid());
	EQ(state, 'R');
	EQ(ppid, getppid());
	EQ(pgrp, getpgrp());
	EQ(sid, getsid(0));
}

TEST(states_of_a_process)
{
	pid_t child;
	int p[2];
	MUST(pipe(p));
	CHILD(child)
	{
		char c;
		close(p[1]);
		EQ(read(p[0], &c, 1), 0);
	}
	close(p[0]);
	UNTIL(state_of(child) == 'S');
	kill(child, SIGSTOP);
	UNTIL(state_of(child) == 'T');
	kill(child, SIGCONT);
	UNTIL(state_of(child) == 'S');
	close(p[1]);
	UNTIL(state_of(child) == 'Z');
	/* A zombie has a status, but no memory, files or links. */
	contents(of(child, "status"));
	YES(strstr(text, "State:\tZ (zombie)"));
	YES(!strstr(text, "VmSize"));
	STREQ(contents(of(child, "cmdline")), "");
	STREQ(contents(of(child, "maps")), "");
	char link[64];
	FAILS(readlink(of(child, "exe"), link, sizeof(link)), ENOENT);
	FAILS(readlink(of(child, "cwd"), link, sizeof(link)), ENOENT);
	REAP(child);
	FAILS(open(of(child, "stat"), O_RDONLY), ENOENT);
	FAILS(access(of(child, ""), F_OK), ENOENT);
}

TEST(open_files_of_a_dead_process)
{
	pid_t child;
	char c;
	int p[2];
	MUST(pipe(p));
	CHILD(child)
	{
		close(p[1]);
		read(p[0], &c, 1);
	}
	int stat_fd = MUST(open(of(child, "stat"), O_RDONLY));
	int dir_fd = MUST(open(of(child, ""), O_RDONLY | O_DIRECTORY));
	int list_fd = MUST(open(of(child, "fd"), O_RDONLY | O_DIRECTORY));
	close(p[1]);
	REAP(child);
	FAILS(read(stat_fd, &c, 1), ESRCH);
	FAILS(openat(dir_fd, "stat", O_RDONLY), ESRCH);
	FAILS(syscall(SYS_getdents64, dir_fd, text, sizeof(text)), ENOENT);
	FAILS(syscall(SYS_getdents64, list_fd, text, sizeof(text)), ENOENT);
}

TEST(status_tells_the_truth)
{
	EQ(field("/proc/self/status", "Pid"), getpid());
	EQ(field("/proc/self/status", "PPid"), getppid());
	EQ(field("/proc/self/status", "Uid"), getuid());
	EQ(field("/proc/self/status", "Threads"), 1);
	YES(field("/proc/self/status", "VmRSS") > 0);
	YES(field("/proc/self/status", "VmPeak") >= field("/proc/self/status", "VmRSS"));
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR1);
	contents("/proc/self/status");
	YES(strstr(text, "SigPnd:\t0000000000000200") || strstr(text, "ShdPnd:\t0000000000000200"));
	YES(strstr(text, "SigBlk:\t0000000000000200"));
	YES(signal_set("SigIgn") & 1ull << (SIGUSR2 - 1)); /* a shell may have had more ignored */
	umask(027);
	contents("/proc/self/status");
	YES(strstr(text, "Umask:\t0027"));
}

TEST(names)
{
	prctl(PR_SET_NAME, "a (strange) na");
	STREQ(contents("/proc/self/comm"), "a (strange) na\n");
	contents("/proc/self/stat");
	YES(strstr(text, " (a (strange) na) R "));
	OK(file_write("/proc/self/comm", "written-and-too-long"));
	STREQ(contents("/proc/self/comm"), "written-and-too\n");
	if (getppid() > 1)
		FAILS(file_write(of(getppid(), "comm"), "x"), EINVAL);
}

TEST(arguments_and_environment)
{
	static const char args[] = "sleep\0001000", variables[] = "A=1\0B=two";
	pid_t child;
	CHILD(child)
	{
		char *argv[] = {"sleep", "1000", NULL}, *envp[] = {"A=1", "B=two", NULL};
		execve("/bin/sleep", argv, envp);
	}
	UNTIL(file_read(of(child, "cmdline"), text, sizeof(text)) == sizeof(args) &&
	      !memcmp(text, args, sizeof(args)));
	until_asleep(child);
	EQ(file_read(of(child, "environ"), text, sizeof(text)), sizeof(variables));
	EQ(memcmp(text, variables, sizeof(variables)), 0);
	STREQ(contents(of(child, "comm")), "sleep\n");
	kill(child, SIGKILL);
	EQ(reap(child), SIGKILL);
}

TEST(the_system_call_of_a_task)
{
	char *buf = shared(4096), expected[100];
	int fd = MUST(open("/proc/self/syscall", O_RDONLY));
	MUST(syscall(SYS_read, fd, buf, 4096L, 4L, 5L, 6L));
	int n = snprintf(expected, sizeof(expected), "%d %#x %#lx 0x1000 0x4 0x5 0x6 0x", SYS_read,
	                 fd, (unsigned long)buf);
	EQ(memcmp(buf, expected, (size_t)n), 0);
	pid_t child;
	CHILD(child)
	{
		syscall(SYS_ppoll, 0L, 0L, 0L, 0L, 8L, 9L);
	}
	until_asleep(child);
	snprintf(expected, sizeof(expected), "%d 0x0 0x0 0x0 0x0 0x8 0x9 0x", SYS_ppoll);
	EQ(strncmp(contents(of(child, "syscall")), expected, strlen(expected)), 0);
	kill(child, SIGKILL);
	EQ(waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT), 0);
	STREQ(contents(of(child, "syscall")), "-1 0x0 0x0\n");
	EQ(reap(child), SIGKILL);
}

TEST(maps_and_memory)
{
	void *p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mprotect((char *)p + 4096, 4096, PROT_NONE));
	char line[64];
	contents("/proc/self/maps");
	snprintf(line, sizeof(line), "%lx-%lx ---p", (unsigned long)p + 4096,
	         (unsigned long)p + 8192);
	YES(strstr(text, line));
	YES(strstr(text, "[stack]") && strstr(text, "[vdso]"));
	YES(strstr(text, " r-xp "));
	contents("/proc/self/smaps");
	YES(strstr(text, line));
	YES(strstr(text, "\nRss:") && strstr(text, "\nVmFlags:"));
	contents("/proc/self/smaps_rollup");
	EQ(strstr(text, "[rollup]\n") - text, 73);
	YES(strstr(text, "\nPss_Anon:") && strstr(text, "\nPss_File:") &&
	    strstr(text, "\nPss_Shmem:"));
	unsigned long size, resident;
	EQ(sscanf(contents("/proc/self/statm"), "%lu %lu", &size, &resident), 2);
	YES(size >= resident && resident > 0);
	unsigned long words[64];
	int fd = MUST(open("/proc/self/auxv", O_RDONLY));
	ssize_t n = read(fd, words, sizeof(words));
	YES(n > 32 && n % 16 == 0);
	EQ(words[n / 8 - 2], 0);
}

TEST(links_lead_to_what_they_say)
{
	char link[256] = {0}, exe[256] = {0};
	int p[2], fd = MUST(open("/dev/null", O_WRONLY));
	struct stat a, b;
	MUST(chdir("/tmp"));
	YES(readlink("/proc/self/cwd", link, sizeof(link) - 1) == 4 && !strcmp(link, "/tmp"));
	YES(readlink("/proc/self/root", exe, sizeof(exe) - 1) == 1 && !strcmp(exe, "/"));
	YES(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 1);
	MUST(stat("/proc/self/exe", &a));
	MUST(stat(exe, &b));
	EQ(a.st_ino, b.st_ino);
	snprintf(text, 64, "/proc/self/fd/%d", fd);
	memset(link, 0, sizeof(link));
	MUST(readlink(text, link, sizeof(link) - 1));
	STREQ(link, "/dev/null");
	MUST(lstat(text, &a));
	EQ(a.st_mode, S_IFLNK | 0300);
	MUST(pipe(p));
	snprintf(text, 64, "/proc/self/fd/%d", p[0]);
	memset(link, 0, sizeof(link));
	MUST(readlink(text, link, sizeof(link) - 1));
	EQ(strncmp(link, "pipe:[", 6), 0);
	int again = MUST(open(text, O_RDONLY | O_NONBLOCK));
	MUST(write(p[1], "x", 1));
	char c;
	EQ(read(again, &c, 1), 1); /* the same pipe */
	snprintf(text, 64, "/proc/self/fdinfo/%d", p[0]);
	contents(text);
	YES(strstr(text, "pos:\t0\n") && strstr(text, "flags:\t"));
	FAILS(readlink("/proc/self/fd/999", link, 8), ENOENT);
	FAILS(open("/proc/self/fd/01", O_RDONLY), ENOENT);
}

static int entries(const char *path, const char *wanted)
{
	DIR *d = opendir(path);
	int found = 0;
	struct dirent *e;
	while (d && (e = readdir(d)))
		found += !strcmp(e->d_name, wanted);
	if (d)
		closedir(d);
	return found;
}

static void *wait_for_ever(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	pause();
	return NULL;
}

TEST(directories_list_what_is_there)
{
	char name[16], path[64];
	volatile pid_t tid = 0;
	pthread_t thread;
	snprintf(name, sizeof(name), "%d", getpid());
	EQ(entries("/proc", name), 1);
	EQ(entries("/proc", "1"), 1);
	EQ(entries("/proc", "self"), 1);
	EQ(entries("/proc", "meminfo"), 1);
	EQ(entries("/proc/self", "status"), 1);
	EQ(entries("/proc/self/task", name), 1);
	EQ(entries("/proc/self/fd", "0"), 1);
	EQ(pthread_create(&thread, NULL, wait_for_ever, (void *)&tid), 0);
	UNTIL(tid);
	snprintf(name, sizeof(name), "%d", tid);
	EQ(entries("/proc/self/task", name), 1);
	EQ(entries("/proc", name), 0); /* not listed, but there */
	OK(access(of(tid, "stat"), F_OK));
	EQ(field("/proc/self/status", "Threads"), 2);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	EQ(field(path, "Pid"), tid);
	EQ(field(path, "Tgid"), getpid());
	struct stat a, b;
	MUST(stat("/proc/self/stat", &a));
	MUST(stat("/proc/self/stat", &b));
	EQ(a.st_ino, b.st_ino);
}

TEST(reads_at_offsets_see_one_text)
{
	char whole[4096], one;
	ssize_t n = file_read("/proc/self/limits", whole, sizeof(whole));
	int fd = MUST(open("/proc/self/limits", O_RDONLY));
	for (ssize_t i = 0; i < n; i++) {
		EQ(read(fd, &one, 1), 1);
		EQ(one, whole[i]);
	}
	EQ(read(fd, &one, 1), 0);
	EQ(pread(fd, &one, 1, 5), 1);
	EQ(one, whole[5]);
	EQ(lseek(fd, 3, SEEK_SET), 3);
	EQ(read(fd, &one, 1), 1);
	EQ(one, whole[3]);
}

/* Thousands of areas, read in small pieces: each stands there once, in order, whole; and so again after a seek. */
TEST(long_maps_are_read_in_pieces)
{
	enum { AREAS = 3000 };
	size_t page = 4096, length = 2 * AREAS * page;
	char *base = MUST(mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (size_t i = 0; i < AREAS; i++)
		MUST(mprotect(base + 2 * i * page, page, PROT_READ));
	int fd = MUST(open("/proc/self/maps", O_RDONLY));
	static char all[1 << 20];
	for (int round = 0; round < 2; round++) {
		ssize_t n, total = 0;
		while ((n = OK(read(fd, all + total, 777))) > 0)
			total += n;
		all[total] = 0;
		char *line = all;
		size_t found = 0;
		unsigned long start, end, last = 0;
		while (*line && sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			if (start < last || end <= start)
				test_fail(__FILE__, __LINE__, "%lx-%lx after %lx", start, end,
				          last);
			found +=
				start >= (unsigned long)base && end <= (unsigned long)base + length;
			last = end;
			line = strchr(line, '\n') + 1;
		}
		EQ(*line, 0);
		EQ(found, 2 * AREAS);
		EQ(OK(lseek(fd, 0, SEEK_SET)), 0);
	}
	OK(close(fd));
}

TEST(owners_and_permissions)
{
	struct stat st;
	pid_t child;
	int p[2];
	char c;
	MUST(pipe(p));
	MUST(stat("/proc/self/environ", &st));
	EQ(st.st_mode, S_IFREG | 0400);
	MUST(stat("/proc/self", &st));
	EQ(st.st_mode, S_IFDIR | 0555);
	MUST(stat("/proc/self/fd", &st));
	EQ(st.st_mode & 07777, 0500);
	if (geteuid())
		return;
	FAILS(mkdir("/proc/new", 0700), ENOENT);
	FAILS(open("/proc/new", O_CREAT | O_RDWR, 0600), ENOENT);
	FAILS(unlink("/proc/version"), EPERM);
	FAILS(chmod("/proc/self/stat", 0666), EPERM);
	CHILD(child)
	{
		MUST(setresuid(4711, 4711, 4711));
		close(p[1]);
		read(p[0], &c, 1);
	}
	UNTIL(stat(of(child, "stat"), &st) == 0 && stat(of(child, ""), &st) == 0 &&
	      st.st_uid == 4711);
	close(p[1]);
	REAP(child);
	CHILD(child)
	{
		char link[64];
		pid_t parent = getppid();
		MUST(setresuid(4711, 4711, 4711));
		contents(of(parent, "stat"));
		YES(strstr(text, " 0 0 0 ") != NULL);
		FAILS(open(of(parent, "environ"), O_RDONLY), EACCES);
		FAILS(open(of(parent, "maps"), O_RDONLY), EACCES);
		FAILS(open(of(parent, "fd"), O_RDONLY), EACCES);
		FAILS(readlink(of(parent, "exe"), link, sizeof(link)), EACCES);
	}
	REAP(child);
}

TEST(limits_follow_setrlimit)
{
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 77;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	contents("/proc/self/limits");
	YES(strstr(text, "\nMax open files            77 "));
}

TEST(files_of_the_machine)
{
	char c;
	double up, idle;
	YES(field("/proc/meminfo", "MemFree") > 0);
	EQ(strncmp(contents("/proc/meminfo"), "MemTotal: ", 10), 0);
	EQ(strncmp(contents("/proc/stat"), "cpu  ", 5), 0);
	YES(strstr(text, "\nbtime ") && strstr(text, "\nctxt ") && strstr(text, "\nprocesses "));
	EQ(sscanf(contents("/proc/uptime"), "%lf %lf", &up, &idle), 2);
	YES(up > 0);
	EQ(sscanf(contents("/proc/loadavg"), "%lf %lf %*f %*d/%*d %*d%c", &up, &idle, &c), 3);
	EQ(strncmp(contents("/proc/version"), "Linux version ", 14), 0);
	YES(strstr(contents("/proc/filesystems"), "nodev\tproc\n"));
	YES(strstr(text, "nodev\ttmpfs\n"));
	YES(strstr(contents("/proc/cpuinfo"), "\nflags\t\t: "));
	YES(strstr(contents("/proc/mounts"), " /proc proc "));
	YES(strstr(contents("/proc/self/mountinfo"), " - proc "));
	YES(strstr(contents("/proc/devices"), "Character devices:\n  1 mem\n"));
}

TEST(sysctl_numbers)
{
	char c;
	EQ(atoi(contents("/proc/sys/kernel/ngroups_max")), 65536);
	EQ(atoi(contents("/proc/sys/kernel/cap_last_cap")), 40);
	STREQ(contents("/proc/sys/kernel/ostype"), "Linux\n");
	contents("/proc/sys/kernel/random/uuid");
	EQ(strlen(text), 37);
	EQ(text[14], '4');
	char first[64];
	strcpy(first, contents("/proc/sys/kernel/random/boot_id"));
	STREQ(contents("/proc/sys/kernel/random/boot_id"), first);
	int fd = MUST(open("/proc/sys/kernel/ngroups_max", O_RDONLY));
	EQ(read(fd, &c, 1), 1);
	EQ(c, '6');
	EQ(read(fd, &c, 1), 0); /* sysctl(5): only the first read gives anything */
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(read(fd, &c, 1), 1);
	if (geteuid())
		return;
	char old[64];
	const char *path = "/proc/sys/kernel/printk";
	strcpy(old, contents(path));
	OK(file_write(path, "4 5"));
	YES(!strncmp(contents(path), "4\t5\t", 4));
	FAILS(file_write(path, "x"), EINVAL);
	FAILS(file_write(path, "99999999999"), EINVAL);
	FAILS(file_write(path, "1x"), EINVAL);
	OK(file_write(path, "0x7 4 1 7\n"));
	STREQ(contents(path), "7\t4\t1\t7\n");
	OK(file_write(path, old));
}
