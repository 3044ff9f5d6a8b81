/* Local sockets under fire: wild calls on live sockets, kill -9 at any moment, threads that close what others use. */
#include "storm.h"
#include "unix_rights.h"
#include <limits.h>
#include <pthread.h>

enum { SOCKETS = 24 };

static struct name some_name(uint32_t n)
{
	struct name a = {.un.sun_family = AF_UNIX};
	a.length = (socklen_t)(NAME_OFFSET + 1 +
	                       sprintf(a.un.sun_path + 1, "storm-%d-%u", (int)getpgrp(), n % 6));
	return a;
}

static int some_type(uint32_t n)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	return types[n % 3] | SOCK_NONBLOCK;
}

/* What came replaces one of ours; the others are closed. */
static void receive_files(int from, int *fds, uint32_t seed, char *data, int flags)
{
	union control c = {0};
	struct iovec v = {data, 100};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	if (syscall(SYS_recvmsg, from, &m, MSG_DONTWAIT | flags) < 0)
		return;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		for (size_t i = 0;
		     h->cmsg_type == SCM_RIGHTS && i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		     i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			int *slot = &fds[draw(&seed) % SOCKETS];
			close(*slot);
			*slot = fd;
		}
}

/* One step of a life with many sockets, any of which may be in any state. */
static void live(int *fds, uint32_t *seed)
{
	static char data[70000];
	uint32_t n = draw(seed);
	int *fd = &fds[draw(seed) % SOCKETS], *other = &fds[draw(seed) % SOCKETS];
	struct name a = some_name(n >> 4);
	int value = (int)draw(seed), two[2];
	socklen_t size = sizeof value;
	switch (draw(seed) % 22) {
	case 0:
		close(*fd);
		*fd = socket(AF_UNIX, some_type(n), 0);
		break;
	case 1:
		if (socketpair(AF_UNIX, some_type(n), 0, two))
			break;
		close(*fd);
		*fd = two[0];
		close(*other);
		*other = two[1];
		break;
	case 2: bind_name(*fd, &a); break;
	case 3: listen(*fd, (int)(n % 4)); break;
	case 4: connect_name(*fd, &a); break;
	case 5:
		value = accept4(*fd, NULL, NULL, SOCK_NONBLOCK);
		if (value < 0)
			break;
		close(*other);
		*other = value;
		break;
	case 6:
	case 7: send(*fd, data, n % sizeof data, MSG_NOSIGNAL | MSG_DONTWAIT); break;
	case 8: send_name(*fd, data, n % 300, MSG_NOSIGNAL | MSG_DONTWAIT, &a); break;
	case 9:
	case 10: recv(*fd, data, n % sizeof data, MSG_DONTWAIT); break;
	case 11: recv(*fd, data, n % 300, MSG_DONTWAIT | MSG_PEEK); break;
	case 12:
	case 13:
	case 14:
		send_fds_flags(*fd, data, n % 9, fds + draw(seed) % (SOCKETS - 4), 1 + (int)(n % 4),
		               MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 15:
	case 16: receive_files(*fd, fds, n, data, 0); break;
	case 17: receive_files(*fd, fds, n, data, MSG_PEEK); break;
	case 18: shutdown(*fd, (int)(n % 3)); break;
	case 19: setsockopt(*fd, SOL_SOCKET, (int)(n % 70), &value, sizeof value); break;
	case 20: getsockopt(*fd, SOL_SOCKET, (int)(n % 70), &value, &size); break;
	case 21: {
		struct pollfd p = {*fd, (short)n, 0};
		poll(&p, 1, 0);
		ioctl(*fd, FIONREAD, &value);
		break;
	}
	}
}

static void storm(uint32_t seed, int steps)
{
	int fds[SOCKETS];
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SOCKETS; i++)
		fds[i] = -1;
	for (int i = 0; i < steps; i++)
		live(fds, &seed);
}

TEST(wild_lives)
{
	enum { LIVES = 6 };
	pid_t pids[LIVES];
	for (uint32_t i = 0; i < LIVES; i++)
		CHILD(pids[i])
		{
			storm(i * 7919 + 1, 4000);
		}
	for (int i = 0; i < LIVES; i++)
		REAP(pids[i]);
}

static void storm_for_ever(uint32_t seed)
{
	storm(seed, INT_MAX);
}
TEST(kill_at_any_moment)
{
	storm_of_kills(4, 40, 12, storm_for_ever);
}

/* Threads that share descriptors: one closes what others sleep in. */
static int shared_fds[2];
static _Atomic int stop;

