/* No memory (nomem.h) in the calls of IPC. */
#include "nomem.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

enum { BIG = 8000 };
static int fds[2];

static void close_it(long fd)
{
	close((int)fd);
}

static long get_sem(void)
{
	return semget(0x4e4f, 100, IPC_CREAT | IPC_EXCL | 0600);
}
static void rm_sem(long set)
{
	semctl((int)set, 0, IPC_RMID);
}
static long op_sem(void)
{
	struct sembuf up[20];
	for (int i = 0; i < 20; i++)
		up[i] = (struct sembuf){(unsigned short)i, 1, SEM_UNDO};
	return semop(id, up, 20);
}
static void undo_op_sem(long unused)
{
	(void)unused;
	struct sembuf down[20];
	for (int i = 0; i < 20; i++)
		down[i] = (struct sembuf){(unsigned short)i, -1, SEM_UNDO};
	OK(semop(id, down, 20));
}
static long wait_sem(void)
{
	struct sembuf down = {50, -1, SEM_UNDO};
	struct timespec soon = {0, 1000000};
	long r = semtimedop(id, &down, 1, &soon);
	return r == -1 && errno == EAGAIN ? 0 : r;
}
static long set_sem(void)
{
	unsigned short values[100] = {0};
	return semctl(id, 0, SETALL, values);
}
TEST(semaphores)
{
	MUST(unshare(CLONE_NEWIPC));
	EXHAUST(get_sem, rm_sem);
	id = MUST(semget(IPC_PRIVATE, 100, 0600));
	EXHAUST(op_sem, undo_op_sem);
	EXHAUST(wait_sem, NULL);
	EXHAUST(set_sem, NULL);
	for (int i = 0; i < 100; i++)
		EQ(semctl(id, i, GETVAL), 0);
}

struct letter {
	long type;
	char text[BIG];
};
static struct letter letter = {.type = 1};
static long get_msg(void)
{
	return msgget(0x4e4f, IPC_CREAT | IPC_EXCL | 0600);
}
static void rm_msg(long queue)
{
	msgctl((int)queue, IPC_RMID, NULL);
}
static long send_msg(void)
{
	letter.type++;
	return msgsnd(id, &letter, BIG, 0);
}
static void take_msg(long unused)
{
	(void)unused;
	EQ(msgrcv(id, &letter, BIG, 0, IPC_NOWAIT), BIG);
}
static long receive_msg(void)
{
	return msgrcv(id, &letter, BIG, -9, IPC_NOWAIT);
}
static void put_msg(long unused)
{
	(void)unused;
	letter.type = 3;
	OK(msgsnd(id, &letter, BIG, 0));
}
TEST(message_queues)
{
	MUST(unshare(CLONE_NEWIPC));
	EXHAUST(get_msg, rm_msg);
	id = MUST(msgget(IPC_PRIVATE, 0600));
	EXHAUST(send_msg, take_msg);
	put_msg(0);
	EXHAUST(receive_msg, put_msg);
	/* What was not received stays. */
	take_msg(0);
	FAILS(msgrcv(id, &letter, BIG, 0, IPC_NOWAIT), ENOMSG);
}

static long get_shm(void)
{
	return shmget(0x4e4f, 16 * PAGE, IPC_CREAT | IPC_EXCL | 0600);
}
static void rm_shm(long segment)
{
	shmctl((int)segment, IPC_RMID, NULL);
}
static long attach(void)
{
	return (long)shmat(id, NULL, 0);
}
static void detach(long where)
{
	OK(shmdt((void *)where));
}
TEST(shared_memory)
{
	struct shmid_ds ds;
	MUST(unshare(CLONE_NEWIPC));
	EXHAUST(get_shm, rm_shm);
	id = MUST(shmget(IPC_PRIVATE, 16 * PAGE, 0600));
	EXHAUST(attach, detach);
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 0);
}

