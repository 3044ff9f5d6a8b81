/* Event descriptors: eventfd (E1), signalfd (E2), timerfd (E3). */
#include "harness.h"
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static short polled(int fd, short events)
{
	struct pollfd one = {fd, events, 0};
	poll(&one, 1, 0);
	return one.revents;
}
static uint64_t value;

TEST(eventfd_counts)
{
	int e = OK(eventfd(3, EFD_NONBLOCK));
	EQ(polled(e, POLLIN | POLLOUT), POLLIN | POLLOUT);
	EQ(read(e, &value, 8), 8);
	EQ(value, 3);
	EQ(polled(e, POLLIN | POLLOUT), POLLOUT);
	FAILS(read(e, &value, 8), EAGAIN);
	value = 0;
	EQ(write(e, &value, 8), 8);
	FAILS(read(e, &value, 8), EAGAIN);
	value = 5;
	EQ(write(e, &value, 8), 8);
	value = 7;
	EQ(write(e, &value, 8), 8);
	EQ(read(e, &value, 100), 8);
	EQ(value, 12);
	FAILS(read(e, &value, 7), EINVAL);
	FAILS(write(e, &value, 7), EINVAL);
	FAILS(syscall(SYS_write, e, 8, 8), EFAULT);
	EQ(lseek(e, 5, SEEK_SET), 0);
	FAILS(pread(e, &value, 8, 0), ESPIPE);
	FAILS(eventfd(0, 2), EINVAL);
	EQ(fcntl(e, F_GETFL) & O_ACCMODE, O_RDWR);
}

/* None of the kin of POLLIN and POLLOUT; and each piece of writev(2) is a write of its own. */
TEST(eventfd_polls_and_vectors)
{
	int e = OK(eventfd(1, EFD_NONBLOCK));
	uint64_t two[2] = {3, 4};
	struct iovec whole[2] = {{&two[0], 8}, {&two[1], 8}}, halves[2] = {{two, 4}, {two, 4}};
	EQ(polled(e, POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND), 0);
	EQ(writev(e, whole, 2), 16);
	EQ(read(e, &value, 8), 8);
	EQ(value, 8);
	FAILS(writev(e, halves, 2), EINVAL);
	whole[1].iov_len = 4;
	EQ(writev(e, whole, 2), 8);
	EQ(readv(e, halves, 2), 8);
	EQ(two[0] & UINT32_MAX, 0);
}

TEST(eventfd_semaphore_gives_one_at_a_time)
{
	int e = OK(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));
	EQ(read(e, &value, 8), 8);
	EQ(value, 1);
	EQ(read(e, &value, 8), 8);
	EQ(value, 1);
	FAILS(read(e, &value, 8), EAGAIN);
}

TEST(eventfd_overflow)
{
	int e = OK(eventfd(0, EFD_NONBLOCK));
	value = UINT64_MAX;
	FAILS(write(e, &value, 8), EINVAL);
	value = UINT64_MAX - 1;
	EQ(write(e, &value, 8), 8);
	EQ(polled(e, POLLIN | POLLOUT), POLLIN);
	value = 1;
	FAILS(write(e, &value, 8), EAGAIN);
	value = 0;
	EQ(write(e, &value, 8), 8);
	EQ(read(e, &value, 8), 8);
	EQ(value, UINT64_MAX - 1);
}

TEST(eventfd_readers_and_writers_sleep)
{
	int e = OK(eventfd(0, 0)), done = OK(eventfd(0, EFD_SEMAPHORE));
	uint64_t one = 1, most = UINT64_MAX - 1;
	pid_t reader = OK(fork());
	if (!reader) {
		EQ(read(e, &value, 8), 8);
		EQ(value, 1);
		EQ(write(done, &one, 8), 8);
		_exit(0);
	}
	EQ(write(e, &one, 8), 8);
	EQ(read(done, &value, 8), 8);
	EQ(write(e, &most, 8), 8);
	pid_t writer = OK(fork());
	if (!writer) {
		EQ(write(e, &one, 8), 8); /* sleeps until there is room */
		EQ(write(done, &one, 8), 8);
		_exit(0);
	}
	EQ(read(e, &value, 8), 8);
	EQ(read(done, &value, 8), 8);
	EQ(read(e, &value, 8), 8);
	EQ(value, 1);
}

