/* Stops, orphaned groups, sub-reapers, waitid and pidfds beyond the first look. */
#include "harness.h"
#include <sys/prctl.h>

enum { P_PIDFD_TYPE = 3 };

static int wait_for(pid_t pid, int options)
{
	int status = -1;
	EQ(waitpid(pid, &status, options), pid);
	return status;
}

static pid_t paused_child(void)
{
	pid_t pid = OK(fork());
	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	OK(kill(pid, SIGKILL));
	YES(WIFSIGNALED(wait_for(pid, 0)));
}

TEST(waitid_nowait_leaves_the_event)
{
	pid_t pid = paused_child();
	siginfo_t info = {0};
	OK(kill(pid, SIGSTOP));
	OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	EQ(info.si_code, CLD_STOPPED);
	EQ(info.si_status, SIGSTOP);
	OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
	EQ(info.si_pid, pid);
	info.si_pid = 77;
	OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG));
	EQ(info.si_pid, 0);
	OK(kill(pid, SIGCONT));
	OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
	EQ(info.si_code, CLD_CONTINUED);
	EQ(info.si_status, SIGCONT);
	end(pid);
}

TEST(waitid_rejects_bad_requests)
{
	siginfo_t info;
	FAILS(waitid(P_ALL, 0, &info, 0), EINVAL);
	FAILS(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
	FAILS(waitid((idtype_t)9, 0, &info, WEXITED), EINVAL);
	FAILS(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	FAILS(syscall(SYS_wait4, -1, NULL, 0x100, NULL), EINVAL);
	FAILS(syscall(SYS_wait4, (-2147483647 - 1), NULL, 0, NULL), ESRCH);
}

static atomic_int sigchld_seen;
static void on_sigchld(int sig)
{
	(void)sig;
	sigchld_seen++;
}

TEST(nocldstop_silences_stops_only)
{
	struct sigaction sa = {.sa_handler = on_sigchld, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
	OK(sigaction(SIGCHLD, &sa, NULL));
	pid_t pid = paused_child();
	OK(kill(pid, SIGSTOP));
	YES(WIFSTOPPED(wait_for(pid, WUNTRACED)));
	EQ(sigchld_seen, 0);
	end(pid);
	EQ(sigchld_seen, 1);
}

TEST(nocldwait_makes_no_zombies)
{
	struct sigaction sa = {.sa_handler = on_sigchld, .sa_flags = SA_NOCLDWAIT | SA_RESTART};
	OK(sigaction(SIGCHLD, &sa, NULL));
	pid_t pid = OK(fork());
	if (!pid)
		_exit(0);
	FAILS(waitpid(pid, NULL, 0), ECHILD);
	EQ(sigchld_seen, 1);
}

TEST(stop_signals_cancel_continue_and_back)
{
	sigset_t mask, pending;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTSTP);
	sigaddset(&mask, SIGCONT);
	OK(sigprocmask(SIG_BLOCK, &mask, NULL));
	signal(SIGCONT, on_sigchld);
	OK(raise(SIGTSTP));
	OK(raise(SIGCONT));
	OK(sigpending(&pending));
	YES(!sigismember(&pending, SIGTSTP));
	YES(sigismember(&pending, SIGCONT));
	OK(raise(SIGTSTP));
	OK(sigpending(&pending));
	YES(sigismember(&pending, SIGTSTP));
	YES(!sigismember(&pending, SIGCONT));
	OK(raise(SIGCONT));
}

/* A stopped child whose group loses its last parent of the session hears SIGHUP and SIGCONT. */
TEST(stopped_orphans_are_hung_up)
{
	int p[2];
	char c = 0;
	OK(pipe(p));
	pid_t middle = OK(fork());
	if (!middle) {
		setpgid(0, 0);
		pid_t child = fork();
		if (!child) {
			setpgid(0, 0);
			sigset_t all;
			sigfillset(&all);
			sigprocmask(SIG_BLOCK, &all, NULL);
			raise(SIGSTOP);
			siginfo_t info;
			sigset_t hup;
			sigemptyset(&hup);
			sigaddset(&hup, SIGHUP);
			c = sigwaitinfo(&hup, &info) == SIGHUP ? 'h' : '?';
			_exit(write(p[1], &c, 1) != 1);
		}
		int status;
		waitpid(child, &status, WUNTRACED);
		_exit(0);
	}
	close(p[1]);
	wait_for(middle, 0);
	EQ(read(p[0], &c, 1), 1);
	EQ(c, 'h');
}

TEST(orphaned_group_does_not_stop_by_tstp)
{
	pid_t pid = OK(fork());
	if (!pid) {
		setsid(); /* nobody of its session is outside */
		raise(SIGTSTP);
		raise(SIGTTIN);
		_exit(5);
	}
	EQ(WEXITSTATUS(wait_for(pid, WUNTRACED)), 5);
}

TEST(sub_reaper_adopts)
{
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	int on = 0;
	OK(prctl(PR_GET_CHILD_SUBREAPER, &on));
	EQ(on, 1);
	pid_t reaper = getpid(), middle = OK(fork());
	if (!middle) {
		if (!fork()) {
			while (getppid() != reaper)
				sched_yield();
			_exit(42);
		}
		_exit(0);
	}
	wait_for(middle, 0);
	int status;
	OK(wait(&status));
	EQ(WEXITSTATUS(status), 42);
}

static int pidfd_open_(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

TEST(pidfd_polls_and_signals)
{
	pid_t pid = paused_child();
	int fd = OK(pidfd_open_(pid, 0));
	struct pollfd p = {fd, POLLIN, 0};
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(poll(&p, 1, 0), 0);
	OK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	FAILS(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x100), EINVAL);
	FAILS(syscall(SYS_pidfd_send_signal, 0, SIGKILL, NULL, 0), EBADF);
	OK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	EQ(poll(&p, 1, 10000), 1);
	EQ(p.revents, POLLIN);
	siginfo_t info = {0};
	OK(waitid((idtype_t)P_PIDFD_TYPE, (id_t)fd, &info, WEXITED));
	EQ(info.si_code, CLD_KILLED);
	EQ(info.si_status, SIGTERM);
	FAILS(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
	FAILS(waitid((idtype_t)P_PIDFD_TYPE, (id_t)fd, &info, WEXITED), ECHILD);
}

TEST(proc_directory_serves_as_pidfd)
{
	pid_t pid = paused_child();
	char name[32];
	snprintf(name, sizeof(name), "/proc/%d", pid);
	int fd = OK(open(name, O_RDONLY | O_DIRECTORY));
	int other = OK(open("/proc", O_RDONLY | O_DIRECTORY));
	FAILS(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0), EBADF);
	OK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	YES(WIFSIGNALED(wait_for(pid, 0)));
	FAILS(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
}

TEST(pidfd_nonblocking_wait_is_eagain)
{
	pid_t pid = paused_child();
	int fd = OK(pidfd_open_(pid, O_NONBLOCK));
	siginfo_t info;
	FAILS(waitid((idtype_t)P_PIDFD_TYPE, (id_t)fd, &info, WEXITED), EAGAIN);
	OK(waitid((idtype_t)P_PIDFD_TYPE, (id_t)fd, &info, WEXITED | WNOHANG));
	end(pid);
	FAILS(pidfd_open_(pid, 0), ESRCH);
	FAILS(pidfd_open_(-1, 0), EINVAL);
	FAILS(pidfd_open_(getpid(), 1), EINVAL);
	FAILS(waitid((idtype_t)P_PIDFD_TYPE, 0, &info, WEXITED), EBADF);
}

TEST(clone_children_need_wall)
{
	pid_t pid = OK((pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0));
	if (!pid)
		_exit(3);
	FAILS(waitpid(pid, NULL, 0), ECHILD);
	int status;
	EQ(waitpid(pid, &status, (int)0x80000000 /* __WCLONE */), pid);
	EQ(WEXITSTATUS(status), 3);
	signal(SIGUSR1, on_sigchld);
	pid = OK((pid_t)syscall(SYS_clone, SIGUSR1, NULL, NULL, NULL, 0));
	if (!pid)
		_exit(4);
	EQ(waitpid(pid, &status, 0x40000000 /* __WALL */), pid);
	EQ(WEXITSTATUS(status), 4);
}

TEST(sigaction_drops_unknown_flags)
{
	struct {
		void (*handler)(int);
		unsigned long flags, restorer, mask;
	} set = {on_sigchld, 0x400 | 0x10000000 | 0x80, 0, ~0ul}, got = {0};
	OK(syscall(SYS_rt_sigaction, SIGUSR2, &set, NULL, 8));
	OK(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &got, 8));
	EQ(got.flags, 0x10000000);
	EQ(got.mask & (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1)), 0);
}

TEST(kernel_codes_cannot_be_forged)
{
	siginfo_t info = {0};
	pid_t pid = paused_child();
	info.si_code = SI_USER;
	FAILS(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_TKILL;
	FAILS(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	info.si_code = SI_QUEUE;
	OK(syscall(SYS_rt_sigqueueinfo, pid, SIGCONT, &info));
	FAILS(syscall(SYS_rt_sigqueueinfo, pid, 65, &info), EINVAL);
	end(pid);
}

TEST(signal_queue_has_a_limit)
{
	struct {
		unsigned long soft, hard;
	} limit = {8, 8};
	OK(setresuid(54321, 54321, 54321)); /* nobody else's signals count */
	OK(syscall(SYS_prlimit64, 0, 11 /* RLIMIT_SIGPENDING */, &limit, NULL));
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGRTMIN + 1);
	sigaddset(&mask, SIGTERM);
	OK(sigprocmask(SIG_BLOCK, &mask, NULL));
	for (int i = 0; i < 8; i++)
		OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}));
	FAILS(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 9}), EAGAIN);
	OK(kill(getpid(), SIGTERM));
	siginfo_t info;
	EQ(sigwaitinfo(&mask, &info), SIGTERM);
	for (int i = 0; i < 8; i++) {
		EQ(sigwaitinfo(&mask, &info), SIGRTMIN + 1);
		EQ(info.si_value.sival_int, i);
	}
	OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 9}));
}