static long open_mq(void)
{
	struct mq_attr attr = {.mq_maxmsg = 8, .mq_msgsize = 512};
	return syscall(SYS_mq_open, "nomem", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}
static void unlink_mq(long fd)
{
	close((int)fd);
	OK(syscall(SYS_mq_unlink, "nomem"));
}
static long send_mq(void)
{
	return syscall(SYS_mq_timedsend, id, text, 512, 5, NULL);
}
static void take_mq(long unused)
{
	(void)unused;
	EQ(syscall(SYS_mq_timedreceive, id, text, 512, NULL, NULL), 512);
}
static long notify_mq(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	return syscall(SYS_mq_notify, id, &e);
}
static void unnotify_mq(long unused)
{
	(void)unused;
	OK(syscall(SYS_mq_notify, id, NULL));
}
TEST(posix_queues)
{
	MUST(unshare(CLONE_NEWIPC));
	EXHAUST(open_mq, unlink_mq);
	id = MUST((int)open_mq());
	EXHAUST(send_mq, take_mq);
	EXHAUST(notify_mq, unnotify_mq);
	unlink_mq(id);
}
/* (Linux takes the end of a half-made child for a close by its parent: with fault injection it would fail here.) */
TEST(no_child_keeps_the_notification)
{
	MUST(unshare(CLONE_NEWIPC));
	id = (int)MUST(open_mq());
	OK(notify_mq());
	EXHAUST(make_child, wait_child);
	FAILS(notify_mq(), EBUSY);
	unlink_mq(id);
}

static long make_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC);
}
static long make_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, 0);
}
static long make_signalfd(void)
{
	sigset_t set;
	sigfillset(&set);
	return signalfd(-1, &set, 0);
}
static long make_epoll(void)
{
	return epoll_create1(0);
}
static long make_pidfd(void)
{
	return syscall(434, getpid(), 0);
}
static long make_memfd(void)
{
	return syscall(SYS_memfd_create, "nomem", 0);
}
static long make_pipe(void)
{
	return pipe(fds);
}
static void close_both(long unused)
{
	(void)unused;
	close(fds[0]);
	close(fds[1]);
}
static long make_timer(void)
{
	int timer;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	return syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &timer) ? -1 : timer;
}
static void delete_timer(long timer)
{
	OK(syscall(SYS_timer_delete, timer));
}
static long queue_signal(void)
{
	return sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1});
}
static void take_signal(long unused)
{
	sigset_t set;
	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	EQ(sigwaitinfo(&set, NULL), SIGRTMIN + 3);
}
TEST(event_descriptors_timers_and_signals)
{
	sigset_t set;
	EXHAUST(make_eventfd, close_it);
	EXHAUST(make_timerfd, close_it);
	EXHAUST(make_signalfd, close_it);
	EXHAUST(make_epoll, close_it);
	EXHAUST(make_pidfd, close_it);
	EXHAUST(make_memfd, close_it);
	EXHAUST(make_pipe, close_both);
	EXHAUST(make_timer, delete_timer);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	EXHAUST(queue_signal, take_signal);
}

static long add_epoll(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	return epoll_ctl(id, EPOLL_CTL_ADD, fds[0], &e);
}
static void del_epoll(long unused)
{
	(void)unused;
	OK(epoll_ctl(id, EPOLL_CTL_DEL, fds[0], NULL));
}
static long wait_epoll(void)
{
	struct epoll_event e[8];
	return epoll_wait(id, e, 8, 1);
}
static long poll_many(void)
{
	struct pollfd p[200];
	for (int i = 0; i < 200; i++)
		p[i] = (struct pollfd){fds[0], POLLIN, 0};
	return poll(p, 200, 1);
}
static long write_pipe(void)
{
	return write(fds[1], text, sizeof(text));
}
static void drain(long n)
{
	for (ssize_t got; n > 0 && (got = read(fds[0], text, (size_t)n)) > 0;)
		n -= got;
	EQ(n, 0);
}
static long resize_pipe(void)
{
	return fcntl(fds[1], F_SETPIPE_SZ, 1 << 17);
}
static void shrink_pipe(long unused)
{
	(void)unused;
	OK(fcntl(fds[1], F_SETPIPE_SZ, PAGE));
}
static long dup_high(void)
{
	return fcntl(fds[0], F_DUPFD, 900);
}
TEST(waiting_and_pipes)
{
	OK(pipe2(fds, O_NONBLOCK));
	id = OK(epoll_create1(0));
	EXHAUST(add_epoll, del_epoll);
	OK(add_epoll());
	EXHAUST(wait_epoll, NULL);
	EXHAUST(poll_many, NULL);
	EXHAUST(write_pipe, drain);
	EXHAUST(resize_pipe, shrink_pipe);
	EXHAUST(dup_high, close_it);
}

static long make_pair(void)
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}
static long send_descriptors(void)
{
	char space[CMSG_SPACE(3 * sizeof(int))] = "";
	struct iovec v = {text, 100};
	struct msghdr m = {.msg_iov = &v,
	                   .msg_iovlen = 1,
	                   .msg_control = space,
	                   .msg_controllen = sizeof(space)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(3 * sizeof(int)),
	                      .cmsg_level = SOL_SOCKET,
	                      .cmsg_type = SCM_RIGHTS};
	for (int i = 0; i < 3; i++)
		((int *)CMSG_DATA(c))[i] = fds[0];
	return sendmsg(fds[1], &m, 0);
}
static void take_plain(long unused)
{
	(void)unused;
	EQ(recv(fds[0], text, 100, 0), 100);
}
static long connect_pair(void)
{
	struct sockaddr_un a = {AF_UNIX, "\0nomem"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = -1, server = -1, error;
	if (listener >= 0 && !bind(listener, (void *)&a, 10) && !listen(listener, 1) &&
	    (client = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && !connect(client, (void *)&a, 10))
		server = accept(listener, NULL, NULL);
	error = errno;
	close(listener);
	close(client);
	errno = error;
	return server;
}
TEST(sockets)
{
	EXHAUST(make_pair, close_both);
	OK(make_pair());
	EXHAUST(send_descriptors, take_plain);
	EXHAUST(connect_pair, close_it);
}
