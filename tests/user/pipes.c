/* Pipes, poll and select (E4, E5). */
#include "harness.h"
#include <sys/ioctl.h>
#include <sys/select.h>

static int p[2];
static char buffer[1 << 17];

static void new_pipe(int flags)
{
	MUST(pipe2(p, flags));
}
static short polled(int fd, short events)
{
	struct pollfd one = {fd, events, 0};
	poll(&one, 1, 0);
	return one.revents;
}

TEST(bytes_come_in_order)
{
	new_pipe(0);
	EQ(write(p[1], "hello", 5), 5);
	EQ(write(p[1], " there", 6), 6);
	EQ(read(p[0], buffer, 3), 3);
	EQ(memcmp(buffer, "hel", 3), 0);
	EQ(read(p[0], buffer, 100), 8);
	EQ(memcmp(buffer, "lo there", 8), 0);
}

TEST(end_of_file_and_broken_pipe)
{
	new_pipe(0);
	OK(write(p[1], "x", 1));
	close(p[1]);
	EQ(read(p[0], buffer, 10), 1);
	EQ(read(p[0], buffer, 10), 0);
	close(p[0]);
	new_pipe(0);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(p[1], "x", 1), EPIPE);
	on_signal(SIGPIPE, count_signal, 0);
	FAILS(write(p[1], "x", 1), EPIPE);
	EQ(signals_seen, 1);
}