TEST(eventfd_sleep_is_interrupted)
{
	int e = OK(eventfd(0, 0));
	on_signal(SIGALRM, count_signal, 0);
	ualarm(20000, 0);
	FAILS(read(e, &value, 8), EINTR);
	EQ(signals_seen, 1);
}

static struct itimerspec in_ms(long first, long interval)
{
	return (struct itimerspec){.it_value = {first / 1000, first % 1000 * 1000000},
	                           .it_interval = {interval / 1000, interval % 1000 * 1000000}};
}

TEST(timerfd_expires)
{
	struct itimerspec s = in_ms(20, 0), old;
	int t = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	FAILS(read(t, &value, 8), EAGAIN);
	OK(timerfd_gettime(t, &old));
	EQ(old.it_value.tv_sec | old.it_value.tv_nsec, 0);
	OK(timerfd_settime(t, 0, &s, NULL));
	OK(timerfd_gettime(t, &old));
	YES(old.it_value.tv_sec == 0 && old.it_value.tv_nsec > 0 &&
	    old.it_value.tv_nsec <= 20000000);
	struct pollfd one = {t, POLLIN, 0};
	EQ(poll(&one, 1, 5000), 1);
	EQ(one.revents, POLLIN);
	EQ(read(t, &value, 8), 8);
	EQ(value, 1);
	FAILS(read(t, &value, 8), EAGAIN);
	FAILS(read(t, &value, 7), EINVAL);
	FAILS(write(t, &value, 8), EINVAL);
}

TEST(timerfd_interval_counts)
{
	struct itimerspec s = in_ms(10, 10), old;
	int t = OK(timerfd_create(CLOCK_REALTIME, 0));
	uint64_t sum = 0;
	OK(timerfd_settime(t, 0, &s, NULL));
	while (sum < 5) {
		EQ(read(t, &value, 8), 8); /* sleeps */
		YES(value >= 1);
		sum += value;
	}
	OK(timerfd_settime(t, 0, &(struct itimerspec){0}, &old));
	EQ(old.it_interval.tv_nsec, 10000000);
	YES(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 10000000);
	EQ(polled(t, POLLIN), 0);
}

TEST(timerfd_absolute)
{
	struct timespec now;
	int t = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	struct itimerspec s = {.it_value = {0, 1}};
	struct pollfd one = {t, POLLIN, 0};
	OK(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL)); /* long ago */
	EQ(poll(&one, 1, 5000), 1);
	EQ(read(t, &value, 8), 8);
	EQ(value, 1);
	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	s = (struct itimerspec){.it_value = now, .it_interval = {1000, 0}};
	OK(timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL));
	EQ(poll(&one, 1, 5000), 1);
	EQ(read(t, &value, 8), 8);
	EQ(value, 1);
}

TEST(timerfd_poll_sees_every_interval)
{
	struct itimerspec s = in_ms(5, 5);
	int t = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	OK(timerfd_settime(t, 0, &s, NULL));
	for (int i = 0; i < 5; i++) {
		struct pollfd one = {t, POLLIN, 0};
		EQ(poll(&one, 1, 5000), 1);
		EQ(read(t, &value, 8), 8);
	}
}

TEST(timerfd_set_while_polled)
{
	struct itimerspec late = in_ms(100000, 0), soon = in_ms(1, 0);
	int t = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	OK(timerfd_settime(t, 0, &late, NULL));
	pid_t child = OK(fork());
	if (!child) {
		struct pollfd one = {t, POLLIN, 0};
		EQ(poll(&one, 1, 20000), 1);
		_exit(0);
	}
	until_asleep(child);
	OK(timerfd_settime(t, 0, &soon, NULL));
	EQ(waitpid(child, NULL, 0), child);
}

