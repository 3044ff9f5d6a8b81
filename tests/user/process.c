/* fork, vfork, clone, execve, exit, wait: processes (K3, E6). */
#include "harness.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

static int clone_process(unsigned long flags)
{
	return (int)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

TEST(fork_copies_memory)
{
	static int data = 1;
	int stack = 2, *heap = malloc(sizeof(int));
	pid_t pid;
	*heap = 3;
	CHILD(pid)
	{
		EQ(data + stack + *heap, 6);
		data = stack = *heap = 10;
	}
	REAP(pid);
	EQ(data + stack + *heap, 6);
	free(heap);
}

TEST(parents_and_children)
{
	pid_t me = getpid(), pid;
	CHILD(pid)
	{
		EQ(getppid(), me);
		YES(getpid() != me);
		EQ(getpgrp(), getpgid(me));
		EQ(getsid(0), getsid(me));
	}
	REAP(pid);
}

TEST(exit_status)
{
	int status;
	pid_t pid = spawn();
	if (pid == 0)
		_exit(300);
	EQ(waitpid(pid, &status, 0), pid);
	YES(WIFEXITED(status));
	EQ(WEXITSTATUS(status), 44);
	FAILS(waitpid(pid, &status, 0), ECHILD);
}

TEST(death_by_signal)
{
	const int fatal[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGUSR1, SIGALRM, SIGRTMIN + 3};
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++) {
		int status;
		pid_t pid = spawn();
		if (pid == 0) {
			signal(fatal[i], SIG_DFL);
			raise(fatal[i]);
			_exit(0);
		}
		EQ(waitpid(pid, &status, 0), pid);
		YES(WIFSIGNALED(status));
		EQ(WTERMSIG(status), fatal[i]);
	}
}

TEST(faults_kill)
{
	static const struct {
		int signal;
		const char *what;
	} faults[] = {{SIGSEGV, "null"},     {SIGFPE, "divide"},       {SIGILL, "ud2"},
	              {SIGTRAP, "int3"},     {SIGSEGV, "kernel"},      {SIGSEGV, "hlt"},
	              {SIGSEGV, "constant"}, {SIGSEGV, "noncanonical"}};
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		int status;
		pid_t pid = spawn();
		if (pid == 0) {
			volatile int zero = 0;
			switch (i) {
			case 0: *(volatile int *)(uintptr_t)zero = 1; break;
			case 1:
				__asm__ volatile("xor %%ecx, %%ecx; cltd; idivl %%ecx"
				                 :
				                 : "a"(1)
				                 : "ecx", "edx");
				break;
			case 2: __asm__ volatile("ud2"); break;
			case 3: __asm__ volatile("int3"); break;
			case 4: *(volatile int *)0xffffffff80000000 = 1; break;
			case 5: __asm__ volatile("hlt"); break;
			case 6: *(volatile char *)(uintptr_t) "constant" = 0; break;
			case 7: *(volatile int *)0x8000000000000000 = 1; break;
			}
			_exit(0);
		}
		EQ(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != faults[i].signal)
			test_fail(__FILE__, __LINE__, "%s: expected signal %d, got status 0x%x",
			          faults[i].what, faults[i].signal, (unsigned)status);
	}
}

