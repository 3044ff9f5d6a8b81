/* Signals: actions, masks, queueing, restart, alternate stacks, waiting for them (E6). */
#include "harness.h"
#include <pthread.h>
#include <sys/time.h>
#include <ucontext.h>

static siginfo_t last_info;
static int order[64], order_n;
static void note(int number, siginfo_t *info, void *context)
{
	(void)context;
	last_info = *info;
	order[order_n++ % 64] = number;
	signals_seen++;
}
static void on_info(int number, int flags)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
	OK(sigaction(number, &action, NULL));
}
static void block(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
}
static void unblock_all(void)
{
	sigset_t set;
	sigemptyset(&set);
	OK(sigprocmask(SIG_SETMASK, &set, NULL));
}

TEST(handler_runs_before_kill_returns)
{
	on_info(SIGUSR1, 0);
	OK(kill(getpid(), SIGUSR1));
	EQ(signals_seen, 1);
	EQ(last_info.si_signo, SIGUSR1);
	EQ(last_info.si_code, SI_USER);
	EQ(last_info.si_pid, getpid());
	EQ(last_info.si_uid, getuid());
	OK(raise(SIGUSR1));
	EQ(last_info.si_code, SI_TKILL);
}

TEST(action_errors_and_old_action)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART}, old;
	FAILS(sigaction(SIGKILL, &action, NULL), EINVAL);
	FAILS(sigaction(SIGSTOP, &action, NULL), EINVAL);
	FAILS(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
	FAILS(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
	FAILS(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	FAILS(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
	OK(sigaction(SIGKILL, NULL, &old));
	OK(sigaction(SIGUSR1, &action, NULL));
	OK(sigaction(SIGUSR1, NULL, &old));
	YES(old.sa_handler == count_signal);
	YES(old.sa_flags & SA_RESTART);
}

TEST(blocked_signal_waits)
{
	sigset_t pending;
	on_info(SIGUSR1, 0);
	block(SIGUSR1);
	OK(raise(SIGUSR1));
	OK(raise(SIGUSR1));
	EQ(signals_seen, 0);
	OK(sigpending(&pending));
	YES(sigismember(&pending, SIGUSR1));
	unblock_all();
	/* A standard signal is pending once. */
	EQ(signals_seen, 1);
	OK(sigpending(&pending));
	YES(!sigismember(&pending, SIGUSR1));
}

TEST(realtime_signals_queue_in_order)
{
	union sigval value;
	on_info(SIGRTMIN + 2, 0);
	on_info(SIGRTMIN + 1, 0);
	block(SIGRTMIN + 1);
	block(SIGRTMIN + 2);
	for (int i = 0; i < 5; i++) {
		value.sival_int = 100 + i;
		OK(sigqueue(getpid(), SIGRTMIN + 2, value));
	}
	OK(sigqueue(getpid(), SIGRTMIN + 1, value));
	unblock_all();
	EQ(signals_seen, 6);
	EQ(last_info.si_code, SI_QUEUE);
}

TEST(queued_values_come_in_order)
{
	sigset_t set;
	siginfo_t info;
	union sigval value;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 50; i++) {
		value.sival_int = i;
		OK(sigqueue(getpid(), SIGRTMIN, value));
	}
	for (int i = 0; i < 50; i++) {
		EQ(sigwaitinfo(&set, &info), SIGRTMIN);
		EQ(info.si_value.sival_int, i);
	}
	struct timespec none = {0, 0};
	FAILS(sigtimedwait(&set, &info, &none), EAGAIN);
}

TEST(lowest_number_first)
{
	sigset_t set;
	siginfo_t info;
	sigfillset(&set);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	raise(SIGRTMIN + 4);
	raise(SIGUSR2);
	raise(SIGHUP);
	EQ(sigwaitinfo(&set, &info), SIGHUP);
	EQ(sigwaitinfo(&set, &info), SIGUSR2);
	EQ(sigwaitinfo(&set, &info), SIGRTMIN + 4);
}

TEST(mask_during_handler)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	sigaddset(&action.sa_mask, SIGUSR2);
	OK(sigaction(SIGUSR1, &action, NULL));
	on_info(SIGUSR2, 0);
	block(SIGUSR1);
	block(SIGUSR2);
	raise(SIGUSR2);
	raise(SIGUSR1);
	unblock_all();
	EQ(order_n, 2);
	EQ(signals_seen, 2);
}

static void reenter(int number)
{
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	order[order_n++] = sigismember(&now, number);
}

TEST(nodefer_and_resethand)
{
	struct sigaction action = {.sa_handler = reenter}, now;
	OK(sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	EQ(order[0], 1);
	action.sa_flags = SA_NODEFER | (int)SA_RESETHAND;
	OK(sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	EQ(order[1], 0);
	OK(sigaction(SIGUSR1, NULL, &now));
	YES(now.sa_handler == SIG_DFL);
}

static char alternate[65536];
static volatile uintptr_t handler_sp;
static void where(int number)
{
	(void)number;
	handler_sp = (uintptr_t)__builtin_frame_address(0);
}

TEST(alternate_stack)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)}, old;
	OK(sigaltstack(&stack, NULL));
	on_signal(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	YES(handler_sp > (uintptr_t)alternate &&
	    handler_sp <= (uintptr_t)alternate + sizeof(alternate));
	OK(sigaltstack(NULL, &old));
	YES(old.ss_sp == alternate);
	EQ(old.ss_flags, 0);
	stack.ss_size = 100;
	FAILS(sigaltstack(&stack, NULL), ENOMEM);
	stack.ss_flags = 1234;
	FAILS(sigaltstack(&stack, NULL), EINVAL);
}

static void overflow_seen(int number)
{
	(void)number;
	_exit(42);
}
static int recurse(volatile int *depth)
{
	volatile char room[4096];
	room[0] = (char)(*depth)++;
	return *depth > 0 ? recurse(depth) + room[0] : 0;
}

TEST(stack_overflow_is_caught_on_the_alternate_stack)
{
	pid_t pid = spawn();
	if (pid == 0) {
		stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
		int depth = 0;
		sigaltstack(&stack, NULL);
		on_signal(SIGSEGV, overflow_seen, SA_ONSTACK);
		_exit(recurse(&depth));
	}
	EQ(WEXITSTATUS(reap(pid)), 42);
}

static void fix_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	(void)number;
	last_info = *info;
	/* Step over "movb $1, (%rax)", three bytes. */
	user->uc_mcontext.gregs[REG_RIP] += 3;
}

