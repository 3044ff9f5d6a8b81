/* Open files in flight: limits, and cycles of sockets that nobody can reach (unix(7)). */
#include "caps.h"
#include "unix_rights.h"
#include <sys/resource.h>

TEST(files_in_flight_are_limited)
{
	pid_t pid;
	CHILD(pid)
	{
		int n = 0, zero[100] = {0};
		struct rlimit limit = {50, 50};
		pair(SOCK_STREAM);
		OK(setrlimit(RLIMIT_NOFILE, &limit));
		become_with(0, 4711);
		OK(fcntl(s[0], F_SETFL, O_NONBLOCK));
		while (n < 100 && send_fds(s[0], "x", 1, zero, 10) == 1)
			n++;
		EQ(errno, ETOOMANYREFS);
		EQ(n, 6);
		for (int i = 0; i < 10; i++)
			EQ(recv(s[1], buffer, 1, MSG_DONTWAIT), i < n ? 1 : -1);
		EQ(send_fds(s[0], "x", 1, zero, 10), 1);
	}
	REAP(pid);
}

/* A pipe whose last writer is in flight tells when the flight has ended: the reader sees the end of file. */
static int probe(int carrier)
{
	int p[2];
	MUST(pipe2(p, O_NONBLOCK));
	EQ(send_fd(carrier, p[1]), 1);
	close(p[1]);
	FAILS(read(p[0], buffer, 1), EAGAIN);
	return p[0];
}
static void collect(void)
{
	int x[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, x));
	close(x[0]);
	close(x[1]);
}

TEST(a_socket_in_its_own_queue_is_collected)
{
	pair(SOCK_STREAM);
	int end = probe(s[0]);
	EQ(send_fd(s[0], s[1]), 1);
	close(s[1]);
	close(s[0]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}

/* Each end sends one of the two, by its number. */
static void cycle_of_two(int type, int by_first, int by_second)
{
	pair(type);
	int end = probe(s[0]);
	EQ(send_fd(s[0], s[by_first]), 1);
	EQ(send_fd(s[1], s[by_second]), 1);
	close(s[0]);
	close(s[1]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}
TEST(two_sockets_in_each_others_queues_are_collected)
{
	cycle_of_two(SOCK_STREAM, 0, 1);
}

TEST(datagram_cycles_are_collected)
{
	cycle_of_two(SOCK_DGRAM, 1, 0);
}

TEST(a_long_cycle_is_collected)
{
	enum { RING = 50 };
	int ring[RING][2];
	for (int i = 0; i < RING; i++)
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ring[i]));
	int end = probe(ring[RING / 2][0]);
	/* The receiving end of each is in the queue of the next. */
	for (int i = 0; i < RING; i++)
		EQ(send_fd(ring[(i + 1) % RING][0], ring[i][1]), 1);
	for (int i = 0; i < RING; i++)
		close(ring[i][1]);
	FAILS(read(end, buffer, 1), EAGAIN);
	/* Still reachable while senders exist? Nobody can receive: they do not count. */
	for (int i = 0; i < RING; i++)
		close(ring[i][0]);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
}

TEST(what_can_be_received_is_not_collected)
{
	int t[2];
	pair(SOCK_STREAM);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, t));
	int end = probe(t[0]);
	/* t[1] is in the queue of s[1], which stays open; s[1] is in the queue of t[1]. */
	EQ(send_fd(s[0], t[1]), 1);
	EQ(send_fd(t[0], s[1]), 1);
	close(t[1]);
	collect();
	FAILS(read(end, buffer, 1), EAGAIN);
	struct got g = receive(s[1], 1, sizeof(union control), 0);
	EQ(g.count, 1);
	collect();
	FAILS(read(end, buffer, 1), EAGAIN);
	close(receive(g.fds[0], 1, sizeof(union control), 0).fds[0]);
	EQ(read(end, buffer, 1), 0);
}

TEST(unaccepted_connections_are_searched)
{
	struct name n = abstract_name("server");
	int l = new_listener(SOCK_STREAM, &n, 5), c = new_connected(SOCK_STREAM, &n);
	int end = probe(c);
	EQ(send_fd(c, l), 1);
	EQ(send_fd(c, c), 1);
	close(l);
	close(c);
	collect();
	UNTIL(read(end, buffer, 1) == 0);
	OK(bind_name(new_socket(SOCK_STREAM), &n));
}

TEST(a_deep_nest_unravels)
{
	enum { DEPTH = 1000 };
	int end = -1, inner = -1;
	for (int i = 0; i < DEPTH; i++) {
		pair(SOCK_STREAM);
		if (inner < 0)
			end = probe(s[0]);
		else
			EQ(send_fd(s[0], inner), 1);
		close(inner);
		close(s[0]);
		inner = s[1];
	}
	FAILS(read(end, buffer, 1), EAGAIN);
	close(inner);
	UNTIL(read(end, buffer, 1) == 0);
}
