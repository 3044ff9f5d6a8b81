/*
 * A storm of system calls: processes of four threads each share memory, descriptors and IPC objects, and call whatever there
 * is with arguments that are half sensible, all at once, until they are killed. What single calls with wild arguments
 * (fuzz.c) cannot find is found here: descriptors closed while they are read, mappings changed under a copy, objects removed
 * under a sleeper, threads killed anywhere. What is checked is that the kernel stays, that everybody can be killed and
 * reaped, and, on a debug image, that nothing has leaked at power-off.
 *
 * By hand, for longer and elsewhere: SEED=7 SECONDS=60 STORMERS=8 call_storm. The draws of a thread depend on the seed alone;
 * what the threads do to one another does not.
 */
#include "sem.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

enum {
	CALLS = 462,
	THREADS = 4,
	PAGE = 4096,
	OWN = 4 * PAGE, /* bytes that are there; a page behind them is not */
	PLAYGROUND = 8, /* page from which mappings come and go */
	AREA_PAGES = 48,
	THINGS = 64,
	FIRST_USER = 61000,
};

static __thread uint64_t state;
static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static char *area;
/* Descriptors, ids, pids: what calls gave, and what is there at the beginning. */
static long things[THINGS];
static const struct timespec short_time = {0, 1000};

/* clang-format off */
static const char *const names[] = {
	"a", "b", "d/a", "d/..", ".", "", "pipe", "link", "/proc/self/fd/3", "/proc/self/exe",
	"/dev/null", "/dev/zero", "/proc/self/stat", "/proc/self/mem", "/proc/self/maps",
	"/proc/self/ns/ipc", "/proc/self/task", "/proc/sysvipc/sem", "/dev/ptmx", "queue",
	"/dev/mqueue/queue", "/dev/shm/s"
};
/* clang-format on */

static long argument(void)
{
	switch (draw() % 16) {
	case 0: return (long)draw();
	case 1: return -1;
	case 2: return 0;
	case 3: return (long)(draw() % 16);
	case 4: return (long)names[draw() % (sizeof names / sizeof *names)];
	case 5:
	case 6: return (long)(area + draw() % OWN);
	case 7: return (long)(area + draw() % OWN / 8 * 8);
	case 8: return (long)(area + OWN - draw() % 24);
	case 9: return 1l << draw() % 64;
	case 10: return (long)(draw() % 64);
	case 11:
	case 12: return things[draw() % THINGS];
	case 13: return (long)(draw() % 4096);
	case 14: return -(long)(draw() % 200);
	default: return (long)(draw() % 32);
	}
}

/* What would end or unhinge the storm itself, or reach beyond it. By number what musl does not name: execveat, finit_module,
 * kexec_file_load, pidfd_send_signal, io_uring, the new mount calls, clone3. */
/* clang-format off */
static const short forbidden[] = {
	SYS_exit, SYS_exit_group, SYS_fork, SYS_vfork, 435, SYS_execve, 322, SYS_rt_sigreturn,
	SYS_rt_sigaction, SYS_rt_sigsuspend, SYS_pause, SYS_reboot, SYS_kill, SYS_tkill,
	SYS_rt_sigqueueinfo, 424, SYS_alarm, SYS_setitimer, SYS_setsid, SYS_setpgid, SYS_vhangup,
	SYS_ptrace, SYS_chroot, SYS_chdir, SYS_fchdir, SYS_pivot_root, SYS_mount, SYS_umount2,
	SYS_swapon, SYS_swapoff,
	SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname,
	SYS_setdomainname, SYS_init_module, SYS_delete_module, 313, SYS_kexec_load, 320,
	SYS_syslog, SYS_acct, SYS_quotactl, SYS_prlimit64, SYS_setrlimit, SYS_prctl,
	SYS_arch_prctl, SYS_seccomp, SYS_sync, SYS_set_robust_list, SYS_set_tid_address,
	SYS_nanosleep, SYS_clock_nanosleep, SYS_semop, SYS_brk, SYS_bpf, SYS_userfaultfd,
	SYS_perf_event_open, 425, 426, 427, 428, 429, 430, 431, 432, 442, SYS_mlockall,
	SYS_select, SYS_sched_setscheduler, SYS_sched_setattr, SYS_sched_setparam,
	SYS_setpriority, SYS_fanotify_init
};
/* clang-format on */

