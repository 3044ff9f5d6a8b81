/* Local stream sockets, unix(7): bytes, ends, waiting, limits. */
#include "unix.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

static int s[2];
static char buffer[1 << 18];

static void pair(int flags)
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, s));
}

TEST(bytes_come_in_order_both_ways)
{
	pair(0);
	EQ(write(s[0], "hello", 5), 5);
	EQ(write(s[0], " there", 6), 6);
	EQ(write(s[1], "back", 4), 4);
	EQ(read(s[1], buffer, 3), 3);
	EQ(memcmp(buffer, "hel", 3), 0);
	EQ(read(s[1], buffer, 100), 8);
	EQ(memcmp(buffer, "lo there", 8), 0);
	EQ(read(s[0], buffer, 100), 4);
	EQ(memcmp(buffer, "back", 4), 0);
}

TEST(large_transfers_arrive_whole)
{
	enum { TOTAL = 3 << 20 };
	pid_t pid;
	pair(0);
	CHILD(pid)
	{
		static unsigned char out[77777];
		unsigned at = 0;
		while (at < TOTAL) {
			size_t n = TOTAL - at < sizeof out ? TOTAL - at : sizeof out;
			for (size_t i = 0; i < n; i++)
				out[i] = (unsigned char)((at + i) * 7 >> 3);
			ssize_t w = MUST(write(s[0], out, n));
			at += (unsigned)w;
		}
	}
	close(s[0]);
	unsigned at = 0, wrong = 0;
	ssize_t n;
	while ((n = read(s[1], buffer, 1 + at % sizeof buffer)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			wrong += (unsigned char)buffer[i] != (unsigned char)(at * 7 >> 3);
	EQ(n, 0);
	EQ(at, TOTAL);
	EQ(wrong, 0);
	REAP(pid);
}

/* What one write puts into the stream is there at once: programs that write and read records of one size rely on it. */
TEST(writes_arrive_whole)
{
	static const size_t sizes[] = {64, 4000, 4096, 5000, 8192, 16384};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		pid_t pid;
		pair(0);
		CHILD(pid)
		{
			for (int k = 0; k < 300; k++)
				EQ(write(s[0], buffer, sizes[i]), sizes[i]);
			OK(shutdown(s[0], SHUT_RDWR));
		}
		OK(close(s[0]));
		ssize_t n;
		size_t total = 0;
		while ((n = OK(read(s[1], buffer, sizes[i]))) > 0) {
			EQ(n, sizes[i]);
			total += (size_t)n;
		}
		EQ(total, 300 * sizes[i]);
		OK(close(s[1]));
		REAP(pid);
	}
}

TEST(vectors)
{
	pair(0);
	struct iovec out[3] = {{"one", 3}, {"", 0}, {"two", 3}};
	EQ(writev(s[0], out, 3), 6);
	char a[2], b[10];
	struct iovec in[2] = {{a, 2}, {b, 10}};
	EQ(readv(s[1], in, 2), 6);
	EQ(memcmp(a, "on", 2), 0);
	EQ(memcmp(b, "etwo", 4), 0);
}

TEST(end_of_file_after_close)
{
	pair(0);
	EQ(write(s[0], "x", 1), 1);
	close(s[0]);
	EQ(read(s[1], buffer, 10), 1);
	EQ(read(s[1], buffer, 10), 0);
	EQ(read(s[1], buffer, 10), 0);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(s[1], "x", 1), EPIPE);
	FAILS(send(s[1], "x", 1, 0), EPIPE);
}