TEST(fault_information_and_context)
{
	struct sigaction action = {.sa_sigaction = fix_fault, .sa_flags = SA_SIGINFO};
	OK(sigaction(SIGSEGV, &action, NULL));
	__asm__ volatile("movb $1, (%%rax)" : : "a"(0x10L) : "memory");
	EQ(last_info.si_code, SEGV_MAPERR);
	EQ((uintptr_t)last_info.si_addr, 0x10);
	char *page = MUST((char *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	__asm__ volatile("movb $1, (%%rax)" : : "a"(page + 5) : "memory");
	EQ(last_info.si_code, SEGV_ACCERR);
	YES((char *)last_info.si_addr == page + 5);
}

TEST(registers_survive_a_handler)
{
	/* Including the floating-point ones, which the handler spoils. */
	double x = 1.5;
	on_info(SIGUSR1, 0);
	long n = 0x123456789abcdef;
	__asm__ volatile("movsd %[x], %%xmm7\n\t"
	                 "mov $62, %%eax\n\t" /* kill(pid, SIGUSR1) */
	                 "syscall\n\t"
	                 "movsd %%xmm7, %[x]"
	                 : [x] "+m"(x), "+b"(n)
	                 : "D"((long)getpid()), "S"((long)SIGUSR1)
	                 : "rax", "rcx", "r11", "xmm7", "memory");
	EQ(signals_seen, 1);
	YES(x == 1.5);
	EQ(n, 0x123456789abcdef);
}

TEST(read_restarts_or_not)
{
	for (int restart = 0; restart < 2; restart++) {
		int p[2];
		pid_t pid;
		OK(pipe(p));
		CHILD(pid)
		{
			char c = 0;
			on_signal(SIGUSR1, count_signal, restart ? SA_RESTART : 0);
			if (restart) {
				EQ(read(p[0], &c, 1), 1);
				EQ(c, 'x');
			} else {
				FAILS(read(p[0], &c, 1), EINTR);
			}
			EQ(signals_seen, 1);
		}
		until_asleep(pid);
		kill(pid, SIGUSR1);
		if (restart) {
			until_asleep(pid);
			OK(write(p[1], "x", 1));
		}
		REAP(pid);
		close(p[0]);
		close(p[1]);
	}
}

TEST(pause_and_sigsuspend)
{
	pid_t pid;
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	block(SIGUSR1);
	CHILD(pid)
	{
		sigset_t none, now;
		sigemptyset(&none);
		kill(getpid(), SIGUSR1);
		EQ(signals_seen, 0);
		FAILS(sigsuspend(&none), EINTR);
		EQ(signals_seen, 1);
		sigprocmask(SIG_BLOCK, NULL, &now);
		YES(sigismember(&now, SIGUSR1));
	}
	REAP(pid);
}

TEST(nanosleep_reports_what_is_left)
{
	pid_t pid;
	CHILD(pid)
	{
		struct timespec time = {100, 0}, left = {0, 0};
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		FAILS(nanosleep(&time, &left), EINTR);
		YES(left.tv_sec >= 90 && left.tv_sec <= 100);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	REAP(pid);
}

TEST(nanosleep_goes_on_after_stop)
{
	/* restart_syscall(2): a stop and a continuation are not an interruption. */
	pid_t pid;
	CHILD(pid)
	{
		struct timespec time = {0, 50000000};
		int64_t start = now_ns();
		OK(nanosleep(&time, NULL));
		YES(now_ns() - start >= 50000000);
	}
	until_asleep(pid);
	int status;
	kill(pid, SIGSTOP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGCONT);
	REAP(pid);
}

TEST(sigtimedwait_times_out_and_is_woken)
{
	sigset_t set;
	struct timespec soon = {0, 20000000}, bad = {0, 1000000000}, late = {60, 0};
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	FAILS(sigtimedwait(&set, NULL, &soon), EAGAIN);
	FAILS(sigtimedwait(&set, NULL, &bad), EINVAL);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		until_asleep(parent);
		kill(parent, SIGUSR1);
	}
	EQ(sigtimedwait(&set, NULL, &late), SIGUSR1);
	REAP(pid);
}

TEST(kill_and_stop_cannot_be_blocked)
{
	sigset_t all, now;
	sigfillset(&all);
	OK(sigprocmask(SIG_SETMASK, &all, NULL));
	OK(sigprocmask(SIG_SETMASK, NULL, &now));
	YES(!sigismember(&now, SIGKILL));
	YES(!sigismember(&now, SIGSTOP));
	YES(sigismember(&now, SIGTERM));
	FAILS(syscall(SYS_rt_sigprocmask, 7, &all, NULL, 8), EINVAL);
	FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 9), EINVAL);
	FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
}