TEST(timerfd_wrong_arguments)
{
	struct itimerspec s = in_ms(1, 0);
	int t = OK(timerfd_create(CLOCK_BOOTTIME, 0)), e = OK(eventfd(0, 0));
	FAILS(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	FAILS(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	FAILS(timerfd_settime(t, 4, &s, NULL), EINVAL);
	FAILS(timerfd_settime(e, 0, &s, NULL), EINVAL);
	FAILS(timerfd_settime(999, 0, &s, NULL), EBADF);
	FAILS(timerfd_gettime(e, &s), EINVAL);
	FAILS(syscall(SYS_timerfd_settime, t, 0, 8, NULL), EFAULT);
	s.it_value.tv_nsec = 1000000000;
	FAILS(timerfd_settime(t, 0, &s, NULL), EINVAL);
	s.it_value.tv_nsec = -1;
	FAILS(timerfd_settime(t, 0, &s, NULL), EINVAL);
}

static struct signalfd_siginfo record[4];
static int new_signalfd(int sig, int flags)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return OK(signalfd(-1, &set, flags));
}

TEST(signalfd_reads_what_is_pending)
{
	int s = new_signalfd(SIGUSR1, SFD_NONBLOCK);
	FAILS(read(s, record, sizeof record), EAGAIN);
	EQ(polled(s, POLLIN), 0);
	OK(kill(getpid(), SIGUSR1));
	EQ(polled(s, POLLIN), POLLIN);
	EQ(read(s, record, sizeof record), sizeof record[0]);
	EQ(record[0].ssi_signo, SIGUSR1);
	EQ(record[0].ssi_code, SI_USER);
	EQ(record[0].ssi_pid, getpid());
	EQ(record[0].ssi_uid, getuid());
	FAILS(read(s, record, sizeof record), EAGAIN);
	FAILS(read(s, record, 127), EINVAL);
}

TEST(signalfd_reads_several_in_order)
{
	int s = new_signalfd(SIGRTMIN + 1, SFD_NONBLOCK);
	for (int i = 0; i < 3; i++)
		OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10 + i}));
	EQ(read(s, record, 2 * sizeof record[0] + 50), 2 * sizeof record[0]);
	EQ(record[0].ssi_int, 10);
	EQ(record[1].ssi_int, 11);
	EQ(record[1].ssi_code, SI_QUEUE);
	EQ(read(s, record, sizeof record), sizeof record[0]);
	EQ(record[0].ssi_int, 12);
}

TEST(signalfd_sleeps_until_a_signal)
{
	int s = new_signalfd(SIGUSR2, 0);
	pid_t parent = getpid(), child = OK(fork());
	if (!child) {
		until_asleep(parent);
		kill(parent, SIGUSR2);
		_exit(0);
	}
	EQ(read(s, record, sizeof record), sizeof record[0]);
	EQ(record[0].ssi_pid, child);
}

TEST(signalfd_set_may_change)
{
	sigset_t set;
	int s = new_signalfd(SIGUSR1, SFD_NONBLOCK), e = OK(eventfd(0, 0));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGKILL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	EQ(signalfd(s, &set, 0), s);
	OK(kill(getpid(), SIGUSR1));
	FAILS(read(s, record, sizeof record), EAGAIN);
	OK(kill(getpid(), SIGUSR2));
	EQ(read(s, record, sizeof record), sizeof record[0]);
	EQ(record[0].ssi_signo, SIGUSR2);
	FAILS(signalfd(e, &set, 0), EINVAL);
	FAILS(signalfd(999, &set, 0), EBADF);
	FAILS(signalfd(-1, &set, 1), EINVAL);
	FAILS(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	FAILS(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
}

TEST(signalfd_tells_of_children)
{
	int s = new_signalfd(SIGCHLD, 0);
	pid_t child = OK(fork());
	if (!child)
		_exit(7);
	EQ(read(s, record, sizeof record), sizeof record[0]);
	EQ(record[0].ssi_signo, SIGCHLD);
	EQ(record[0].ssi_code, CLD_EXITED);
	EQ(record[0].ssi_pid, child);
	EQ(record[0].ssi_status, 7);
}

TEST(event_descriptors_have_names)
{
	char path[64], link[64] = "";
	int e = OK(eventfd(0, 0));
	snprintf(path, sizeof path, "/proc/self/fd/%d", e);
	OK(readlink(path, link, sizeof link - 1));
	EQ(strcmp(link, "anon_inode:[eventfd]"), 0);
}