static void *write_on(void *unused)
{
	char c[3000] = {0};
	while (!stop)
		if (send(shared_fds[0], c, sizeof c, MSG_NOSIGNAL) < 0)
			sched_yield();
	return unused;
}
static void *read_on(void *unused)
{
	char c[2000];
	while (!stop)
		if (recv(shared_fds[1], c, sizeof c, 0) <= 0)
			sched_yield();
	return unused;
}
static void *poll_on(void *unused)
{
	while (!stop) {
		struct pollfd p[2] = {{shared_fds[0], POLLOUT, 0}, {shared_fds[1], POLLIN, 0}};
		poll(p, 2, 1);
	}
	return unused;
}

static void replace_under_fire(int type)
{
	pthread_t t[5];
	MUST(socketpair(AF_UNIX, type, 0, shared_fds));
	pthread_create(&t[0], NULL, write_on, NULL);
	pthread_create(&t[1], NULL, write_on, NULL);
	pthread_create(&t[2], NULL, read_on, NULL);
	pthread_create(&t[3], NULL, read_on, NULL);
	pthread_create(&t[4], NULL, poll_on, NULL);
	for (int i = 0; i < 150; i++) {
		int s[2];
		MUST(socketpair(AF_UNIX, type, 0, s));
		shutdown(shared_fds[i & 1], SHUT_RDWR);
		dup2(s[0], shared_fds[0]);
		dup2(s[1], shared_fds[1]);
		close(s[0]);
		close(s[1]);
	}
	stop = 1;
	shutdown(shared_fds[0], SHUT_RDWR);
	shutdown(shared_fds[1], SHUT_RDWR);
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
}
TEST(streams_are_replaced_while_threads_use_them)
{
	replace_under_fire(SOCK_STREAM);
}
TEST(packets_are_replaced_while_threads_use_them)
{
	replace_under_fire(SOCK_SEQPACKET);
}

/* Clients and acceptors while the listener comes and goes. */
TEST(listeners_come_and_go)
{
	enum { CLIENTS = 4, ROUNDS = 80 };
	struct name a = some_name(0);
	pid_t pids[CLIENTS];
	for (int i = 0; i < CLIENTS; i++)
		CHILD(pids[i])
		{
			for (int n = 0; n < ROUNDS;) {
				int s = new_socket(SOCK_STREAM);
				char c;
				if (!connect_name(s, &a)) {
					n++;
					if (send(s, "x", 1, MSG_NOSIGNAL) == 1)
						YES(read(s, &c, 1) == 1 || errno == ECONNRESET ||
						    errno == 0);
				} else {
					EQ(errno, ECONNREFUSED);
					sched_yield();
				}
				errno = 0;
				close(s);
			}
		}
	for (int left = CLIENTS, round = 0; left; round++) {
		int l = new_socket(SOCK_STREAM | SOCK_NONBLOCK);
		MUST(bind_name(l, &a));
		MUST(listen(l, 1));
		for (int i = 0; i < 20; i++) {
			int s = accept(l, NULL, NULL);
			if (s >= 0 && round % 3)
				send(s, "y", 1, MSG_NOSIGNAL);
			if (s < 0)
				sched_yield();
			close(s);
		}
		close(l);
		while (left && waitpid(-1, NULL, WNOHANG) > 0)
			left--;
	}
}

/* A crowd that passes descriptors around, all of which end with it. */
TEST(descriptors_are_passed_around)
{
	enum { MEMBERS = 5, TURNS = 200 };
	int ring[MEMBERS][2], p[2];
	pid_t pids[MEMBERS];
	char c;
	MUST(pipe(p));
	for (int i = 0; i < MEMBERS; i++)
		MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ring[i]));
	for (int i = 0; i < MEMBERS; i++)
		CHILD(pids[i])
		{
			int fds[SOCKETS], carry[2] = {p[1], ring[i][0]};
			for (int k = 0; k < SOCKETS; k++)
				fds[k] = -1;
			close(p[0]);
			for (int n = 0; n < TURNS; n++) {
				send_fds_flags(ring[(i + 1) % MEMBERS][0], &c, 1, carry, 2,
				               MSG_DONTWAIT | MSG_NOSIGNAL);
				receive_files(ring[i][1], fds, (uint32_t)n, (char[100]){0}, 0);
			}
		}
	for (int i = 0; i < MEMBERS; i++)
		REAP(pids[i]);
	for (int i = 0; i < MEMBERS; i++) {
		close(ring[i][0]);
		close(ring[i][1]);
	}
	close(p[1]);
	int s[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	close(s[0]);
	EQ(read(p[0], &c, 1), 0); /* nobody holds the other end any more */
}