/* How an argument is made harmless: nobody sleeps for long, and nobody pulls his own ground away. */
enum taming {
	BELOW,   /* modulo the value */
	WITH,    /* these bits are set */
	WITHOUT, /* these are not */
	IS,      /* the value itself */
	SOON,    /* the address of a short time-out */
	MINE,    /* the process itself */
	OPENED,  /* a descriptor that was opened here */
	PLACE,   /* an address of the playground, or 0 */
	PAGES    /* up to so many pages */
};
static const struct rule {
	short call;
	char argument, how;
	long value;
} rules[] = {
	{SYS_poll, 1, BELOW, 32},
	{SYS_poll, 2, BELOW, 3},
	{SYS_ppoll, 1, BELOW, 32},
	{SYS_ppoll, 2, SOON, 0},
	{SYS_pselect6, 0, BELOW, 64},
	{SYS_pselect6, 4, SOON, 0},
	{SYS_epoll_wait, 3, BELOW, 3},
	{SYS_epoll_pwait, 3, BELOW, 3},
	{441 /* epoll_pwait2 */, 3, SOON, 0},
	{449 /* futex_waitv */, 3, SOON, 0},
	{SYS_rt_sigtimedwait, 2, SOON, 0},
	{SYS_io_getevents, 4, SOON, 0},
	{SYS_semtimedop, 2, BELOW, 64},
	{SYS_semtimedop, 3, SOON, 0},
	{SYS_mq_timedsend, 4, SOON, 0},
	{SYS_mq_timedreceive, 4, SOON, 0},
	{SYS_msgsnd, 3, WITH, IPC_NOWAIT},
	{SYS_msgrcv, 4, WITH, IPC_NOWAIT},
	{SYS_wait4, 2, IS, WNOHANG},
	{SYS_waitid, 3, WITH, WNOHANG},
	{SYS_flock, 1, WITH, LOCK_NB},
	{SYS_open, 1, WITH, O_NONBLOCK},
	{SYS_openat, 2, WITH, O_NONBLOCK},
	{SYS_recvfrom, 3, WITH, MSG_DONTWAIT},
	{SYS_recvmsg, 2, WITH, MSG_DONTWAIT},
	{SYS_splice, 4, BELOW, 65536},
	{SYS_splice, 5, WITH, SPLICE_F_NONBLOCK},
	{SYS_tee, 2, BELOW, 65536},
	{SYS_tee, 3, WITH, SPLICE_F_NONBLOCK},
	{SYS_vmsplice, 2, BELOW, 64},
	{SYS_vmsplice, 3, WITH, SPLICE_F_NONBLOCK},
	{SYS_read, 2, BELOW, 65536},
	{SYS_write, 0, OPENED, 0},
	{SYS_write, 2, BELOW, 65536},
	{SYS_pwrite64, 3, BELOW, 1000000},
	{SYS_sendfile, 3, BELOW, 100000},
	{326 /* copy_file_range */, 4, BELOW, 100000},
	{SYS_fallocate, 2, BELOW, 1000000},
	{SYS_fallocate, 3, BELOW, 1000000},
	{SYS_ftruncate, 1, BELOW, 1000000},
	{SYS_truncate, 1, BELOW, 1000000},
	{SYS_getrandom, 1, BELOW, 70000},
	{SYS_close, 0, OPENED, 0},
	{SYS_dup2, 1, BELOW, 100},
	{SYS_dup2, 1, OPENED, 0},
	{SYS_dup3, 1, BELOW, 100},
	{SYS_dup3, 1, OPENED, 0},
	{SYS_mmap, 0, PLACE, 0},
	{SYS_mmap, 1, PAGES, 16},
	{SYS_munmap, 0, PLACE, 0},
	{SYS_munmap, 1, PAGES, 5},
	{SYS_mprotect, 0, PLACE, 0},
	{SYS_mprotect, 1, PAGES, 5},
	{SYS_madvise, 0, PLACE, 0},
	{SYS_madvise, 1, PAGES, 5},
	{SYS_mremap, 0, PLACE, 0},
	{SYS_mremap, 1, PAGES, 5},
	{SYS_mremap, 2, PAGES, 8},
	{SYS_mremap, 4, PLACE, 0},
	{SYS_remap_file_pages, 0, PLACE, 0},
	{SYS_remap_file_pages, 1, PAGES, 5},
	{329 /* pkey_mprotect */, 0, PLACE, 0},
	{329, 1, PAGES, 5},
	{SYS_shmat, 1, PLACE, 0},
	{SYS_tgkill, 0, MINE, 0},
	{SYS_tgkill, 2, BELOW, 9},
	{SYS_rt_tgsigqueueinfo, 0, MINE, 0},
	{SYS_rt_tgsigqueueinfo, 2, BELOW, 9},
	{SYS_unshare, 0, BELOW, 0x20000}, /* CLONE_FS, CLONE_FILES: no namespaces */
	{SYS_umask, 0, IS, 022},
};

