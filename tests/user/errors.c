/* Corners that come up when system calls are tried with all combinations of bad arguments: which error comes first, and what
 * happens beside it. */
#include "harness.h"
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>

/* What Linux has changed since 6.1, whose ways are Halyard's, is not asked of a newer one. */
static int is_newer_linux(void)
{
	struct utsname u;
	int major = 0, minor = 0;
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major * 1000 + minor > 6001 && !strstr(u.version, "Halyard");
}

#define NOWHERE ((void *)0x8ul)
enum { PAGE = 4096 };
enum { WAIT = 0, WAKE = 1, WAKE_OP = 5, WAIT_BITSET = 9, PRIVATE = 128 };
enum { NO_SUCH_OPERATION = 0x50001001 };

TEST(event_descriptors_have_no_normal_data)
{
	struct pollfd one = {OK(eventfd(1, 0)), -1, 0};
	EQ(poll(&one, 1, 0), 1);
	EQ(one.revents, POLLIN | POLLOUT);
	close(one.fd);
}

/* Files whose driver knows no vectors are read and written a piece at a time. */
TEST(vectors_in_pieces)
{
	static uint64_t value = 1, ticks[2];
	struct iovec halves[2] = {{&value, 4}, {(char *)&value + 4, 4}},
		     pair[2] = {{&value, 8}, {&value, 8}},
		     in_halves[2] = {{ticks, 4}, {(char *)ticks + 4, 4}};
	int e = OK(eventfd(0, EFD_NONBLOCK)), t = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	const struct itimerspec soon = {{0, 0}, {0, 1}};

	FAILS(writev(e, halves, 2), EINVAL);
	EQ(writev(e, pair, 2), 16);
	EQ(read(e, ticks, 8), 8);
	EQ(ticks[0], 2);
	OK(timerfd_settime(t, 0, &soon, NULL));
	if (!is_newer_linux())
		FAILS(readv(t, in_halves, 2), EINVAL);
	close(e);
	close(t);
}

static void interrupt_often(int us)
{
	struct itimerval every = {{0, us}, {0, us}};
	on_signal(SIGALRM, count_signal, 0);
	OK(setitimer(ITIMER_REAL, &every, NULL));
}

/* A timer that is set to go off in centuries holds up nobody. */
TEST(timerfd_in_centuries)
{
	const struct itimerspec centuries = {{0, 0}, {LONG_MAX, 0}};
	const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
	uint64_t ticks;

	interrupt_often(5000);
	for (unsigned i = 0; i < 4; i++) {
		int t = OK(timerfd_create(clocks[i / 2], 0));
		OK(timerfd_settime(t, i % 2 ? TFD_TIMER_ABSTIME : 0, &centuries, NULL));
		FAILS(read(t, &ticks, 8), EINTR);
		struct pollfd one = {t, POLLIN, 0};
		FAILS(poll(&one, 1, -1), EINTR);
		close(t);
	}
	interrupt_often(0);
}

/* A sleep until the processor has worked for centuries. */
TEST(processor_time_in_centuries)
{
	const struct timespec centuries = {LONG_MAX, 0};

	interrupt_often(5000);
	EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &centuries, NULL), EINTR);
	interrupt_often(0);
}

