/*
 * Wild arguments (K3): every system call with bad pointers, sizes, ids and flags, in children that may
 * die of it. What is checked is that the kernel stays: that it answers, and that an ordinary life goes
 * on beside it. The generator has fixed seeds: a crash can be repeated.
 */
#include "sem.h"
#include <sys/resource.h>
#include <sys/time.h>

enum { SYSCALLS = 462, ROUNDS = 12 };

static uint64_t state;
static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static char *pages; /* one page that can be read and written, one only read, one neither, a hole */
static long wild(void)
{
	static const long edges[] = {0,
	                             1,
	                             -1,
	                             2,
	                             7,
	                             8,
	                             63,
	                             64,
	                             255,
	                             256,
	                             4095,
	                             4096,
	                             4097,
	                             65535,
	                             65536,
	                             0x7fffffff,
	                             0x80000000,
	                             0xffffffff,
	                             LONG_MAX,
	                             LONG_MIN,
	                             (long)0x7ffffffff000,
	                             (long)0x7fffffffffff,
	                             (long)0x800000000000,
	                             (long)0xffff800000000000,
	                             (long)0xffffffff80000000,
	                             -4096,
	                             -4095,
	                             -2};
	switch (draw() % 8) {
	case 0: return (long)draw();
	case 1: return (long)(draw() % 16);
	case 2: return (long)(pages + draw() % 4096);
	case 3: return (long)(pages + 4096 - draw() % 16);
	case 4: return (long)(pages + draw() % (4 * 4096));
	case 5: return (long)1 << draw() % 64;
	default: return edges[draw() % (sizeof(edges) / sizeof(*edges))];
	}
}

/*
 * What would end, stop or unhinge the whole test rather than try the kernel; by number what musl does
 * not name: finit_module, renameat2, kexec_file_load, execveat, pidfd_send_signal, io_uring, the new
 * mount calls, clone3, landlock.
 */
static int excluded(long n)
{
	/* clang-format off */
	static const long calls[] = {
		SYS_exit, SYS_exit_group, SYS_fork, SYS_vfork, SYS_clone, 435, SYS_execve, 322,
		SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
		SYS_pause, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_wait4, SYS_waitid,
		SYS_rt_sigreturn, SYS_setsid, SYS_setpgid, SYS_vhangup, SYS_ptrace, SYS_chroot,
		SYS_pivot_root, SYS_mount, SYS_umount2, SYS_swapon, SYS_swapoff, SYS_settimeofday,
		SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname,
		SYS_init_module, SYS_delete_module, 313, SYS_kexec_load, 320, SYS_iopl, SYS_ioperm,
		SYS_syslog, SYS_acct, SYS_quotactl, SYS_unlink, SYS_rmdir, SYS_rename, SYS_truncate,
		SYS_fanotify_init, 424, SYS_setrlimit, SYS_prlimit64, SYS_prctl, SYS_setpriority,
		SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_unlinkat,
		SYS_renameat, 316, SYS_sync, SYS_syncfs, SYS_ioctl, SYS_seccomp, SYS_sched_setaffinity,
		SYS_setns, SYS_unshare, 425, 426, 427, SYS_bpf, SYS_userfaultfd, SYS_perf_event_open,
		428, 429, 430, 431, 432, 442, SYS_munlockall, SYS_mlockall, 444, 445, 446
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i] == n)
			return 1;
	return 0;
}

static void storm(long first, long last, uint64_t seed)
{
	struct rlimit memory = {512 << 20, 512 << 20}, files = {256, 256}, none = {0, 0};
	pages = MUST((char *)mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE,
	                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (int i = 0; i < 2 * 4096; i++)
		pages[i] = (char)(i * 7);
	MUST(mprotect(pages + 4096, 4096, PROT_READ));
	MUST(mprotect(pages + 2 * 4096, 4096, PROT_NONE));
	MUST(munmap(pages + 3 * 4096, 4096));
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	/* A call may wait for ever; then the timer ends this child, and that is fine. */
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 400000}}, NULL);
	state = seed * 0x9e3779b97f4a7c15 + 1;
	for (long n = first; n < last; n++)
		for (int round = 0; round < ROUNDS; round++)
			if (!excluded(n))
				syscall(n, wild(), wild(), wild(), wild(), wild(), wild());
	_exit(0);
}

static void all_calls(uint64_t seed, uid_t user)
{
	/* In pieces, so that a call that blocks or kills its child costs its neighbours little. */
	for (long first = 0; first < SYSCALLS; first += 6) {
		pid_t pid = spawn();
		if (pid == 0) {
			setpgid(0, 0);
			own_namespace();
			if (chdir("/dev/shm") == 0 && user)
				MUST(setresuid(user, user, user));
			storm(first, first + 6 < SYSCALLS ? first + 6 : SYSCALLS,
			      seed + (uint64_t)first);
		}
		reap(pid);
	}
	int p[2];
	sets_still_serve();
	OK(pipe(p));
	EQ(write(p[1], "x", 1), 1);
}

TEST(every_call_as_an_ordinary_user_1)
{
	all_calls(1, 65533);
}
TEST(every_call_as_an_ordinary_user_2)
{
	all_calls(2, 65533);
}

