/* splice, tee, vmsplice, sendfile, copy_file_range (E4). */
#include "harness.h"
#include <mqueue.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int p[2], q[2];
static void pair(int *pipe_ends, int flags)
{
	MUST(pipe2(pipe_ends, flags));
}
static int temporary(const char *text)
{
	char path[] = "/tmp/splice-XXXXXX";
	int f = MUST(mkstemp(path));
	unlink(path);
	EQ(write(f, text, strlen(text)), strlen(text));
	EQ(lseek(f, 0, SEEK_SET), 0);
	return f;
}
static int queued(int fd)
{
	int n = -1;
	OK(ioctl(fd, FIONREAD, &n));
	return n;
}
static void holds(int fd, const char *text)
{
	char buf[256] = "";
	EQ(read(fd, buf, sizeof buf - 1), strlen(text));
	STREQ(buf, text);
}
static ssize_t splice_(int in, int64_t *in_pos, int out, int64_t *out_pos, size_t n, unsigned flags)
{
	return syscall(SYS_splice, in, in_pos, out, out_pos, n, flags);
}

TEST(file_to_pipe_to_file)
{
	int in = temporary("hello, world"), out = temporary("............");
	pair(p, 0);
	EQ(splice_(in, NULL, p[1], NULL, 5, 0), 5);
	EQ(lseek(in, 0, SEEK_CUR), 5);
	EQ(queued(p[0]), 5);
	int64_t from = 7, to = 3;
	EQ(splice_(in, &from, p[1], NULL, 100, SPLICE_F_MOVE | SPLICE_F_MORE), 5);
	EQ(from, 12);
	EQ(lseek(in, 0, SEEK_CUR), 5);
	EQ(splice_(in, &from, p[1], NULL, 100, 0), 0); /* the end */
	EQ(splice_(p[0], NULL, out, &to, 7, 0), 7);
	EQ(to, 10);
	EQ(lseek(out, 0, SEEK_CUR), 0);
	EQ(queued(p[0]), 3);
	EQ(lseek(out, 0, SEEK_END), 12);
	EQ(splice_(p[0], NULL, out, NULL, 100, 0), 3);
	EQ(lseek(out, 0, SEEK_SET), 0);
	holds(out, "...hellowo..rld");
}