TEST(broken_pipe_raises_a_signal_unless_told_not_to)
{
	pair(0);
	close(s[0]);
	on_signal(SIGPIPE, count_signal, 0);
	FAILS(write(s[1], "x", 1), EPIPE);
	EQ(signals_seen, 1);
	FAILS(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	EQ(signals_seen, 1);
	FAILS(send(s[1], "x", 1, 0), EPIPE);
	EQ(signals_seen, 2);
	FAILS(write(s[1], "x", 0), EPIPE);
	EQ(signals_seen, 3);
}

TEST(unread_data_resets_the_connection)
{
	pair(0);
	EQ(write(s[0], "answer", 6), 6);
	EQ(write(s[1], "unread", 6), 6);
	close(s[0]);
	/* What came is still there; then the error, once; then the end. */
	EQ(polled(s[1], POLLIN) & POLLERR, POLLERR);
	EQ(read(s[1], buffer, 10), 6);
	FAILS(read(s[1], buffer, 10), ECONNRESET);
	EQ(read(s[1], buffer, 10), 0);
	EQ(polled(s[1], POLLIN) & POLLERR, 0);
}

TEST(reset_is_shown_by_so_error)
{
	pair(0);
	EQ(write(s[1], "unread", 6), 6);
	close(s[0]);
	EQ(option(s[1], SO_ERROR), ECONNRESET);
	EQ(option(s[1], SO_ERROR), 0);
	EQ(read(s[1], buffer, 10), 0);
}

TEST(nonblocking)
{
	pair(SOCK_NONBLOCK);
	FAILS(read(s[0], buffer, 1), EAGAIN);
	long total = 0;
	ssize_t n;
	while ((n = write(s[0], buffer, 4096)) > 0)
		total += n;
	EQ(errno, EAGAIN);
	YES(total >= 65536);
	YES(total <= 1 << 20);
	EQ(polled(s[0], POLLOUT), 0);
	while ((n = read(s[1], buffer, sizeof buffer)) > 0)
		total -= n;
	EQ(total, 0);
	EQ(polled(s[0], POLLOUT), POLLOUT);
	EQ(write(s[0], "x", 1), 1);
}

TEST(dontwait_is_of_one_call)
{
	pair(0);
	FAILS(recv(s[0], buffer, 1, MSG_DONTWAIT), EAGAIN);
	while (send(s[0], buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		;
	EQ(errno, EAGAIN);
}

TEST(writable_again_when_most_has_been_read)
{
	pair(SOCK_NONBLOCK);
	while (write(s[0], buffer, 1000) > 0)
		;
	EQ(polled(s[0], POLLOUT), 0);
	EQ(read(s[1], buffer, 1000), 1000);
	EQ(polled(s[0], POLLOUT), 0);
	int unsent = -1;
	while (read(s[1], buffer, 1000) > 0 && !polled(s[0], POLLOUT))
		;
	OK(ioctl(s[0], TIOCOUTQ, &unsent));
	YES(unsent * 4 <= option(s[0], SO_SNDBUF));
	YES(unsent > 0);
}

TEST(reader_sleeps_until_bytes_come)
{
	pid_t pid;
	pair(0);
	CHILD(pid)
	{
		close(s[0]);
		EQ(read(s[1], buffer, 100), 5);
		EQ(read(s[1], buffer, 100), 0);
	}
	close(s[1]);
	until_asleep(pid);
	EQ(write(s[0], "hello", 5), 5);
	until_asleep(pid);
	close(s[0]);
	REAP(pid);
}

TEST(writer_sleeps_until_there_is_room)
{
	pid_t pid;
	pair(0);
	CHILD(pid)
	{
		EQ(write(s[0], buffer, sizeof buffer), sizeof buffer);
		EQ(write(s[0], buffer, sizeof buffer), sizeof buffer);
	}
	close(s[0]);
	until_asleep(pid);
	long total = 0;
	ssize_t n;
	while ((n = read(s[1], buffer, 5000)) > 0)
		total += n;
	EQ(total, 2 * sizeof buffer);
	REAP(pid);
}

TEST(every_sleeping_writer_finishes)
{
	enum { WRITERS = 8 };
	pid_t pids[WRITERS];
	pair(0);
	for (int i = 0; i < WRITERS; i++)
		CHILD(pids[i])
		{
			EQ(write(s[0], buffer, sizeof buffer), sizeof buffer);
		}
	close(s[0]);
	for (int i = 0; i < WRITERS; i++)
		until_asleep(pids[i]);
	long total = 0;
	ssize_t n;
	while ((n = read(s[1], buffer, 4097)) > 0)
		total += n;
	EQ(total, (long)WRITERS * sizeof buffer);
	for (int i = 0; i < WRITERS; i++)
		REAP(pids[i]);
}

TEST(every_sleeping_reader_gets_its_share)
{
	enum { READERS = 8 };
	pid_t pids[READERS];
	pair(0);
	for (int i = 0; i < READERS; i++)
		CHILD(pids[i])
		{
			EQ(read(s[1], buffer, 1), 1);
		}
	for (int i = 0; i < READERS; i++)
		until_asleep(pids[i]);
	EQ(write(s[0], buffer, READERS), READERS);
	for (int i = 0; i < READERS; i++)
		REAP(pids[i]);
}

TEST(writer_that_sleeps_hears_of_the_close)
{
	pid_t pid;
	pair(0);
	CHILD(pid)
	{
		close(s[1]);
		signal(SIGPIPE, SIG_IGN);
		ssize_t n = write(s[0], buffer, sizeof buffer);
		YES(n > 0 && n < (ssize_t)sizeof buffer);
		FAILS(write(s[0], buffer, 1), EPIPE);
	}
	close(s[0]);
	until_asleep(pid);
	close(s[1]);
	REAP(pid);
}

TEST(signals_interrupt)
{
	pid_t pid;
	_Atomic int *stage = shared(sizeof *stage);
	pair(0);
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, 0);
		*stage = 1;
		FAILS(read(s[1], buffer, 1), EINTR);
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		*stage = 2;
		EQ(read(s[1], buffer, 1), 1);
		YES(signals_seen >= 2);
		/* With a time-out nothing is restarted. */
		set_timeout(s[1], SO_RCVTIMEO, 20000000);
		*stage = 3;
		FAILS(read(s[1], buffer, 1), EINTR);
		*stage = 4;
	}
	for (int i = 1; i <= 3; i++) {
		UNTIL(*stage == i);
		until_asleep(pid);
		kill(pid, SIGUSR1);
		if (i == 2) {
			until_asleep(pid);
			EQ(write(s[0], "x", 1), 1);
		}
	}
	REAP(pid);
}

TEST(timeouts)
{
	pair(0);
	set_timeout(s[1], SO_RCVTIMEO, 20000);
	int64_t before = now_ns();
	FAILS(read(s[1], buffer, 1), EAGAIN);
	YES(now_ns() - before >= 19000000);
	set_timeout(s[0], SO_SNDTIMEO, 20000);
	while (write(s[0], buffer, sizeof buffer) == sizeof buffer)
		;
	before = now_ns();
	FAILS(write(s[0], buffer, 1), EAGAIN);
	YES(now_ns() - before >= 19000000);
}

TEST(peek_leaves_it)
{
	pair(0);
	EQ(write(s[0], "abc", 3), 3);
	EQ(write(s[0], "def", 3), 3);
	EQ(recv(s[1], buffer, 100, MSG_PEEK), 6);
	EQ(memcmp(buffer, "abcdef", 6), 0);
	EQ(recv(s[1], buffer, 2, MSG_PEEK), 2);
	EQ(recv(s[1], buffer, 100, 0), 6);
	FAILS(recv(s[1], buffer, 100, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

TEST(peek_offset_moves_on)
{
	pair(0);
	EQ(option(s[1], SO_PEEK_OFF), -1);
	set_option(s[1], SO_PEEK_OFF, 0);
	EQ(write(s[0], "abc", 3), 3);
	EQ(write(s[0], "defg", 4), 4);
	EQ(recv(s[1], buffer, 2, MSG_PEEK), 2);
	EQ(memcmp(buffer, "ab", 2), 0);
	EQ(option(s[1], SO_PEEK_OFF), 2);
	EQ(recv(s[1], buffer, 3, MSG_PEEK), 3);
	EQ(memcmp(buffer, "cde", 3), 0);
	EQ(recv(s[1], buffer, 4, 0), 4);
	EQ(option(s[1], SO_PEEK_OFF), 1);
	EQ(recv(s[1], buffer, 10, MSG_PEEK), 2);
	EQ(memcmp(buffer, "fg", 2), 0);
	FAILS(recv(s[1], buffer, 10, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

TEST(waitall_waits_for_all)
{
	pid_t pid;
	pair(0);
	CHILD(pid)
	{
		close(s[0]);
		EQ(recv(s[1], buffer, 10, MSG_WAITALL), 10);
		EQ(memcmp(buffer, "helloworld", 10), 0);
		EQ(recv(s[1], buffer, 10, MSG_WAITALL), 3);
	}
	close(s[1]);
	EQ(write(s[0], "hello", 5), 5);
	until_asleep(pid);
	EQ(write(s[0], "worldend", 8), 8);
	until_asleep(pid);
	close(s[0]);
	REAP(pid);
}

TEST(low_water_mark)
{
	pid_t pid;
	pair(0);
	EQ(option(s[1], SO_RCVLOWAT), 1);
	set_option(s[1], SO_RCVLOWAT, 4);
	CHILD(pid)
	{
		EQ(read(s[1], buffer, 100), 5);
		/* A smaller request wants no more than it asks for. */
		EQ(read(s[1], buffer, 2), 2);
	}
	EQ(write(s[0], "abc", 3), 3);
	until_asleep(pid);
	EQ(write(s[0], "de", 2), 2);
	until_asleep(pid);
	EQ(write(s[0], "fg", 2), 2);
	REAP(pid);
}

/* Whichever end shuts the way from s[0] to s[1]: what was under way arrives, the way back stays open. */
static void one_way_shut(int end, int how)
{
	pair(0);
	EQ(write(s[0], "x", 1), 1);
	OK(shutdown(s[end], how));
	EQ(read(s[1], buffer, 10), 1);
	EQ(read(s[1], buffer, 10), 0);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(s[0], "x", 1), EPIPE);
	EQ(write(s[1], "back", 4), 4);
	EQ(read(s[0], buffer, 10), 4);
}
TEST(shutdown_of_writing)
{
	one_way_shut(0, SHUT_WR);
}

TEST(shutdown_of_reading)
{
	one_way_shut(1, SHUT_RD);
	FAILS(shutdown(s[0], 3), EINVAL);
	FAILS(shutdown(s[0], -1), EINVAL);
}

TEST(shutdown_wakes_sleepers)
{
	pid_t reader, writer;
	pair(0);
	CHILD(reader)
	{
		EQ(read(s[1], buffer, 10), 0);
	}
	until_asleep(reader);
	OK(shutdown(s[1], SHUT_RD));
	REAP(reader);
	pair(0);
	CHILD(writer)
	{
		signal(SIGPIPE, SIG_IGN);
		YES(write(s[0], buffer, sizeof buffer) > 0);
	}
	until_asleep(writer);
	OK(shutdown(s[0], SHUT_WR));
	REAP(writer);
}

TEST(of_unconnected_sockets)
{
	int fd = new_socket(SOCK_STREAM);
	FAILS(read(fd, buffer, 1), EINVAL);
	FAILS(write(fd, buffer, 1), ENOTCONN);
	FAILS(send(fd, buffer, 0, 0), ENOTCONN);
	FAILS(getpeername(fd, (struct sockaddr *)buffer, &(socklen_t){100}), ENOTCONN);
	OK(shutdown(fd, SHUT_RDWR));
	EQ(polled(fd, POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP);
}

TEST(sending_to_an_address)
{
	struct name n = abstract_name("nobody");
	pair(0);
	FAILS(send_name(s[0], "x", 1, 0, &n), EISCONN);
	FAILS(send_name(new_socket(SOCK_STREAM), "x", 1, 0, &n), EOPNOTSUPP);
	FAILS(recv(s[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(bad_pointers)
{
	char *bad = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(bad + 4096, 4096);
	pair(0);
	FAILS(write(s[0], bad + 4096, 1), EFAULT);
	FAILS(write(s[0], bad + 4090, 10), EFAULT);
	FAILS(recv(s[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
	EQ(write(s[0], "0123456789", 10), 10);
	FAILS(read(s[1], bad + 4096, 1), EFAULT);
	FAILS(read(s[1], bad + 4090, 10), EFAULT);
	/* Nothing was lost. */
	EQ(read(s[1], buffer, 100), 10);
	EQ(memcmp(buffer, "0123456789", 10), 0);
	FAILS(send(s[0], (void *)-4096l, 1, 0), EFAULT);
	FAILS(recv(s[0], (void *)-4096l, 1, 0), EFAULT);
}

TEST(empty_transfers)
{
	pair(0);
	EQ(write(s[0], "", 0), 0);
	EQ(send(s[0], "", 0, 0), 0);
	FAILS(recv(s[1], buffer, 10, MSG_DONTWAIT), EAGAIN);
	EQ(read(s[1], buffer, 0), 0);
	FAILS(recv(s[1], buffer, 0, MSG_DONTWAIT), EAGAIN);
	EQ(write(s[0], "x", 1), 1);
	EQ(recv(s[1], buffer, 0, MSG_DONTWAIT), 0);
	EQ(read(s[1], buffer, 10), 1);
}

TEST(not_a_file_of_positions)
{
	pair(0);
	FAILS(lseek(s[0], 0, SEEK_CUR), ESPIPE);
	FAILS(pread(s[0], buffer, 1, 0), ESPIPE);
	FAILS(pwrite(s[0], buffer, 1, 0), ESPIPE);
	FAILS(ftruncate(s[0], 0), EINVAL);
	FAILS(fsync(s[0]), EINVAL);
	YES(mmap(NULL, 4096, PROT_READ, MAP_SHARED, s[0], 0) == MAP_FAILED);
	EQ(errno, ENODEV);
}

TEST(bytes_waiting)
{
	int n = -1;
	pair(0);
	EQ(unread(s[1]), 0);
	EQ(write(s[0], "hello", 5), 5);
	EQ(write(s[0], "you", 3), 3);
	EQ(unread(s[1]), 8);
	EQ(read(s[1], buffer, 2), 2);
	EQ(unread(s[1]), 6);
	OK(ioctl(s[0], TIOCOUTQ, &n));
	YES(n >= 6);
	EQ(read(s[1], buffer, 100), 6);
	OK(ioctl(s[0], TIOCOUTQ, &n));
	EQ(n, 0);
	FAILS(ioctl(s[0], FIONREAD, 8), EFAULT);
	FAILS(ioctl(s[0], 0x5401 /* TCGETS */, buffer), ENOTTY);
}

TEST(files_are_sent_and_spliced)
{
	int p[2], f = MUST(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	pair(0);
	MUST(pipe(p));
	EQ(write(f, "0123456789", 10), 10);
	EQ(sendfile(s[0], f, &(off_t){3}, 100), 7);
	EQ(read(s[1], buffer, 100), 7);
	EQ(memcmp(buffer, "3456789", 7), 0);
	EQ(write(p[1], "through", 7), 7);
	EQ(splice(p[0], NULL, s[0], NULL, 100, 0), 7);
	EQ(splice(s[1], NULL, p[1], NULL, 100, 0), 7);
	EQ(read(p[0], buffer, 100), 7);
	EQ(memcmp(buffer, "through", 7), 0);
	FAILS(splice(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	close(s[0]);
	EQ(splice(s[1], NULL, p[1], NULL, 100, 0), 0);
}

TEST(a_full_socket_takes_part_of_a_file)
{
	int f = MUST(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	MUST(ftruncate(f, 1 << 20));
	pair(SOCK_NONBLOCK);
	ssize_t sent = sendfile(s[0], f, NULL, 1 << 20);
	YES(sent > 0 && sent < 1 << 20);
	EQ(lseek(f, 0, SEEK_CUR), sent);
	FAILS(sendfile(s[0], f, NULL, 1 << 20), EAGAIN);
	EQ(unread(s[1]), sent);
}

/* A write of a few pages is read in one piece: stress-ng's sockpair, among others, counts on it. */
TEST(writes_of_a_page_arrive_whole)
{
	static char large[32000];
	static const size_t sizes[] = {4000, 4096, 5000, 8192, 20000, sizeof large};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int n = 0, pair[2];
		ssize_t put;
		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
		while ((put = write(pair[0], large, sizes[i])) == (ssize_t)sizes[i])
			n++;
		EQ(put, -1);
		EQ(errno, EAGAIN);
		while (n--)
			EQ(read(pair[1], large, sizes[i]), sizes[i]);
		FAILS(read(pair[1], large, 1), EAGAIN);
		close(pair[0]);
		close(pair[1]);
	}
}