static long tame(const struct rule *r, long v)
{
	switch ((enum taming)r->how) {
	case BELOW: return (long)((uint64_t)v % (uint64_t)r->value);
	case WITH: return v | r->value;
	case WITHOUT: return v & ~r->value;
	case IS: return r->value;
	case SOON: return (long)&short_time;
	case MINE: return getpid();
	case OPENED: return v >= 0 && v < 3 ? 3 : v;
	case PLACE:
		return draw() % 4 ? (long)(area +
		                           (PLAYGROUND + draw() % (AREA_PAGES - PLAYGROUND)) * PAGE)
		                  : 0;
	case PAGES: return (long)(draw() % (uint64_t)r->value * PAGE);
	}
	return v;
}

/* Half of the calls of futex(2) have words that others use, too, and values that fit. */
static void aim_at_futex(long v[6])
{
	if (draw() % 2)
		return;
	v[0] = (long)(area + draw() % 64 * 4);
	v[1] &= 0x1ff;
	v[2] %= 3;
	v[4] = (long)(area + draw() % 64 * 4);
	v[5] %= 3;
}

/* A child that ends at once, sharing whatever the flags say but its memory. */
static void clone_briefly(void)
{
	static const unsigned long never = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD |
	                                   CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
	                                   CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
	                                   CLONE_NEWNET | CLONE_SETTLS;
	unsigned long flags = (draw() & 0xffffff00 & ~never) | SIGCHLD;
	if (syscall(SYS_clone, flags, 0, argument(), argument(), 0) == 0)
		syscall(SYS_exit_group, 0);
}

static void call_once(void)
{
	long n = (long)(draw() % CALLS), v[6];
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
		if (forbidden[i] == n)
			return;
	for (int i = 0; i < 6; i++)
		v[i] = argument();
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].call == n)
			v[(int)rules[i].argument] = tame(&rules[i], v[(int)rules[i].argument]);
	if (n == SYS_futex)
		aim_at_futex(v);
	if (n == SYS_futex && draw() % 2)
		v[3] = (long)&short_time;
	if (n == SYS_clone) {
		clone_briefly();
		return;
	}
	if (n == 436 && draw() % 30) /* close_range(2) */
		return;
	long result = syscall(n, v[0], v[1], v[2], v[3], v[4], v[5]);
	if (result > 2)
		things[draw() % THINGS] = result;
}

static void *stormer(void *seed)
{
	state = (uintptr_t)seed * 0x9e3779b97f4a7c15 + 1;
	for (;;) {
		if (draw() % 50 == 0) /* what structures in memory say */
			for (int i = 0; i < 64; i++)
				((long *)area)[draw() % (OWN / 8)] =
					draw() % 4 ? argument() : (long)(draw() % 100);
		call_once();
	}
	return NULL;
}