TEST(wait_any_and_by_group)
{
	int status;
	FAILS(waitpid(-1, &status, 0), ECHILD);
	FAILS(waitpid(getpid(), &status, 0), ECHILD);
	FAILS(waitpid(-1, &status, 0x10000), EINVAL);
	pid_t a = spawn();
	if (a == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(a, a);
	pid_t b = spawn();
	if (b == 0)
		_exit(2);
	EQ(waitpid(-a, &status, 0), a);
	EQ(WEXITSTATUS(status), 1);
	FAILS(waitpid(-a, &status, 0), ECHILD);
	EQ(waitpid(0, &status, 0), b);
	EQ(WEXITSTATUS(status), 2);
}

TEST(wait_nohang)
{
	int status = 77, p[2];
	char c;
	OK(pipe(p));
	pid_t pid = spawn();
	if (pid == 0) {
		close(p[1]);
		_exit((int)read(p[0], &c, 1));
	}
	EQ(waitpid(pid, &status, WNOHANG), 0);
	EQ(status, 77);
	close(p[0]);
	close(p[1]);
	REAP(pid);
}

TEST(wait4_usage_and_bad_pointer)
{
	struct rusage usage;
	int status;
	pid_t pid = spawn();
	if (pid == 0)
		_exit(0);
	memset(&usage, 0xff, sizeof(usage));
	EQ(wait4(pid, &status, 0, &usage), pid);
	YES(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 100);
	/* The child is reaped although its status cannot be delivered. */
	pid = spawn();
	if (pid == 0)
		_exit(0);
	FAILS(syscall(SYS_wait4, pid, 8, 0, NULL), EFAULT);
	FAILS(waitpid(pid, &status, 0), ECHILD);
}

TEST(waitid_tells_all)
{
	siginfo_t info;
	pid_t pid = spawn();
	if (pid == 0)
		_exit(9);
	memset(&info, 0, sizeof(info));
	OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	EQ(info.si_pid, pid);
	EQ(info.si_status, 9);
	EQ(info.si_code, CLD_EXITED);
	EQ(info.si_signo, SIGCHLD);
	OK(waitid(P_ALL, 0, &info, WEXITED));
	EQ(info.si_pid, pid);
	FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	FAILS(waitid(P_ALL, 0, &info, 0), EINVAL);
	FAILS(waitid(P_ALL, 0, &info, 0x100), EINVAL);
	FAILS(waitid(77, 0, &info, WEXITED), EINVAL);
	FAILS(waitid(P_PID, 0, &info, WEXITED), EINVAL);
}

TEST(stop_and_continue_are_reported)
{
	int status;
	siginfo_t info;
	pid_t pid = spawn();
	if (pid == 0)
		for (;;)
			pause();
	OK(kill(pid, SIGSTOP));
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	YES(WIFSTOPPED(status));
	EQ(WSTOPSIG(status), SIGSTOP);
	EQ(state_of(pid), 'T');
	/* Reported once. */
	EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	OK(kill(pid, SIGCONT));
	OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
	EQ(info.si_code, CLD_CONTINUED);
	EQ(info.si_status, SIGCONT);
	OK(kill(pid, SIGKILL));
	EQ(reap(pid), SIGKILL);
}

TEST(zombie_until_reaped)
{
	pid_t pid = spawn();
	if (pid == 0)
		_exit(0);
	UNTIL(state_of(pid) == 'Z');
	OK(kill(pid, 0));
	EQ(getpgid(pid), getpgrp());
	REAP(pid);
	FAILS(kill(pid, 0), ESRCH);
}

TEST(orphans_go_to_the_reaper)
{
	/* prctl(2): a sub-reaper adopts its orphaned descendants. */
	int p[2], status;
	pid_t middle, orphan;
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	OK(pipe(p));
	CHILD(middle)
	{
		pid_t parent = getpid();
		CHILD(orphan)
		{
			UNTIL(getppid() != parent);
			_exit(getppid());
		}
		OK(write(p[1], &orphan, sizeof(orphan)));
	}
	EQ(read(p[0], &orphan, sizeof(orphan)), sizeof(orphan));
	REAP(middle);
	EQ(waitpid(orphan, &status, 0), orphan);
	EQ(WEXITSTATUS(status), getpid() & 255);
}

TEST(sigchld_ignored_reaps_by_itself)
{
	int status;
	signal(SIGCHLD, SIG_IGN);
	pid_t pid = spawn();
	if (pid == 0)
		_exit(1);
	FAILS(waitpid(pid, &status, 0), ECHILD);
	FAILS(kill(pid, 0), ESRCH);
}

TEST(vfork_waits_for_exec_or_exit)
{
	volatile int order = 0;
	pid_t pid = vfork();
	if (pid == 0) {
		order = 1;
		_exit(0);
	}
	EQ(order, 1);
	REAP(pid);
}

TEST(clone_vm_shares_memory)
{
	static volatile int shared_word;
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid = clone_process(CLONE_VM | CLONE_VFORK | SIGCHLD);
	(void)stack;
	if (pid == 0) {
		shared_word = 5;
		_exit(0);
	}
	REAP(pid);
	EQ(shared_word, 5);
}

TEST(clone_flags_are_checked)
{
	FAILS(clone_process(CLONE_THREAD), EINVAL);
	FAILS(clone_process(CLONE_SIGHAND), EINVAL);
	FAILS(clone_process(CLONE_THREAD | CLONE_SIGHAND), EINVAL);
	FAILS(clone_process(CLONE_FS | CLONE_NEWNS), EINVAL);
	FAILS(syscall(SYS_clone3, NULL, 8), EINVAL);
	FAILS(syscall(SYS_clone3, 8, 64), EFAULT);
	char args[200];
	memset(args, 0xff, sizeof(args));
	FAILS(syscall(SYS_clone3, args, sizeof(args)), E2BIG);
}

TEST(clone_settid_and_cleartid)
{
	pid_t *tid = shared(4096);
	pid_t parent_tid = 0;
	long pid =
		syscall(SYS_clone,
	                CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
	                NULL, &parent_tid, tid, NULL);
	if (pid == 0) {
		EQ(*tid, syscall(SYS_gettid));
		_exit(0);
	}
	EQ(parent_tid, pid);
	REAP((pid_t)pid);
}

TEST(clone3_pidfd_and_signal)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	int fd = -1;
	args.pidfd = (uintptr_t)&fd;
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(3);
	YES(pid > 0);
	YES(fd >= 0);
	struct pollfd poll_exit = {fd, POLLIN, 0};
	EQ(poll(&poll_exit, 1, -1), 1);
	siginfo_t info;
	OK(waitid((idtype_t)3 /* P_PIDFD */, (id_t)fd, &info, WEXITED));
	EQ(info.si_status, 3);
}