TEST(alarm_and_itimer)
{
	struct itimerval once = {{0, 0}, {0, 10000}}, old;
	sigset_t none;
	sigemptyset(&none);
	on_info(SIGALRM, 0);
	block(SIGALRM);
	EQ(alarm(100), 0);
	YES(alarm(0) >= 99);
	OK(setitimer(ITIMER_REAL, &once, NULL));
	FAILS(sigsuspend(&none), EINTR);
	EQ(signals_seen, 1);
	EQ(last_info.si_code, SI_KERNEL);
	once.it_interval.tv_usec = 5000;
	OK(setitimer(ITIMER_REAL, &once, NULL));
	while (signals_seen < 4)
		FAILS(sigsuspend(&none), EINTR);
	OK(getitimer(ITIMER_REAL, &old));
	EQ(old.it_interval.tv_usec, 5000);
	memset(&once, 0, sizeof(once));
	OK(setitimer(ITIMER_REAL, &once, NULL));
	once.it_value.tv_usec = 1000000;
	FAILS(setitimer(ITIMER_REAL, &once, NULL), EINVAL);
}

TEST(child_signal_information)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t pid = spawn();
	if (pid == 0)
		_exit(6);
	EQ(sigwaitinfo(&set, &info), SIGCHLD);
	EQ(info.si_pid, pid);
	EQ(info.si_code, CLD_EXITED);
	EQ(info.si_status, 6);
	EQ(WEXITSTATUS(reap(pid)), 6);
	pid = spawn();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGKILL);
	EQ(sigwaitinfo(&set, &info), SIGCHLD);
	EQ(info.si_code, CLD_KILLED);
	EQ(info.si_status, SIGKILL);
	reap(pid);
}