static void things_make(void)
{
	int p[2], s[2], n = 0;
	sigset_t user;
	sigemptyset(&user);
	sigaddset(&user, SIGUSR1);
	if (pipe2(p, O_NONBLOCK) == 0)
		things[n++] = p[0], things[n++] = p[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0)
		things[n++] = s[0], things[n++] = s[1];
	const long made[] = {eventfd(0, EFD_NONBLOCK),
	                     timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK),
	                     signalfd(-1, &user, SFD_NONBLOCK),
	                     open("a", O_CREAT | O_RDWR | O_NONBLOCK, 0666),
	                     open(".", O_RDONLY),
	                     open("pipe", O_RDWR | O_NONBLOCK),
	                     open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK),
	                     syscall(SYS_memfd_create, "m", 3),
	                     syscall(SYS_epoll_create1, 0),
	                     syscall(434 /* pidfd_open */, getpid(), 0),
	                     socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0),
	                     syscall(SYS_mq_open, "queue", O_CREAT | O_RDWR | O_NONBLOCK, 0666, 0),
	                     semget(IPC_PRIVATE, 4, 0666),
	                     msgget(IPC_PRIVATE, 0666),
	                     shmget(IPC_PRIVATE, 65536, 0666),
	                     getpid()};
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		things[n++] = made[i];
	while (n < THINGS)
		things[n++] = 3 + (long)(draw() % 40);
}

static void limits_set(void)
{
	const struct {
		int which;
		rlim_t value;
	} limits[] = {{RLIMIT_AS, 300 << 20},
	              {RLIMIT_NPROC, 200},
	              {RLIMIT_NOFILE, 128},
	              {RLIMIT_CORE, 0},
	              {RLIMIT_FSIZE, 4 << 20}};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit l = {limits[i].value, limits[i].value};
		MUST(setrlimit(limits[i].which, &l));
	}
}

/* One process of the storm: never returns. */
static void storm(uint64_t seed, uid_t user)
{
	pthread_t thread;
	setpgid(0, 0);
	state = seed * 0x9e3779b97f4a7c15 + 1;
	area = mmap(NULL, AREA_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	            0);
	MUST(mprotect(area + OWN, PAGE, PROT_NONE));
	for (int s = 1; s < 65; s++)
		if (s != SIGKILL && s != SIGSEGV && s != SIGBUS)
			signal(s, SIG_IGN);
	MUST(setresgid(user, user, user));
	MUST(setresuid(user, user, user));
	limits_set();
	things_make();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	for (uintptr_t i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, stormer, (void *)(uintptr_t)(seed * THREADS + i));
	stormer((void *)(uintptr_t)(seed * THREADS));
}

static long setting(const char *name, long otherwise)
{
	const char *text = getenv(name);
	return text ? atol(text) : otherwise;
}

static void storm_for(uint64_t seed, int ms)
{
	enum { MOST = 64 };
	pid_t pids[MOST];
	int count = (int)setting("STORMERS", 4);
	count = count < MOST ? count : MOST;
	for (int i = 0; i < count; i++) {
		pids[i] = spawn();
		if (pids[i] == 0)
			storm(seed * MOST + (uint64_t)i, FIRST_USER + (uid_t)i);
	}
	poll(NULL, 0, ms); /* how long it lasts: nothing is waited for */
	for (int i = 0; i < count; i++) {
		kill(-pids[i], SIGKILL);
		kill(pids[i], SIGKILL);
		reap(pids[i]);
	}
}

TEST(everything_at_once)
{
	uint64_t seed = (uint64_t)setting("SEED", 1);
	long seconds = setting("SECONDS", 1);
	char place[] = "/dev/shm/stormXXXXXX", command[64];
	printf("# SEED=%llu SECONDS=%ld\n", (unsigned long long)seed, seconds);
	fflush(stdout);
	own_namespace();
	YES(mkdtemp(place) != NULL);
	MUST(chmod(place, 0777));
	MUST(chdir(place));
	MUST(mkdir("d", 0777));
	MUST(mkfifo("pipe", 0666));
	MUST(symlink("a", "link"));
	for (long s = 0; s < seconds; s++)
		storm_for(seed + (uint64_t)s, 1000);
	sets_still_serve();
	MUST(chdir("/"));
	snprintf(command, sizeof command, "rm -rf %s", place);
	EQ(system(command), 0);
}