TEST(signalfd_reads_the_set_first)
{
	sigset_t set;
	sigemptyset(&set);
	FAILS(syscall(SYS_signalfd4, -1, NOWHERE, 8, 1), EFAULT);
	FAILS(syscall(SYS_signalfd4, -1, NOWHERE, 4, 1), EINVAL);
	FAILS(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
}

TEST(pipe_sizes_that_do_not_exist)
{
	int p[2];
	FAILS(syscall(SYS_pipe2, p, 0200 | 1), EINVAL);
	OK(pipe(p));
	if (!is_newer_linux()) {
		FAILS(fcntl(p[0], F_SETPIPE_SZ, 1ul << 32), EINVAL);
		FAILS(fcntl(p[0], F_SETPIPE_SZ, (1ul << 31) + 1), EINVAL);
	}
	/* More than a user without privileges may have, or than the table of pages may take. */
	EQ(fcntl(p[0], F_SETPIPE_SZ, INT_MAX), -1);
	YES(errno == EPERM || errno == ENOMEM);
	EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	close(p[0]);
	close(p[1]);
}

TEST(splice_asks_for_no_more_than_fits)
{
	int p[2], f = OK(memfd_create("f", 0)), null = OK(open("/dev/null", O_RDWR));
	OK(pipe(p));
	EQ(write(f, "0123456789", 10), 10);
	OK(lseek(f, 0, SEEK_SET));
	FAILS(splice(null, NULL, p[1], NULL, 3, 0), EINVAL);
	FAILS(sendfile(p[1], null, NULL, 3), EINVAL);
	EQ(splice(f, NULL, p[1], NULL, is_newer_linux() ? PAGE : (size_t)-1, 0), 10);
	FAILS(splice(p[0], NULL, f, NULL, (size_t)-1, 0), EINVAL);
	EQ(splice(p[0], NULL, null, NULL, 10, 0), 10);
	close(f);
	close(null);
	close(p[0]);
	close(p[1]);
}

/* A sealed size: the page that would grow is refused whole. */
TEST(a_write_beyond_a_sealed_size)
{
	static char bytes[3 * PAGE];
	int f = OK(memfd_create("f", MFD_ALLOW_SEALING)), p[2];
	OK(pipe(p));
	FAILS(fcntl(p[0], F_ADD_SEALS, F_SEAL_GROW), EPERM);
	FAILS(fcntl(p[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL);
	OK(ftruncate(f, PAGE + 10));
	OK(fcntl(f, F_ADD_SEALS, F_SEAL_GROW));
	FAILS(pwrite(f, bytes, 20, PAGE), EPERM);
	FAILS(pwrite(f, bytes, 20, PAGE + 5), EPERM);
	EQ(pwrite(f, bytes, 10, PAGE), 10);
	EQ(pwrite(f, bytes, sizeof bytes, 0), PAGE);
	EQ(pwrite(f, bytes, sizeof bytes, 100), PAGE - 100);
	close(f);
	close(p[0]);
	close(p[1]);
}

TEST(what_nobody_can_write_is_no_futex)
{
	int *word = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	YES(word != MAP_FAILED);
	FAILS(syscall(SYS_futex, word, WAKE, 1, NULL, NULL, 0), EFAULT);
	EQ(syscall(SYS_futex, word, WAKE | PRIVATE, 1, NULL, NULL, 0), 0);
	FAILS(syscall(SYS_futex, word, WAIT, 1, NULL, NULL, 0), EFAULT);
	FAILS(syscall(SYS_futex, word, WAIT | PRIVATE, 1, NULL, NULL, 0), EAGAIN);
	OK(mprotect(word, PAGE, PROT_READ | PROT_WRITE));
	EQ(syscall(SYS_futex, word, WAKE, 1, NULL, NULL, 0), 0);
	OK(munmap(word, PAGE));
}

TEST(an_operation_that_does_not_exist)
{
	int word = 0;
	FAILS(syscall(SYS_futex, &word, WAKE_OP | PRIVATE, 1, 1, NOWHERE - 4, NO_SUCH_OPERATION),
	      ENOSYS);
	FAILS(syscall(SYS_futex, &word, WAKE_OP | PRIVATE, 1, 1, NOWHERE - 4, 0), EFAULT);
}

/* waitid(2) fills in its structure even when it fails. */
TEST(waitid_writes_always)
{
	siginfo_t info;
	memset(&info, 0xee, sizeof info);
	FAILS(syscall(SYS_waitid, P_ALL, 0, &info, 0, NULL), EINVAL);
	EQ(info.si_signo, 0);
	EQ(info.si_pid, 0);
	FAILS(syscall(SYS_waitid, P_ALL, 0, NOWHERE, 0, NULL), EFAULT);
	FAILS(syscall(SYS_waitid, P_ALL, 0, NOWHERE, WEXITED, NULL), EFAULT);
	FAILS(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, NULL), ECHILD);
}

TEST(queued_signals_are_read_first)
{
	FAILS(syscall(SYS_rt_tgsigqueueinfo, 0, 0, SIGUSR1, NOWHERE), EFAULT);
	FAILS(syscall(SYS_rt_tgsigqueueinfo, getpid(), -1, SIGUSR1, NOWHERE), EFAULT);
}

TEST(clocks_that_wake_the_machine)
{
	struct timespec plain, alarm;
	OK(clock_gettime(CLOCK_REALTIME, &plain));
	int err = syscall(SYS_clock_gettime, CLOCK_REALTIME_ALARM, &alarm);
	if (err && errno == EINVAL)
		return; /* a Linux without a battery clock */
	YES(alarm.tv_sec - plain.tv_sec <= 1);
	OK(syscall(SYS_clock_gettime, CLOCK_BOOTTIME_ALARM, &alarm));
	FAILS(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME_ALARM, 2, &(struct timespec){0, 0}, NULL),
	      EINVAL);
	OK(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME_ALARM, 0, &(struct timespec){0, 1}, NULL));
}