static pthread_t threads[2];
static void *thread_catch(void *done)
{
	sigset_t set;
	int number = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &number);
	*(volatile int *)done = number;
	return NULL;
}

TEST(signal_to_one_thread)
{
	static volatile int done[2];
	block(SIGUSR1);
	for (int i = 0; i < 2; i++)
		EQ(pthread_create(&threads[i], NULL, thread_catch, (void *)&done[i]), 0);
	EQ(pthread_kill(threads[1], SIGUSR1), 0);
	EQ(pthread_join(threads[1], NULL), 0);
	EQ(done[1], SIGUSR1);
	EQ(done[0], 0);
	/* To the process: the one that waits takes it. */
	OK(kill(getpid(), SIGUSR1));
	EQ(pthread_join(threads[0], NULL), 0);
	EQ(done[0], SIGUSR1);
}

static void *thread_sleep(void *out_tid)
{
	atomic_store((_Atomic pid_t *)out_tid, (pid_t)syscall(SYS_gettid));
	while (pause())
		;
	return NULL;
}

TEST(a_thread_number_names_its_process)
{
	static _Atomic pid_t out_tid;
	siginfo_t info = {.si_code = SI_QUEUE};
	pid_t tid, nobody = 0x3fffffff;
	sigset_t set;
	block(SIGUSR1);
	EQ(pthread_create(&threads[0], NULL, thread_sleep, &out_tid), 0);
	UNTIL((tid = atomic_load(&out_tid)) != 0);
	EQ(getpgid(tid), getpgrp());
	EQ(getsid(tid), getsid(0));
	FAILS(setpgid(tid, 0), EINVAL);
	/* Not the thread's own: the process has it. */
	OK(kill(tid, SIGUSR1));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	EQ(sigwaitinfo(&set, &info), SIGUSR1);
	EQ(info.si_code, SI_USER);
	info = (siginfo_t){.si_code = SI_QUEUE};
	OK(syscall(SYS_rt_sigqueueinfo, tid, SIGUSR1, &info));
	EQ(sigwaitinfo(&set, &info), SIGUSR1);
	/* Who is asked for first, what for second. */
	FAILS(kill(tid, 99), EINVAL);
	FAILS(kill(nobody, 99), ESRCH);
	FAILS(kill(-nobody, 99), ESRCH);
	FAILS(syscall(SYS_tgkill, getpid(), tid, 99), EINVAL);
	FAILS(syscall(SYS_tgkill, getpid(), nobody, 99), ESRCH);
	FAILS(syscall(SYS_rt_sigqueueinfo, tid, 99, &info), EINVAL);
	FAILS(syscall(SYS_rt_sigqueueinfo, nobody, 99, &info), ESRCH);
	FAILS(syscall(SYS_rt_sigqueueinfo, 0, 0, &info), ESRCH);
	/* The codes of kill(2) are for the caller itself. */
	info.si_code = SI_USER;
	OK(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info));
	FAILS(syscall(SYS_rt_sigqueueinfo, tid, 0, &info), EPERM);
	FAILS(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, 0, &info), EPERM);
}

TEST(kill_ends_every_thread)
{
	pid_t pid = spawn();
	if (pid == 0) {
		static volatile int done[2];
		block(SIGUSR1);
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, thread_catch, (void *)&done[i]);
		for (;;)
			pause();
	}
	UNTIL(state_of(pid) == 'S');
	kill(pid, SIGKILL);
	EQ(reap(pid), SIGKILL);
}