TEST(splice_errors_in_order)
{
	int f = temporary("x"), e = MUST(open("/dev/null", O_RDONLY));
	int64_t pos = 0, negative = -1;
	pair(p, O_NONBLOCK);
	pair(q, O_NONBLOCK);
	EQ(splice_(-1, NULL, -1, NULL, 0, 0xff), 0);
	FAILS(splice_(-1, NULL, -1, NULL, 1, 0x10), EINVAL);
	FAILS(splice_(-1, NULL, p[1], NULL, 1, 0), EBADF);
	FAILS(splice_(f, NULL, -1, NULL, 1, 0), EBADF);
	FAILS(splice_(p[0], &pos, f, (void *)8, 1, 0), ESPIPE);
	FAILS(splice_(f, (void *)8, p[1], &pos, 1, 0), ESPIPE);
	FAILS(splice_(f, (void *)8, p[1], NULL, 1, 0), EFAULT);
	FAILS(splice_(p[0], NULL, f, (void *)8, 1, 0), EFAULT);
	FAILS(splice_(p[1], NULL, f, NULL, 1, 0), EBADF);
	FAILS(splice_(f, NULL, p[0], NULL, 1, 0), EBADF);
	FAILS(splice_(p[0], NULL, e, NULL, 1, 0), EBADF);
	FAILS(splice_(f, NULL, f, NULL, 1, 0), EINVAL);
	FAILS(splice_(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	FAILS(splice_(f, &negative, p[1], NULL, 1, 0), EINVAL);
	FAILS(splice_(p[0], NULL, f, NULL, 1, 0), EAGAIN);
	FAILS(splice_(p[0], NULL, q[1], NULL, 1, 0), EAGAIN);
	OK(fcntl(f, F_SETFL, O_APPEND));
	FAILS(splice_(p[0], NULL, f, NULL, 1, 0), EINVAL);
	FAILS(splice_(MUST(open("/", O_RDONLY)), NULL, p[1], NULL, 1, 0), EINVAL);
}

TEST(files_that_hold_no_bytes)
{
	int event = MUST((int)syscall(SYS_eventfd2, 1, 0));
	pair(p, O_NONBLOCK);
	FAILS(splice_(event, NULL, p[1], NULL, 8, 0), EINVAL);
	EQ(write(p[1], "12345678", 8), 8);
	FAILS(splice_(p[0], NULL, event, NULL, 8, 0), EINVAL);
	EQ(queued(p[0]), 8);
	int null = MUST(open("/dev/null", O_WRONLY));
	EQ(splice_(p[0], NULL, null, NULL, 100, 0), 8);
	/* Nothing at all may go anywhere. */
	int in = temporary("12345678");
	FAILS(sendfile(event, in, NULL, 8), EINVAL);
	EQ(lseek(in, 0, SEEK_END), 8);
	EQ(sendfile(event, in, NULL, 8), 0);
	struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 1};
	int queue = MUST((int)syscall(SYS_mq_open, "splice", O_CREAT | O_RDWR, 0600, &one));
	OK(syscall(SYS_mq_unlink, "splice"));
	FAILS(sendfile(in, queue, NULL, 8), EINVAL);
	FAILS(splice_(queue, NULL, p[1], NULL, 8, 0), EINVAL);
	/* The pipe is looked at first. */
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	FAILS(splice_(event, NULL, p[1], NULL, 8, 0), EPIPE);
}

TEST(pipe_to_pipe_moves)
{
	pair(p, O_NONBLOCK);
	pair(q, O_NONBLOCK);
	EQ(write(p[1], "abcdef", 6), 6);
	EQ(splice_(p[0], NULL, q[1], NULL, 2, 0), 2);
	EQ(queued(p[0]), 4);
	EQ(write(q[1], "X", 1), 1); /* goes behind, not over the rest of the page */
	holds(q[0], "abX");
	EQ(write(p[1], "g", 1), 1);
	EQ(splice_(p[0], NULL, q[1], NULL, 100, 0), 5);
	EQ(queued(p[0]), 0);
	EQ(write(q[1], "Y", 1), 1);
	EQ(write(p[1], "new", 3), 3);
	holds(q[0], "cdefgY");
	holds(p[0], "new");
	close(p[1]);
	EQ(splice_(p[0], NULL, q[1], NULL, 1, 0), 0);
}

TEST(pipe_to_pipe_waits)
{
	pair(p, 0);
	pair(q, 0);
	pid_t child;
	CHILD(child)
	{
		EQ(splice_(p[0], NULL, q[1], NULL, 100, 0), 3);
	}
	until_asleep(child);
	FAILS(splice_(p[0], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	EQ(write(p[1], "abc", 3), 3);
	REAP(child);
	holds(q[0], "abc");
	/* And for room. */
	static char page[4096];
	int room = fcntl(q[1], F_GETPIPE_SZ) / 4096;
	for (int i = 0; i < room; i++)
		EQ(write(q[1], page, 4096), 4096);
	EQ(write(p[1], "abc", 3), 3);
	FAILS(splice_(p[0], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	CHILD(child)
	{
		EQ(splice_(p[0], NULL, q[1], NULL, 100, 0), 3);
	}
	until_asleep(child);
	EQ(read(q[0], page, 4096), 4096);
	REAP(child);
}

TEST(a_pipe_without_readers_is_broken)
{
	int f = temporary("abc");
	on_signal(SIGPIPE, count_signal, 0);
	pair(p, 0);
	pair(q, 0);
	EQ(write(q[1], "x", 1), 1);
	close(p[0]);
	FAILS(splice_(f, NULL, p[1], NULL, 3, 0), EPIPE);
	EQ(signals_seen, 1);
	FAILS(splice_(q[0], NULL, p[1], NULL, 3, 0), EPIPE);
	EQ(signals_seen, 2);
	FAILS(tee(q[0], p[1], 3, 0), EPIPE);
	EQ(signals_seen, 3);
	struct iovec v = {"abc", 3};
	FAILS(vmsplice(p[1], &v, 1, 0), EPIPE);
	EQ(signals_seen, 4);
	EQ(lseek(f, 0, SEEK_CUR), 0);
	holds(q[0], "x");
}

TEST(a_fill_takes_what_fits)
{
	static char big[300000];
	char path[] = "/tmp/splice-XXXXXX";
	int f = MUST(mkstemp(path));
	unlink(path);
	for (unsigned i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7 + i / 4096);
	EQ(write(f, big, sizeof big), sizeof big);
	pair(p, 0);
	int size = fcntl(p[1], F_GETPIPE_SZ);
	int64_t pos = 0;
	EQ(splice_(f, &pos, p[1], NULL, sizeof big, 0), size);
	EQ(pos, size);
	FAILS(splice_(f, &pos, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	EQ(queued(p[0]), size);
	static char got[300000];
	EQ(read(p[0], got, sizeof got), size);
	EQ(memcmp(got, big, (size_t)size), 0);
	EQ(sendfile(p[1], f, &pos, sizeof big), size);
	EQ(pos, 2 * size);
	EQ(read(p[0], got, sizeof got), size);
	EQ(memcmp(got, big + size, (size_t)size), 0);
}

TEST(a_failed_write_leaves_the_data_in_the_pipe)
{
	int full = MUST(open("/dev/full", O_WRONLY));
	char buf[8];
	pair(p, 0);
	EQ(write(p[1], "abc", 3), 3);
	FAILS(splice_(p[0], NULL, full, NULL, 3, 0), errno == EINVAL ? EINVAL : ENOSPC);
	EQ(read(p[0], buf, 8), 3);
}

TEST(tee_doubles)
{
	pair(p, O_NONBLOCK);
	pair(q, O_NONBLOCK);
	EQ(tee(p[0], q[1], 0, 0), 0);
	FAILS(tee(p[0], q[1], 1, 0x10), EINVAL);
	FAILS(tee(-1, q[1], 1, 0), EBADF);
	FAILS(tee(p[1], q[1], 1, 0), EBADF);
	FAILS(tee(p[0], p[1], 1, 0), EINVAL);
	FAILS(tee(temporary("x"), q[1], 1, 0), EINVAL);
	FAILS(tee(p[0], q[1], 1, 0), EAGAIN);
	EQ(write(p[1], "abcdef", 6), 6);
	EQ(tee(p[0], q[1], 4, 0), 4);
	EQ(queued(p[0]), 6);
	EQ(write(p[1], "ghi", 3), 3);
	EQ(write(q[1], "XYZ", 3), 3);
	EQ(tee(p[0], q[1], 100, 0), 9);
	holds(q[0], "abcdXYZabcdefghi");
	holds(p[0], "abcdefghi");
	close(p[1]);
	EQ(tee(p[0], q[1], 4, 0), 0);
	EQ(queued(q[0]), 0);
}

TEST(tee_and_splice_as_the_program_tee)
{
	int f = temporary("");
	pair(p, 0);
	pair(q, 0);
	EQ(write(p[1], "some text", 9), 9);
	EQ(tee(p[0], q[1], 100, 0), 9);
	EQ(splice_(p[0], NULL, f, NULL, 9, SPLICE_F_MOVE), 9);
	EQ(lseek(f, 0, SEEK_SET), 0);
	holds(f, "some text");
	holds(q[0], "some text");
}

TEST(memory_to_pipe)
{
	struct iovec v[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
	pair(p, 0);
	EQ(vmsplice(p[1], v, 3, SPLICE_F_GIFT), 7);
	holds(p[0], "abcdefg");
	EQ(vmsplice(p[1], v, 0, 0), 0);
	FAILS(vmsplice(p[1], v, 1, 0x10), EINVAL);
	FAILS(vmsplice(p[1], v, 1025, 0), EINVAL);
	FAILS(vmsplice(-1, v, 1, 0), EBADF);
	FAILS(vmsplice(temporary("x"), v, 1, 0), EBADF);
	FAILS(vmsplice(p[1], (void *)8, 1, 0), EFAULT);
	struct iovec bad = {(void *)8, 5}, wild = {(void *)-4096, 1};
	FAILS(vmsplice(p[1], &bad, 1, 0), EFAULT);
	FAILS(vmsplice(p[1], &wild, 1, 0), EFAULT);
	int size = fcntl(p[1], F_GETPIPE_SZ);
	char *big = aligned_alloc(4096, (size_t)size + 4096);
	memset(big, 'x', (size_t)size + 4096);
	struct iovec all = {big, (size_t)size + 4096};
	EQ(vmsplice(p[1], &all, 1, 0), size); /* as much as fits */
	FAILS(vmsplice(p[1], &all, 1, SPLICE_F_NONBLOCK), EAGAIN);
	pid_t child;
	CHILD(child)
	{
		EQ(vmsplice(p[1], &all, 1, 0), 4096);
	}
	until_asleep(child);
	char page[4096];
	EQ(read(p[0], page, sizeof page), sizeof page);
	REAP(child);
}

TEST(pipe_to_memory)
{
	char a[4] = "", b[8] = "";
	struct iovec v[2] = {{a, 3}, {b, 7}};
	pair(p, 0);
	FAILS(vmsplice(p[0], v, 2, SPLICE_F_NONBLOCK), EAGAIN);
	EQ(write(p[1], "abcdef", 6), 6);
	EQ(vmsplice(p[0], v, 2, 0), 6);
	STREQ(a, "abc");
	STREQ(b, "def");
	close(p[1]);
	EQ(vmsplice(p[0], v, 2, 0), 0);
}

TEST(sendfile_rules)
{
	int in = temporary("0123456789"), out = temporary("");
	off_t pos = 2, negative = -1;
	pair(p, O_NONBLOCK);
	EQ(sendfile(out, in, &pos, 3), 3);
	EQ(pos, 5);
	EQ(lseek(in, 0, SEEK_CUR), 0);
	EQ(sendfile(out, in, NULL, 100), 10);
	EQ(lseek(in, 0, SEEK_CUR), 10);
	EQ(lseek(out, 0, SEEK_CUR), 13);
	EQ(sendfile(out, in, NULL, 100), 0);
	EQ(sendfile(p[1], in, &(off_t){8}, 100), 2);
	holds(p[0], "89");
	FAILS(sendfile(out, p[0], NULL, 1), EINVAL);
	FAILS(sendfile(out, p[0], &pos, 1), ESPIPE);
	FAILS(sendfile(p[1], p[0], NULL, 1), EINVAL);
	FAILS(sendfile(out, -1, NULL, 1), EBADF);
	FAILS(sendfile(-1, in, NULL, 1), EBADF);
	FAILS(sendfile(-1, in, &negative, 1), EINVAL);
	FAILS(sendfile(p[0], in, NULL, 1), EBADF);
	FAILS(sendfile(out, in, (void *)8, 1), EFAULT);
	FAILS(sendfile(out, in, NULL, (size_t)-1), EINVAL);
	FAILS(sendfile(out, MUST(open("/", O_RDONLY)), NULL, 1), EINVAL);
	OK(fcntl(out, F_SETFL, O_APPEND));
	FAILS(sendfile(out, in, NULL, 1), EINVAL);
	EQ(sendfile(p[1], in, &(off_t){0}, 0), 0);
}

TEST(copy_file_range_rules)
{
	int in = temporary("0123456789"), out = temporary("");
	int64_t from = 2, to = 1;
	EQ(syscall(SYS_copy_file_range, in, &from, out, &to, 3, 0), 3);
	EQ(from, 5);
	EQ(to, 4);
	EQ(syscall(SYS_copy_file_range, in, NULL, out, NULL, 100, 0), 10);
	EQ(syscall(SYS_copy_file_range, in, NULL, out, NULL, 100, 0), 0);
	FAILS(syscall(SYS_copy_file_range, in, NULL, out, NULL, 1, 1), EINVAL);
	FAILS(syscall(SYS_copy_file_range, -1, NULL, out, NULL, 1, 0), EBADF);
	FAILS(syscall(SYS_copy_file_range, in, (void *)8, out, NULL, 1, 0), EFAULT);
	from = 0;
	to = 5;
	FAILS(syscall(SYS_copy_file_range, in, &from, in, &to, 6, 0), EINVAL); /* they overlap */
	EQ(syscall(SYS_copy_file_range, in, &from, in, &to, 5, 0), 5);
	int64_t high = INT64_MAX;
	from = 8;
	to = 0;
	EQ(syscall(SYS_copy_file_range, in, &from, in, &to, 100, 0), 2); /* cut at the end first */
	FAILS(syscall(SYS_copy_file_range, in, &high, out, NULL, (size_t)-1, 0), EOVERFLOW);
	pair(p, 0);
	FAILS(syscall(SYS_copy_file_range, in, &from, p[1], NULL, 1, 0), EINVAL);
	FAILS(syscall(SYS_copy_file_range, MUST(open("/", O_RDONLY)), NULL, out, NULL, 1, 0),
	      EISDIR);
}

TEST(a_proc_file_can_be_spliced)
{
	char text[64] = "", buf[64] = "";
	int f = MUST(open("/proc/sys/kernel/ostype", O_RDONLY));
	pair(p, 0);
	YES(file_read("/proc/sys/kernel/ostype", text, sizeof text) > 0);
	EQ(splice_(f, NULL, p[1], NULL, 100, 0), strlen(text));
	EQ(read(p[0], buf, sizeof buf), strlen(text));
	STREQ(buf, text);
}

TEST(a_splice_is_seen_by_pollers)
{
	int f = temporary("abc");
	pair(p, 0);
	pid_t child = poller(p[0], POLLIN, POLLIN);
	EQ(splice_(f, NULL, p[1], NULL, 3, 0), 3);
	REAP(child);
}

TEST(packets_stay_packets)
{
	pair(p, O_DIRECT | O_NONBLOCK);
	pair(q, O_NONBLOCK);
	EQ(write(p[1], "ab", 2), 2);
	EQ(write(p[1], "cd", 2), 2);
	EQ(splice_(p[0], NULL, q[1], NULL, 100, 0), 4);
	holds(q[0], "ab");
	holds(q[0], "cd");
	/* Only read(2) knows them. */
	char all[8] = "";
	EQ(write(p[1], "ef", 2), 2);
	EQ(write(p[1], "gh", 2), 2);
	EQ(vmsplice(p[0], &(struct iovec){all, 7}, 1, 0), 4);
	STREQ(all, "efgh");
}

TEST(killed_in_the_middle)
{
	pair(p, 0);
	pair(q, 0);
	for (int i = 0; i < 4; i++) {
		pid_t child;
		CHILD(child)
		{
			struct iovec v = {&i, 1};
			switch (i) {
			case 0: splice_(p[0], NULL, q[1], NULL, 1, 0); break;
			case 1: tee(p[0], q[1], 1, 0); break;
			case 2: vmsplice(p[0], &v, 1, 0); break;
			case 3: splice_(p[0], NULL, temporary(""), NULL, 1, 0); break;
			}
		}
		until_asleep(child);
		kill(child, SIGKILL);
		EQ(reap(child), SIGKILL);
	}
	EQ(write(p[1], "x", 1), 1);
	holds(p[0], "x");
}

TEST(sockets_at_both_ends)
{
	int s[2], f = temporary("from a file");
	pair(p, 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EQ(write(p[1], "from a pipe", 11), 11);
	EQ(splice_(p[0], NULL, s[0], NULL, 100, 0), 11);
	holds(s[1], "from a pipe");
	EQ(sendfile(s[0], f, NULL, 100), 11);
	EQ(splice_(s[1], NULL, p[1], NULL, 100, 0),
	   11); /* what is there, without waiting for the rest */
	holds(p[0], "from a file");
	FAILS(splice_(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	pid_t child;
	CHILD(child)
	{
		EQ(splice_(s[1], NULL, p[1], NULL, 100, 0), 4);
	}
	until_asleep(child);
	EQ(write(s[0], "late", 4), 4);
	REAP(child);
	holds(p[0], "late");
	close(s[0]);
	EQ(splice_(s[1], NULL, p[1], NULL, 100, 0), 0);
}

/* What poll(2) has seen may be gone when it is read: a splice that may not wait does not wait for what comes next. Two take
 * what they find, byte by byte, and after each byte both still run. */
struct race {
	unsigned taken, looks[2];
	int over;
};
static void take_what_is_there(int from, volatile struct race *r, int self)
{
	pair(p, 0);
	while (!r->over) {
		if (splice_(from, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK) == 1) {
			__atomic_add_fetch(&r->taken, 1, __ATOMIC_SEQ_CST);
			holds(p[0], "x");
		} else {
			EQ(errno, EAGAIN);
			sched_yield();
		}
		r->looks[self]++;
	}
}
TEST(splices_that_race_for_a_socket_never_wait)
{
	enum { BYTES = 500, SECONDS = 5 /* at the most, on a machine with little to give */ };
	int s[2];
	pid_t racers[2];
	volatile struct race *r = shared(sizeof *r);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	for (int i = 0; i < 2; i++) {
		CHILD(racers[i])
		{
			take_what_is_there(s[1], r, i);
		}
	}
	int64_t end = now_ns() + SECONDS * 1000000000LL;
	for (unsigned n = 1; n <= BYTES && now_ns() < end; n++) {
		EQ(write(s[0], "x", 1), 1);
		UNTIL(r->taken == n);
		unsigned looks[2] = {r->looks[0], r->looks[1]};
		UNTIL(r->looks[0] - looks[0] > 1 && r->looks[1] - looks[1] > 1);
	}
	r->over = 1;
	REAP(racers[0]);
	REAP(racers[1]);
}

/* A process whose splice has taken the pipe's only bytes, "back", and waits for a full socket, until SIGUSR1. */
static pid_t stuck_mover(void)
{
	int s[2];
	pid_t mover;
	pair(p, 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	while (write(s[0], "x", 1) == 1)
		;
	EQ(fcntl(s[0], F_SETFL, 0), 0);
	EQ(write(p[1], "back", 4), 4);
	on_signal(SIGUSR1, count_signal, 0);
	CHILD(mover)
	{
		close(p[1]);
		FAILS(splice_(p[0], NULL, s[0], NULL, 4, 0), EINTR);
	}
	until_asleep(mover);
	return mover;
}

/* Those who poll meanwhile learn that the bytes are back. */
TEST(bytes_that_come_back_are_announced)
{
	pid_t mover = stuck_mover(), waits = poller(p[0], POLLIN, POLLIN);
	kill(mover, SIGUSR1);
	REAP(mover);
	REAP(waits);
	holds(p[0], "back");
}

/* Nor do they who read meanwhile take the end of the writers for the end of the data. (Linux lets the last one that closes
 * wait for the splice, that is here the reader itself.) */
TEST(bytes_that_come_back_come_before_the_end)
{
	pid_t mover = stuck_mover(), reader;
	pair(q, 0);
	CHILD(reader)
	{
		holds(q[0], "go");
		close(p[1]);
		holds(p[0], "back");
		holds(p[0], "");
	}
	close(p[1]);
	until_asleep(reader);
	EQ(write(q[1], "go", 2), 2);
	UNTIL(queued(q[0]) == 0 && state_of(reader) != 'R');
	kill(mover, SIGUSR1);
	REAP(mover);
	REAP(reader);
}
