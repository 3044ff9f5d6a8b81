/*
 * Death at any moment: processes whose threads sleep in every kind of wait, are woken, and have their descriptors
 * exchanged under them, are killed at moments that differ from round to round. What they waited for stays usable, and
 * what they held is given back (the leak report at the end of the boot).
 */
#include "sem.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

enum {
	ROUNDS = 10,
	SLEEPERS = 3,
	WORDS = 64,
	MQ_OPEN = 240,
	MQ_UNLINK,
	MQ_SEND,
	MQ_RECEIVE,
	WAITV = 449
};
enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI };

static uint64_t state = 88172645463325252;
static unsigned draw(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % n);
}

/* What all of them wait for; made before the fork. */
static struct {
	int set, queue, full_queue, mq, event, pair[2], full_pair[2], pipe[2], full_pipe[2], epoll,
		timer, signals, listener, lock;
	_Atomic unsigned *words;
} on;

struct letter {
	long type;
	char text[64];
};
static char block[4096];

static void wait_sem(void)
{
	SEMOP(on.set, OP_UNDO(0, -1), OP_UNDO(1, 1));
	SEMOP(on.set, OP_UNDO(1, -1), OP_UNDO(0, 1));
}
static void wake_sem(void)
{
	OK(SEMOP(on.set, OP(0, 1)));
	OK(SEMOP(on.set, OP(0, -1)));
}
static void receive_msg(void)
{
	struct letter l;
	msgrcv(on.queue, &l, sizeof(l.text), draw(2) ? 1 : -3, 0);
}
static void send_msg(void)
{
	struct letter l = {1, "x"};
	msgsnd(on.queue, &l, 10, IPC_NOWAIT);
}
static void send_full_msg(void)
{
	struct letter l = {1, "x"};
	msgsnd(on.full_queue, &l, 60, 0);
}
static void take_full_msg(void)
{
	struct letter l;
	msgrcv(on.full_queue, &l, sizeof(l.text), 0, IPC_NOWAIT);
}
static void receive_mq(void)
{
	syscall(MQ_RECEIVE, on.mq, (char[64]){0}, 64, NULL, NULL);
}
static void send_mq(void)
{
	struct timespec now = {0, 0};
	syscall(MQ_SEND, on.mq, block, 10, draw(3), &now);
}
static void wait_futex(void)
{
	syscall(SYS_futex, &on.words[0], FUTEX_WAIT, 0, NULL, NULL, 0);
}
static void wake_futex(void)
{
	syscall(SYS_futex, &on.words[0], FUTEX_WAKE, 1, NULL, NULL, 0);
}
static void wait_many_futexes(void)
{
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} v[4];
	for (int i = 0; i < 4; i++) {
		v[i].value = 0;
		v[i].address = (uint64_t)&on.words[i];
		v[i].flags = 2;
		v[i].reserved = 0;
	}
	syscall(WAITV, v, 4, 0, NULL, 0);
}
static unsigned pi_word;
static void lock_pi(void)
{
	if (syscall(SYS_futex, &pi_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0) {
		sched_yield();
		syscall(SYS_futex, &pi_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	}
}
static void read_event(void)
{
	uint64_t n;
	(void)!read(on.event, &n, 8);
}
static void wait_epoll(void)
{
	struct epoll_event e[4];
	epoll_wait(on.epoll, e, 4, -1);
	read_event(); /* or sleep here */
}
static void wait_poll(void)
{
	struct pollfd p[] = {{on.event, POLLIN, 0},   {on.pair[0], POLLIN, 0},
	                     {on.pipe[0], POLLIN, 0}, {on.timer, POLLIN, 0},
	                     {on.signals, POLLIN, 0}, {on.listener, POLLIN, 0},
	                     {on.mq, POLLPRI, 0},     {on.full_pipe[1], POLLOUT, 0}};
	poll(p, 8, -1);
	read_event();
}
static void wait_select(void)
{
	fd_set r;
	FD_ZERO(&r);
	FD_SET(on.event, &r);
	FD_SET(on.pipe[0], &r);
	select(on.event + on.pipe[0] + 1, &r, NULL, NULL, NULL);
	read_event();
}
static void write_event(void)
{
	uint64_t n = 1;
	(void)!write(on.event, &n, 8);
}
static void read_socket(void)
{
	recv(on.pair[0], (char[8]){0}, 8, 0);
}
static void write_socket(void)
{
	send(on.pair[1], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}
static void write_full_socket(void)
{
	send(on.full_pair[1], block, sizeof(block), MSG_NOSIGNAL);
}
static void drain_socket(void)
{
	recv(on.full_pair[0], (char[4096]){0}, 4096, MSG_DONTWAIT);
}
static void accept_socket(void)
{
	int fd = accept(on.listener, NULL, NULL);
	if (fd >= 0)
		close(fd);
}
static void connect_socket(void)
{
	struct sockaddr_un a = {AF_UNIX, "\0kill_storm"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)!connect(fd, (void *)&a, 13);
	close(fd);
}
static void read_pipe(void)
{
	(void)!read(on.pipe[0], (char[8]){0}, 8);
}
static void write_pipe(void)
{
	(void)!write(on.pipe[1], "x", 1);
}
static void write_full_pipe(void)
{
	(void)!write(on.full_pipe[1], block, sizeof(block));
}
static void drain_pipe(void)
{
	struct pollfd p = {on.full_pipe[0], POLLIN, 0};
	if (poll(&p, 1, 0) == 1)
		(void)!read(on.full_pipe[0], (char[100]){0}, 100);
}
static void read_timer(void)
{
	uint64_t n;
	(void)!read(on.timer, &n, 8);
}
static void set_timer(void)
{
	timerfd_settime(on.timer, 0, &(struct itimerspec){{0, 0}, {0, 1000}}, NULL);
}
static void read_signals(void)
{
	struct signalfd_siginfo i;
	(void)!read(on.signals, &i, sizeof(i));
}
static void wait_signal(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwaitinfo(&set, NULL);
}
static void wait_lock(void)
{
	struct flock l = {.l_type = F_WRLCK};
	fcntl(on.lock, F_SETLKW, &l);
	sched_yield();
	l.l_type = F_UNLCK;
	fcntl(on.lock, F_SETLK, &l);
}
static void wait_flock(void)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", on.lock);
	int fd = open(path, O_RDWR);
	flock(fd, LOCK_EX);
	sched_yield();
	close(fd);
}
static void wait_child(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	waitpid(pid, NULL, 0);
}
static void sleep_long(void)
{
	nanosleep(&(struct timespec){1000, 0}, NULL);
}
static void nothing(void) {}

static void (*wait_in)(void);
static void *sleeper(void *unused)
{
	for (;;)
		wait_in();
	return unused;
}
/* Descriptors change their meaning under those who wait on them, and come back. */
static void *exchange(void *unused)
{
	const int *fds = (const int *)unused;
	for (;;) {
		int fd = fds[draw(6)], copy = dup(fd);
		if (copy >= 0) {
			dup2(on.event, fd);
			sched_yield();
			dup2(copy, fd);
			close(copy);
		}
	}
	return unused;
}

static void set_up(void)
{
	struct sockaddr_un a = {AF_UNIX, "\0kill_storm"};
	struct {
		long flags, maximum, size, count, reserved[4];
	} attr = {0, 4, 64, 0, {0}};
	struct letter l = {1, "x"};
	sigset_t set;
	MUST(unshare(CLONE_NEWIPC));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	on.set = sem_new(2);
	on.queue = MUST(msgget(IPC_PRIVATE, 0600));
	on.full_queue = MUST(msgget(IPC_PRIVATE, 0600));
	while (msgsnd(on.full_queue, &l, 60, IPC_NOWAIT) == 0)
		;
	on.mq = (int)MUST(syscall(MQ_OPEN, "kill_storm", O_CREAT | O_RDWR, 0600, &attr));
	MUST(syscall(MQ_UNLINK, "kill_storm"));
	on.event = MUST(eventfd(0, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, on.pair));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, on.full_pair));
	while (send(on.full_pair[1], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	MUST(pipe(on.pipe));
	MUST(pipe2(on.full_pipe, O_NONBLOCK));
	while (write(on.full_pipe[1], block, sizeof(block)) > 0)
		;
	MUST(fcntl(on.full_pipe[1], F_SETFL, 0));
	on.timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	on.signals = MUST(signalfd(-1, &set, 0));
	on.listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(on.listener, (void *)&a, 13));
	MUST(listen(on.listener, 4));
	on.lock = (int)MUST(syscall(SYS_memfd_create, "lock", 0));
	on.words = shared(WORDS * sizeof(*on.words));
	on.epoll = MUST(epoll_create1(0));
	int watched[] = {on.event,   on.pair[0],  on.pipe[0], on.timer,
	                 on.signals, on.listener, on.mq};
	for (unsigned i = 0; i < sizeof(watched) / sizeof(*watched); i++) {
		struct epoll_event e = {.events = EPOLLIN | (i % 2 ? EPOLLET : 0)};
		MUST(epoll_ctl(on.epoll, EPOLL_CTL_ADD, watched[i], &e));
	}
}

static void one_life(void (*wait)(void), void (*wake)(void), int exchanging)
{
	pid_t pid = spawn();
	if (pid == 0) {
		pthread_t t;
		int fds[] = {on.pair[0], on.pipe[0], on.timer, on.mq, on.listener, on.epoll};
		setpgid(0, 0);
		wait_in = wait;
		state += (uint64_t)getpid() << 8;
		for (int i = 0; i < SLEEPERS; i++)
			pthread_create(&t, NULL, sleeper, NULL);
		if (exchanging)
			exchange(fds);
		sleeper(NULL);
	}
	setpgid(pid, pid);
	for (unsigned i = draw(30); i > 0; i--) {
		if (draw(3) == 0)
			wake();
		sched_yield();
	}
	kill(draw(2) ? pid : -pid, SIGKILL);
	EQ(reap(pid), SIGKILL);
	kill(-pid, SIGKILL);
}

static void lives(void (*wait)(void), void (*wake)(void))
{
	for (int i = 0; i < ROUNDS; i++)
		one_life(wait, wake, i % 3 == 2);
}

TEST(in_waits_of_system_v)
{
	set_up();
	lives(wait_sem, wake_sem);
	EQ(val(on.set, 0), 0);
	EQ(val(on.set, 1), 0);
	EQ(ncnt(on.set, 0), 0);
	lives(receive_msg, send_msg);
	lives(send_full_msg, take_full_msg);
	/* Nobody is left who would take it. */
	struct letter l = {7, "whole"}, got;
	OK(msgsnd(on.queue, &l, 10, 0));
	EQ(msgrcv(on.queue, &got, sizeof(got.text), 7, IPC_NOWAIT), 10);
}

TEST(in_waits_of_posix_queues)
{
	set_up();
	lives(receive_mq, send_mq);
	struct timespec past = {0, 0};
	while (syscall(MQ_RECEIVE, on.mq, block, sizeof(block), NULL, &past) >= 0)
		;
	EQ(errno, ETIMEDOUT);
	for (int i = 0; i < 4; i++)
		OK(syscall(MQ_SEND, on.mq, block, 10, 1, &past));
	FAILS(syscall(MQ_SEND, on.mq, block, 10, 1, &past), ETIMEDOUT);
}

TEST(in_waits_of_futexes)
{
	set_up();
	lives(wait_futex, wake_futex);
	EQ(syscall(SYS_futex, &on.words[0], FUTEX_WAKE, 100, NULL, NULL, 0), 0);
	lives(wait_many_futexes, wake_futex);
	for (int i = 0; i < 4; i++)
		EQ(syscall(SYS_futex, &on.words[i], FUTEX_WAKE, 100, NULL, NULL, 0), 0);
	lives(lock_pi, nothing);
}

TEST(in_waits_for_events)
{
	set_up();
	lives(wait_epoll, write_event);
	lives(wait_epoll, write_socket);
	lives(wait_poll, write_event);
	lives(wait_select, write_event);
	lives(read_event, write_event);
	lives(read_timer, set_timer);
	lives(read_signals, nothing);
	lives(wait_signal, nothing);
	/* It still counts and tells. */
	struct pollfd p = {on.event, POLLIN, 0};
	while (poll(&p, 1, 0) == 1)
		read_event();
	write_event();
	EQ(poll(&p, 1, -1), 1);
}

TEST(in_waits_of_sockets_and_pipes)
{
	set_up();
	lives(read_socket, write_socket);
	lives(write_full_socket, drain_socket);
	lives(accept_socket, connect_socket);
	lives(read_pipe, write_pipe);
	lives(write_full_pipe, drain_pipe);
	while (recv(on.pair[0], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	write_socket();
	EQ(recv(on.pair[0], block, sizeof(block), 0), 1);
}

TEST(in_waits_for_locks_and_processes)
{
	set_up();
	lives(wait_lock, nothing);
	lives(wait_flock, nothing);
	lives(wait_child, nothing);
	lives(sleep_long, nothing);
	struct flock l = {.l_type = F_WRLCK};
	OK(fcntl(on.lock, F_SETLK, &l));
	OK(flock(on.lock, LOCK_EX | LOCK_NB));
}