TEST(unknown_calls_are_enosys)
{
	for (long n = 500; n < 600; n++)
		FAILS(syscall(n, 0, 0, 0, 0, 0, 0), ENOSYS);
	FAILS(syscall(-1L), ENOSYS);
	FAILS(syscall(0x7fffffffL), ENOSYS);
	FAILS(syscall(0xffffffffL), ENOSYS);
}

TEST(semaphore_calls_with_wild_arguments)
{
	own_namespace();
	int id = sem_new(3);
	pid_t pid;
	pages = MUST((char *)mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE,
	                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MUST(munmap(pages + 3 * 4096, 4096));
	CHILD(pid)
	{
		for (uint64_t seed = 1; seed < 4; seed++) {
			state = seed;
			for (int i = 0; i < 3000; i++) {
				long set = draw() % 2 ? id : wild();
				switch (draw() % 3) {
				case 0: {
					struct timespec now = {0, 0};
					syscall(SYS_semtimedop, set, wild(), wild(), &now);
					break;
				}
				case 1:
					syscall(SYS_semctl, set, wild(),
					        wild() & ~IPC_RMID ? wild() : 2, wild());
					break;
				case 2: syscall(SYS_semget, wild(), wild() % 100, wild()); break;
				}
			}
		}
	}
	reap(pid);
	EQ(MUST(semget(IPC_PRIVATE, 1, 0600)) >= 0, 1);
}

TEST(wild_operations_keep_values_in_range)
{
	own_namespace();
	enum { N = 5 };
	int id = sem_new(N);
	state = 4242;
	for (int i = 0; i < 5000; i++) {
		struct sembuf ops[4];
		int n = 1 + (int)(draw() % 4);
		for (int k = 0; k < n; k++) {
			ops[k].sem_num = (unsigned short)(draw() % (N + 1));
			ops[k].sem_op = (short)draw();
			ops[k].sem_flg = (short)(IPC_NOWAIT | (draw() % 2 ? SEM_UNDO : 0));
		}
		if (semop(id, ops, (size_t)n) == -1)
			YES(errno == EAGAIN || errno == ERANGE || errno == EFBIG);
		for (int k = 0; k < N; k++) {
			int v = val(id, k);
			YES(v >= 0 && v <= 32767);
		}
	}
}

TEST(fork_bomb_inside_its_limit)
{
	pid_t pid = spawn();
	if (pid == 0) {
		struct rlimit limit = {60, 60};
		setpgid(0, 0);
		MUST(setresuid(65532, 65532, 65532));
		MUST(setrlimit(RLIMIT_NPROC, &limit));
		alarm(1);
		for (;;)
			fork();
	}
	reap(pid);
	kill(-pid, SIGKILL);
	CHILD(pid) {}
	REAP(pid);
}

TEST(memory_exhaustion_inside_its_limit)
{
	pid_t pids[4];
	for (int i = 0; i < 4; i++) {
		pids[i] = spawn();
		if (pids[i] == 0) {
			struct rlimit limit = {48 << 20, 48 << 20};
			MUST(setrlimit(RLIMIT_AS, &limit));
			size_t got = 0;
			for (char *p; (p = malloc(1 << 16)); got += 1 << 16)
				memset(p, 1, 1 << 16);
			_exit(errno == ENOMEM && got > 16 << 20 ? 0 : 1);
		}
	}
	for (int i = 0; i < 4; i++)
		REAP(pids[i]);
}

TEST(wild_jumps)
{
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	static const uintptr_t targets[] = {0,
	                                    8,
	                                    0x400000 - 4096,
	                                    0x7ffffffff000,
	                                    0x800000000000,
	                                    0xffff800000000000,
	                                    0xffffffff80100000,
	                                    UINTPTR_MAX};
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		pid_t pid = spawn();
		if (pid == 0)
			((void (*)(void))targets[i])();
		EQ(reap(pid), SIGSEGV);
	}
}

TEST(wild_stack_pointers_and_flags)
{
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	for (int i = 0; i < 5; i++) {
		pid_t pid = spawn();
		if (pid == 0) {
			on_signal(SIGUSR1, count_signal, 0);
			long number = SYS_kill, self = getpid(), signal_number = SIGUSR1;
			/* A signal is delivered while the stack pointer is nonsense. */
			static const uintptr_t stacks[] = {0, 8, 0x800000000000, 0xffffffff80000000,
			                                   UINTPTR_MAX};
			__asm__ volatile("mov %0, %%rsp; syscall; hlt"
			                 :
			                 : "r"(stacks[i]), "a"(number), "D"(self),
			                   "S"(signal_number)
			                 : "rcx", "r11", "memory");
		}
		EQ(reap(pid), SIGSEGV);
	}
	/* Direction, alignment check, trap and nested-task flags set on entry. */
	static const unsigned long flags[] = {0x400, 0x40000, 0x4000};
	for (int i = 0; i < 3; i++) {
		pid_t pid = spawn();
		if (pid == 0) {
			__asm__ volatile(
				"pushfq; orq %0, (%%rsp); popfq; mov $39, %%eax; syscall; cld; "
				"pushfq; andq $~0x44000, (%%rsp); popfq"
				:
				: "r"(flags[i])
				: "rax", "rcx", "r11", "memory", "cc");
			_exit(0);
		}
		REAP(pid);
	}
}