TEST(errors_of_clocks_in_order)
{
	const struct timespec t = {0, 1}, bad = {0, -1};
	struct timespec out;
	timer_t id;
	/* Processor time has no hands that could be moved. */
	FAILS(syscall(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, NOWHERE), EINVAL);
	FAILS(syscall(SYS_clock_settime, CLOCK_THREAD_CPUTIME_ID, &t), EINVAL);
	FAILS(syscall(SYS_clock_nanosleep, -1, 0, NOWHERE, NULL), EFAULT);
	FAILS(syscall(SYS_clock_nanosleep, -1, 0, &t, NULL), EINVAL);
	FAILS(syscall(SYS_clock_nanosleep, 100, 0, NOWHERE, NULL), EINVAL);
	FAILS(syscall(SYS_clock_nanosleep, -5, 0, NOWHERE, NULL), EOPNOTSUPP); /* a descriptor */
	FAILS(syscall(SYS_clock_nanosleep, -2, 0, &t, NULL), EINVAL); /* one's own thread */
	FAILS(syscall(SYS_clock_nanosleep, -2, 0, &bad, NULL), EINVAL);
	FAILS(syscall(SYS_timer_create, -1, NULL, NOWHERE), EFAULT);
	FAILS(syscall(SYS_timer_create, -1, NULL, &id), EINVAL);
	FAILS(syscall(SYS_timer_create, 100, NULL, NOWHERE), EINVAL);
	/* Processor time that is not the scheduler's is counted in ticks. */
	OK(syscall(SYS_clock_getres, -7, &out));
	YES(out.tv_nsec > 1);
	OK(syscall(SYS_clock_getres, -6, &out));
	EQ(out.tv_nsec, 1);
}

TEST(timerfd_ticks_can_be_written)
{
	enum { SET_TICKS = 0x40085400 };
	uint64_t ticks = 0;
	int t = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	if (syscall(SYS_ioctl, t, SET_TICKS, &ticks) < 0 && errno == ENOTTY)
		return; /* a Linux that cannot restore processes */
	FAILS(syscall(SYS_ioctl, t, SET_TICKS, &ticks), EINVAL);
	FAILS(syscall(SYS_ioctl, t, SET_TICKS, NOWHERE), EFAULT);
	ticks = 7;
	OK(syscall(SYS_ioctl, t, SET_TICKS, &ticks));
	struct pollfd one = {t, POLLIN, 0};
	EQ(poll(&one, 1, 0), 1);
	ticks = 0;
	EQ(read(t, &ticks, 8), 8);
	EQ(ticks, 7);
	FAILS(read(t, &ticks, 8), EAGAIN);
	close(t);
}

/* The size of a queue is an int on its way in. */
TEST(msg_qbytes_is_cut)
{
	struct msqid_ds ds;
	int id = OK(msgget(IPC_PRIVATE, 0600));
	OK(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = (1ul << 32) + 100;
	OK(msgctl(id, IPC_SET, &ds));
	OK(msgctl(id, IPC_STAT, &ds));
	EQ(ds.msg_qbytes, 100);
	OK(msgctl(id, IPC_RMID, NULL));
}

/* No transfer is longer than 2 GiB: only so much memory has to be there. */
TEST(socket_lengths_are_cut_first)
{
	static char bytes[8]; /* far from the end of memory */
	int pair[2];
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	EQ(write(pair[1], "hello", 5), 5);
	EQ(recvfrom(pair[0], bytes, (size_t)-1, MSG_DONTWAIT, NULL, NULL), 5);
	FAILS(sendto(-1, bytes, (size_t)-1, 0, NULL, 0), EBADF);
	FAILS(recvfrom(-1, bytes, (size_t)-1, 0, NULL, NULL), EBADF);
	int one = 1;
	FAILS(setsockopt(pair[0], SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), EOPNOTSUPP);
	close(pair[0]);
	close(pair[1]);
}

/* readv(2): what is to be transferred is read before it is asked whether it may be. */
TEST(vectors_come_before_access)
{
	int p[2];
	struct iovec negative = {NULL, (size_t)-1}, none = {NULL, 0}, one = {"x", 1};
	OK(pipe(p));
	if (!is_newer_linux()) {
		FAILS(syscall(SYS_readv, p[1], &negative, 1), EINVAL);
		FAILS(syscall(SYS_readv, p[1], NOWHERE, 1), EFAULT);
		FAILS(syscall(SYS_readv, p[1], &one, 1025), EINVAL);
	}
	FAILS(syscall(SYS_readv, p[1], &one, 1), EBADF);
	FAILS(syscall(SYS_writev, p[0], &one, 1), EBADF);
	/* Flags are looked at only if there is something to do. */
	EQ(syscall(SYS_pwritev2, p[1], &none, 1, -1l, 0, 1 << 30), 0);
	FAILS(syscall(SYS_pwritev2, p[1], &one, 1, -1l, 0, 1 << 30), EOPNOTSUPP);
	FAILS(syscall(SYS_pwritev2, p[0], &one, 1, -1l, 0, 1 << 30), EBADF);
	close(p[0]);
	close(p[1]);
}

TEST(positions_have_an_end)
{
	char byte[10];
	int f = OK(memfd_create("f", 0)), null = OK(open("/dev/null", O_RDWR));
	FAILS(pread(f, byte, 10, LONG_MAX), EINVAL);
	FAILS(pwrite(f, byte, 10, LONG_MAX), EINVAL);
	FAILS(pread(null, byte, 10, LONG_MAX), EINVAL);
	FAILS(pwrite(null, byte, 10, LONG_MAX), EINVAL);
	FAILS(fcntl(null, F_SETFL, O_DIRECT), EINVAL);
	/* A file cannot be mapped beyond what a file can be; what is no file has no offset. */
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, f, -PAGE);
	YES(p == MAP_FAILED && errno == EOVERFLOW);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, -PAGE);
	YES(p != MAP_FAILED);
	OK(munmap(p, PAGE));
	close(f);
	close(null);
}