/* What pipe(2) made and /proc opens again is no FIFO: nobody waits for the other side, which may have gone. */
TEST(opened_again_without_the_other_side)
{
	char path[64];
	new_pipe(0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	EQ(write(p[1], "left", 4), 4);
	close(p[1]);
	int reader = OK(open(path, O_RDONLY));
	EQ(read(reader, buffer, 100), 4);
	EQ(read(reader, buffer, 100), 0);
	EQ(polled(reader, POLLIN), POLLHUP);
	close(reader);
	reader = OK(open(path, O_RDONLY | O_NONBLOCK));
	EQ(read(reader, buffer, 100), 0);
	EQ(polled(reader, POLLIN), POLLHUP);
	close(reader);
	new_pipe(0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[1]);
	close(p[0]);
	on_signal(SIGPIPE, SIG_IGN, 0);
	for (int flags = O_WRONLY;; flags |= O_NONBLOCK) {
		int writer = OK(open(path, flags));
		FAILS(write(writer, "x", 1), EPIPE);
		EQ(polled(writer, POLLOUT), POLLOUT | POLLERR);
		close(writer);
		if (flags & O_NONBLOCK)
			break;
	}
}

TEST(wrong_ends_and_arguments)
{
	new_pipe(0);
	FAILS(read(p[1], buffer, 1), EBADF);
	FAILS(write(p[0], buffer, 1), EBADF);
	FAILS(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	FAILS(pread(p[0], buffer, 1, 0), ESPIPE);
	FAILS(pipe2(p, 0x8000000), EINVAL);
	FAILS(syscall(SYS_pipe, 8), EFAULT);
}

TEST(nonblocking)
{
	new_pipe(O_NONBLOCK);
	FAILS(read(p[0], buffer, 1), EAGAIN);
	ssize_t n, total = 0;
	while ((n = write(p[1], buffer, 4096)) > 0)
		total += n;
	EQ(errno, EAGAIN);
	EQ(total, 65536);
	/* A page must be free for up to PIPE_BUF bytes; one byte fits into none. */
	FAILS(write(p[1], buffer, 1), EAGAIN);
	EQ(read(p[0], buffer, 4096), 4096);
	EQ(write(p[1], buffer, 4096), 4096);
}

TEST(atomic_up_to_pipe_buf)
{
	new_pipe(O_NONBLOCK);
	EQ(write(p[1], buffer, 65536 - 4096), 65536 - 4096);
	EQ(write(p[1], buffer, 100), 100);
	/* 4096 bytes do not fit into what is left: none of them. */
	FAILS(write(p[1], buffer, 4096), EAGAIN);
	int n;
	OK(ioctl(p[0], FIONREAD, &n));
	EQ(n, 65536 - 4096 + 100);
}

TEST(writers_do_not_mix)
{
	enum { WRITERS = 4, ROUNDS = 60, SIZE = 4096 };
	pid_t pids[WRITERS];
	new_pipe(0);
	for (int w = 0; w < WRITERS; w++)
		CHILD(pids[w])
		{
			memset(buffer, 'a' + w, SIZE);
			for (int i = 0; i < ROUNDS; i++)
				EQ(write(p[1], buffer, SIZE), SIZE);
		}
	close(p[1]);
	int bad = 0, count = 0;
	for (;;) {
		size_t got = 0;
		ssize_t n;
		while (got < SIZE && (n = read(p[0], buffer + got, SIZE - got)) > 0)
			got += (size_t)n;
		if (got == 0)
			break;
		for (int i = 1; i < SIZE; i++)
			bad += buffer[i] != buffer[0];
		count++;
	}
	EQ(bad, 0);
	EQ(count, WRITERS * ROUNDS);
	for (int w = 0; w < WRITERS; w++)
		REAP(pids[w]);
}

TEST(reader_waits_and_writer_waits)
{
	pid_t pid;
	new_pipe(0);
	CHILD(pid)
	{
		close(p[0]);
		for (int i = 0; i < 300; i++) {
			memset(buffer, i, 1000);
			EQ(write(p[1], buffer, 1000), 1000);
		}
	}
	close(p[1]);
	until_asleep(pid);
	size_t total = 0;
	ssize_t n;
	while ((n = read(p[0], buffer, 777)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buffer[i] != (char)((total + (size_t)i) / 1000))
				test_fail(__FILE__, __LINE__, "wrong byte at %zu",
				          total + (size_t)i);
		total += (size_t)n;
	}
	EQ(total, 300000);
	REAP(pid);
}

TEST(large_write_in_one_call)
{
	pid_t pid;
	new_pipe(0);
	CHILD(pid)
	{
		static char big[1 << 20];
		memset(big, 7, sizeof(big));
		close(p[0]);
		EQ(write(p[1], big, sizeof(big)), sizeof(big));
	}
	close(p[1]);
	size_t total = 0;
	for (ssize_t n; (n = read(p[0], buffer, sizeof(buffer))) > 0; total += (size_t)n)
		;
	EQ(total, 1 << 20);
	REAP(pid);
}

TEST(interrupted_write_tells_how_much)
{
	pid_t pid;
	new_pipe(0);
	CHILD(pid)
	{
		static char big[1 << 20];
		on_signal(SIGUSR1, count_signal, 0);
		ssize_t n = write(p[1], big, sizeof(big));
		EQ(n, 65536);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	REAP(pid);
}

TEST(packets)
{
	new_pipe(O_DIRECT);
	EQ(write(p[1], "one", 3), 3);
	EQ(write(p[1], "three", 5), 5);
	EQ(read(p[0], buffer, 100), 3);
	EQ(read(p[0], buffer, 2), 2);
	OK(write(p[1], "next", 4));
	/* The rest of a packet is lost. */
	EQ(read(p[0], buffer, 100), 4);
	EQ(memcmp(buffer, "next", 4), 0);
}

TEST(sizes)
{
	new_pipe(O_NONBLOCK);
	EQ(fcntl(p[1], F_GETPIPE_SZ), 65536);
	EQ(fcntl(p[1], F_SETPIPE_SZ, 5000), 8192);
	EQ(fcntl(p[0], F_GETPIPE_SZ), 8192);
	ssize_t n, total = 0;
	while ((n = write(p[1], buffer, 4096)) > 0)
		total += n;
	EQ(total, 8192);
	FAILS(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
	EQ(fcntl(p[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	EQ(write(p[1], buffer, 65536), 65536);
	FAILS(fcntl(p[1], F_SETPIPE_SZ, 0x80000001U), EINVAL);
	int null = OK(open("/dev/null", O_RDONLY));
	FAILS(fcntl(null, F_GETPIPE_SZ), EBADF);
}

TEST(poll_states)
{
	new_pipe(0);
	EQ(polled(p[0], POLLIN), 0);
	EQ(polled(p[1], POLLOUT), POLLOUT);
	OK(write(p[1], "x", 1));
	EQ(polled(p[0], POLLIN | POLLPRI), POLLIN);
	EQ(polled(p[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	int twin = dup(p[1]);
	close(p[1]);
	EQ(polled(p[0], POLLIN), POLLIN);
	close(twin);
	EQ(polled(p[0], POLLIN), POLLIN | POLLHUP);
	EQ(read(p[0], buffer, 1), 1);
	EQ(polled(p[0], POLLIN), POLLHUP);
	EQ(polled(p[0], 0), POLLHUP);
	EQ(polled(p[1], POLLIN), POLLNVAL);
	new_pipe(0);
	close(p[0]);
	EQ(polled(p[1], POLLOUT), POLLOUT | POLLERR);
	EQ(polled(-1, POLLIN), 0);
}

TEST(poll_waits)
{
	new_pipe(0);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		until_asleep(parent);
		OK(write(p[1], "x", 1));
	}
	struct pollfd two[2] = {{p[1], 0, 0}, {p[0], POLLIN, 0}};
	EQ(poll(two, 2, -1), 1);
	EQ(two[0].revents, 0);
	EQ(two[1].revents, POLLIN);
	REAP(pid);
}

TEST(poll_times_out)
{
	struct pollfd none = {-1, POLLIN, 0};
	int64_t start = now_ns();
	EQ(poll(&none, 1, 30), 0);
	YES(now_ns() - start >= 30000000);
	EQ(poll(NULL, 0, 1), 0);
	FAILS(poll((void *)8, 1, 0), EFAULT);
	FAILS(syscall(SYS_poll, NULL, 0x7fffffff, 0), EINVAL);
	struct timespec bad = {0, -1};
	FAILS(ppoll(&none, 1, &bad, NULL), EINVAL);
}

TEST(poll_is_interrupted)
{
	pid_t pid;
	new_pipe(0);
	CHILD(pid)
	{
		struct pollfd one = {p[0], POLLIN, 0};
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		FAILS(poll(&one, 1, -1), EINTR);
		EQ(signals_seen, 1);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	REAP(pid);
}

TEST(ppoll_changes_the_mask_atomically)
{
	sigset_t set, none;
	struct pollfd one = {-1, 0, 0};
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	on_signal(SIGUSR1, count_signal, 0);
	raise(SIGUSR1);
	EQ(signals_seen, 0);
	FAILS(ppoll(&one, 1, NULL, &none), EINTR);
	EQ(signals_seen, 1);
	sigprocmask(SIG_BLOCK, NULL, &none);
	YES(sigismember(&none, SIGUSR1));
}

TEST(poll_many)
{
	static struct pollfd many[1500];
	new_pipe(0);
	int n = 0;
	for (; n < 900; n++)
		many[n] = (struct pollfd){p[0], POLLIN, 0};
	EQ(poll(many, 900, 0), 0);
	OK(write(p[1], "x", 1));
	EQ(poll(many, 900, 0), 900);
}

TEST(select_basics)
{
	fd_set in, out;
	struct timeval none = {0, 0}, bad = {-1, 0};
	new_pipe(0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	EQ(select(p[1] + 1, &in, &out, NULL, &none), 1);
	YES(!FD_ISSET(p[0], &in) && FD_ISSET(p[1], &out));
	OK(write(p[1], "x", 1));
	FD_SET(p[0], &in);
	EQ(select(p[1] + 1, &in, &out, NULL, NULL), 2);
	FAILS(syscall(SYS_select, -1, NULL, NULL, NULL, &none), EINVAL);
	FAILS(syscall(SYS_select, 0, NULL, NULL, NULL, &bad), EINVAL);
	close(p[0]);
	FD_SET(p[0], &in);
	FAILS(select(p[0] + 1, &in, NULL, NULL, &none), EBADF);
}

TEST(select_writes_back_the_time)
{
	struct timeval limit = {0, 20000};
	EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &limit), 0);
	EQ(limit.tv_sec, 0);
	EQ(limit.tv_usec, 0);
}

TEST(ping_pong)
{
	int back[2];
	pid_t pid;
	char c = 0;
	new_pipe(0);
	MUST(pipe(back));
	CHILD(pid)
	{
		for (int i = 0; i < 1000; i++) {
			EQ(read(p[0], &c, 1), 1);
			EQ(c, (char)i);
			EQ(write(back[1], &c, 1), 1);
		}
	}
	for (int i = 0; i < 1000; i++) {
		c = (char)i;
		EQ(write(p[1], &c, 1), 1);
		EQ(read(back[0], &c, 1), 1);
	}
	REAP(pid);
}