static int run(const char *path, char *const args[], char *const env[])
{
	pid_t pid = spawn();
	if (pid == 0) {
		execve(path, args, env);
		_exit(errno);
	}
	int status = reap(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(exec_errors)
{
	char *const args[] = {"x", NULL}, *const env[] = {NULL};
	int fd = OK(open("not-executable", O_CREAT | O_WRONLY, 0644));
	OK(write(fd, "text", 4));
	close(fd);
	EQ(run("./not-executable", args, env), EACCES);
	OK(chmod("not-executable", 0755));
	EQ(run("./not-executable", args, env), ENOEXEC);
	OK(unlink("not-executable"));
	EQ(run("/none", args, env), ENOENT);
	EQ(run("/proc", args, env), EACCES);
	EQ(run("/proc/self/exe/x", args, env), ENOTDIR);
	EQ(run("", args, env), ENOENT);
	FAILS(syscall(SYS_execve, 8, args, env), EFAULT);
	FAILS(syscall(SYS_execve, "/proc/self/exe", 8, env), EFAULT);
	char *const bad[] = {(char *)8, NULL};
	FAILS(syscall(SYS_execve, "/proc/self/exe", bad, env), EFAULT);
}

TEST(exec_script)
{
	int fd = OK(open("script", O_CREAT | O_WRONLY | O_TRUNC, 0755));
	const char text[] = "#!/bin/sh -e\ntest \"$1\" = one && exit $#\nexit 99\n";
	OK(write(fd, text, sizeof(text) - 1));
	close(fd);
	char *const args[] = {"ignored", "one", "two", NULL}, *const env[] = {NULL};
	EQ(run("./script", args, env), 2);
	fd = OK(open("script", O_WRONLY | O_TRUNC));
	OK(write(fd, "#!/none\n", 8));
	close(fd);
	EQ(run("./script", args, env), ENOENT);
	OK(unlink("script"));
}

TEST(exec_argument_limit)
{
	/* One string is at most 128 KiB, all of them a quarter of the stack limit. */
	static char big[131072 + 8];
	memset(big, 'x', 131072);
	char *const args[] = {"true", big, NULL}, *const env[] = {NULL};
	EQ(run("/bin/true", args, env), E2BIG);
	big[131071] = 0;
	EQ(run("/bin/true", args, env), 0);
}

TEST(exec_keeps_and_resets)
{
	/* Caught signals become default, ignored stay ignored; the mask, pid and umask stay. */
	int p[2];
	char c = 0;
	OK(pipe(p));
	pid_t pid = spawn();
	if (pid == 0) {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		signal(SIGUSR1, count_signal);
		signal(SIGHUP, SIG_IGN);
		dup2(p[1], STDOUT_FILENO);
		execl("/bin/grep", "grep", "-c", "-e", "^SigBlk:.*[89a-f]..$", "-e",
		      "^SigIgn:.*[13579bdf]$", "-e", "^SigCgt:.*[014589cd]..$", "/proc/self/status",
		      NULL);
		_exit(9);
	}
	EQ(read(p[0], &c, 1), 1);
	EQ(c, '3');
	REAP(pid);
}

TEST(exec_closes_cloexec)
{
	int a = OK(open("/dev/null", O_RDONLY | O_CLOEXEC)), b = OK(open("/dev/null", O_RDONLY));
	char line[128];
	snprintf(line, sizeof(line), "test ! -e /proc/self/fd/%d && test -e /proc/self/fd/%d", a,
	         b);
	char *const args[] = {"sh", "-c", line, NULL}, *const env[] = {"PATH=/bin:/usr/bin", NULL};
	EQ(run("/bin/sh", args, env), 0);
}

TEST(many_children_at_once)
{
	enum { N = 400 };
	static pid_t pids[N];
	int p[2];
	char c;
	OK(pipe(p));
	for (int i = 0; i < N; i++)
		CHILD(pids[i])
		{
			close(p[1]);
			EQ(read(p[0], &c, 1), 0);
			_exit(i & 127);
		}
	close(p[1]);
	for (int i = 0; i < N; i++) {
		int status = reap(pids[i]);
		EQ(WEXITSTATUS(status), i & 127);
	}
}

TEST(process_limit)
{
	pid_t pid;
	CHILD(pid)
	{
		struct rlimit limit = {3, 3};
		OK(setresuid(4242, 4242, 4242));
		OK(setrlimit(RLIMIT_NPROC, &limit));
		pid_t a = fork(), b = a > 0 ? fork() : 0;
		if (a == 0 || b == 0)
			for (;;)
				pause();
		FAILS(fork(), EAGAIN);
		kill(a, SIGKILL);
		kill(b, SIGKILL);
		reap(a);
		reap(b);
		YES((a = fork()) >= 0);
		if (a == 0)
			_exit(0);
		REAP(a);
	}
	REAP(pid);
}

TEST(kill_errors)
{
	FAILS(kill(0x3fffffff, 0), ESRCH);
	FAILS(kill(getpid(), 65), EINVAL);
	FAILS(kill(getpid(), -1), EINVAL);
	FAILS(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
	FAILS(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0), ESRCH);
	pid_t pid;
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		FAILS(kill(getppid(), SIGTERM), EPERM);
		FAILS(kill(getppid(), 0), EPERM);
	}
	REAP(pid);
}

TEST(groups_and_sessions)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(setpgid(0, 0));
		EQ(getpgrp(), getpid());
		/* A group leader cannot begin a session. */
		FAILS(setsid(), EPERM);
		FAILS(setpgid(0, 0x3fffffff), EPERM);
		FAILS(setpgid(0, -1), EINVAL);
		FAILS(setpgid(0x3fffffff, 0), ESRCH);
		pid_t child;
		CHILD(child)
		{
			EQ(setsid(), getpid());
			EQ(getsid(0), getpid());
			EQ(getpgrp(), getpid());
			/* A session leader stays in its group. */
			FAILS(setpgid(0, 0), EPERM);
		}
		REAP(child);
	}
	REAP(pid);
}