/* FIOASYNC: to what never sends a signal it is unknown, unless nothing changes. F_SETFL says nothing. */
TEST(files_without_signals)
{
	int p[2], on = 1, off = 0, f = OK(memfd_create("f", 0)), e = OK(eventfd(0, 0));
	OK(pipe(p));
	FAILS(ioctl(f, FIOASYNC, &on), ENOTTY);
	FAILS(ioctl(e, FIOASYNC, &on), ENOTTY);
	OK(ioctl(f, FIOASYNC, &off));
	FAILS(ioctl(f, FIOASYNC, NOWHERE), EFAULT);
	OK(fcntl(f, F_SETFL, O_ASYNC));
	EQ(fcntl(f, F_GETFL) & O_ASYNC, 0);
	OK(ioctl(p[0], FIOASYNC, &on));
	EQ(fcntl(p[0], F_GETFL) & O_ASYNC, O_ASYNC);
	OK(fcntl(p[0], F_SETFL, 0));
	EQ(fcntl(p[0], F_GETFL) & O_ASYNC, 0);
	close(f);
	close(e);
	close(p[0]);
	close(p[1]);
}

/* All flags at once ask, among others, for a new queue and only its name. */
TEST(a_queue_that_is_a_name)
{
	struct stat st;
	char byte;
	int q = syscall(SYS_mq_open, "errors", -1, 0600, NULL);
	OK(q);
	OK(fstat(q, &st));
	FAILS(read(q, &byte, 1), EBADF);
	FAILS(syscall(SYS_mq_timedsend, q, "x", 1, 0, NULL), EBADF);
	close(q);
	FAILS(syscall(SYS_mq_open, "errors", -1, 0600, NULL), EEXIST);
	FAILS(syscall(SYS_mq_open, "errors", O_RDWR | O_DIRECT, 0600, NULL), EINVAL);
	q = syscall(SYS_mq_open, "errors", O_RDWR, 0600, NULL);
	OK(q);
	close(q);
	OK(syscall(SYS_mq_unlink, "errors"));
}

/* Longer than any file, but of huge pages: those are asked for first, and by whom. */
TEST(segments_longer_than_files)
{
	const size_t size = 1ul << 63;
	pid_t child;
	if (is_newer_linux())
		return;
	FAILS(syscall(SYS_shmget, IPC_PRIVATE, size, IPC_CREAT | 0600), EINVAL);
	FAILS(syscall(SYS_shmget, IPC_PRIVATE, size, IPC_CREAT | SHM_HUGETLB | 20 << 26 | 0600),
	      EINVAL);
	FAILS(syscall(SYS_shmget, IPC_PRIVATE, size, IPC_CREAT | SHM_HUGETLB | 0600), ENOMEM);
	CHILD(child)
	{
		OK(syscall(SYS_setgroups, 0, NULL));
		OK(setgid(65534));
		OK(setuid(65534));
		FAILS(syscall(SYS_shmget, IPC_PRIVATE, size, IPC_CREAT | SHM_HUGETLB | 0600),
		      EPERM);
	}
	REAP(child);
}

TEST(processes_in_order)
{
	const struct iovec one = {NULL, 1};
	YES(syscall(SYS_getpriority, PRIO_PGRP, 0) > 0); /* even in the group that is no group */
	FAILS(setpgid(-1, 0), EINVAL);
	FAILS(setpgid(99999999, 0), ESRCH);
	FAILS(syscall(SYS_prlimit64, 99999999, 99, NULL, NULL), ESRCH);
	FAILS(syscall(SYS_prlimit64, 0, 99, NOWHERE, NULL), EFAULT);
	FAILS(syscall(SYS_prlimit64, 0, 99, NULL, NULL), EINVAL);
	EQ(syscall(SYS_process_vm_readv, getpid(), NOWHERE, 0, NOWHERE, 1, 0), 0);
	FAILS(syscall(SYS_process_vm_readv, getpid(), &one, 1, NOWHERE, 1, 0), EFAULT);
}