TEST(group_is_closed_after_exec)
{
	int p[2];
	char c;
	OK(pipe(p));
	pid_t pid = spawn();
	if (pid == 0) {
		dup2(p[1], 1);
		execl("/bin/sh", "sh", "-c", "echo; exec sleep 1000", NULL);
		_exit(1);
	}
	EQ(read(p[0], &c, 1), 1);
	FAILS(setpgid(pid, pid), EACCES);
	kill(pid, SIGKILL);
	reap(pid);
}

TEST(signal_to_a_group)
{
	pid_t pids[3];
	int p[2];
	char c;
	OK(pipe(p));
	for (int i = 0; i < 3; i++) {
		CHILD(pids[i])
		{
			OK(write(p[1], "", 1));
			for (;;)
				pause();
		}
		OK(setpgid(pids[i], pids[0]));
	}
	for (int i = 0; i < 3; i++)
		EQ(read(p[0], &c, 1), 1);
	OK(killpg(pids[0], SIGTERM));
	for (int i = 0; i < 3; i++)
		EQ(reap(pids[i]), SIGTERM);
}

TEST(pdeathsig)
{
	int p[2];
	char c;
	OK(pipe(p));
	pid_t middle;
	CHILD(middle)
	{
		pid_t child;
		CHILD(child)
		{
			close(p[0]);
			OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
			OK(write(p[1], "x", 1));
			for (;;)
				pause();
		}
		EQ(read(p[0], &c, 1), 1);
	}
	REAP(middle);
	close(p[1]);
	EQ(read(p[0], &c, 1), 0);
}

TEST(names)
{
	char name[17] = "";
	OK(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	OK(prctl(PR_GET_NAME, name));
	STREQ(name, "a-name-that-is-");
	FAILS(prctl(PR_SET_NAME, 8), EFAULT);
	FAILS(prctl(9999, 0, 0, 0, 0), EINVAL);
}
