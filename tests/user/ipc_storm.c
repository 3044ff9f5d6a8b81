/*
 * System V IPC under fire: processes killed at any moment while attached, sending, receiving, in semop; tables filled to
 * their limits; wild arguments. In the end every number is what it must be.
 *
 * STORM=N in the environment makes the storms N times as long.
 */
#include "ipc.h"
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { PAGE = 4096 };

static int storm(int rounds)
{
	const char *factor = getenv("STORM");
	return rounds * (factor ? atoi(factor) : 1);
}

/* A small generator with a seed of its own: the same storm every time. */
static uint32_t seed = 4711;
static uint32_t draw(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}
static void some_time(uint32_t most)
{
	for (uint32_t spin = draw() % most; spin; spin--)
		sched_yield();
}

static struct shm_info shm_used(void)
{
	struct shm_info info;
	OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&info));
	return info;
}
static struct msginfo msg_used(void)
{
	struct msginfo info;
	OK(msgctl(0, MSG_INFO, (struct msqid_ds *)&info));
	return info;
}
static struct seminfo sem_used(void)
{
	struct seminfo info;
	OK(semctl(0, 0, SEM_INFO, &info));
	return info;
}

/* Victims run `work` for ever and are killed and replaced at random; at the end all are killed. */
enum { VICTIMS = 6 };
static void kill_at_random(int rounds, void (*work)(int victim))
{
	pid_t pids[VICTIMS] = {0};
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (int n = 0; n < rounds + VICTIMS; n++) {
		int v = n < rounds ? (int)(draw() % VICTIMS) : n - rounds;
		if (pids[v]) {
			kill(pids[v], SIGKILL);
			EQ(reap(pids[v]), SIGKILL);
		}
		pids[v] = 0;
		if (n >= rounds)
			continue;
		CHILD(pids[v])
		{
			seed += (uint32_t)n * 7919;
			for (;;)
				work(v);
		}
		some_time(60);
	}
	while (waitpid(-1, NULL, 0) > 0)
		; /* victims' children, orphaned in the middle of their lives */
}

/* --- killed while attached --- */

static int segment;

static void attach_in_all_ways(int victim)
{
	(void)victim;
	char *p = shmat(segment, NULL, draw() % 4 ? 0 : SHM_RDONLY);
	if (p == (char *)-1)
		return;
	volatile char c = p[draw() % 8 * PAGE];
	(void)c;
	switch (draw() % 6) {
	case 0: munmap(p + 2 * PAGE, PAGE); break;
	case 1: mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ); break;
	case 2: mremap(p + 6 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE); break;
	case 3: {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			reap(pid);
		break;
	}
	case 4: shmat(segment, p, SHM_REMAP); break;
	case 5: return; /* stays attached until it dies */
	}
	shmdt(p);
}

TEST(killed_while_attached)
{
	own_namespace();
	segment = OK(shmget(IPC_PRIVATE, 8 * PAGE, 0600));
	kill_at_random(storm(80), attach_in_all_ways);
	struct shmid_ds ds;
	OK(shmctl(segment, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 0);
	EQ(shm_used().used_ids, 1);
	EQ(shm_used().shm_tot, 8);
	OK(shmctl(segment, IPC_RMID, NULL));
	EQ(shm_used().used_ids, 0);
	EQ(shm_used().shm_tot, 0);
	EQ(shm_used().shm_rss, 0);
}

/* Segments are made, removed while attached, found by key, by everybody at once. */
static void come_and_go(int victim)
{
	(void)victim;
	key_t key = 0x5701 + (key_t)(draw() % 3);
	int id = shmget(key, 4 * PAGE, IPC_CREAT | 0600);
	if (id < 0)
		return;
	char *p = shmat(id, NULL, 0);
	if (p == (char *)-1)
		return;
	p[draw() % 4 * PAGE] = 1;
	if (draw() % 2)
		shmctl(id, IPC_RMID, NULL);
	if (draw() % 2)
		shmdt(p);
	else if (draw() % 8 == 0)
		kill(getpid(), SIGKILL); /* ours are replaced when it is their turn */
}

TEST(segments_come_and_go)
{
	own_namespace();
	kill_at_random(storm(80), come_and_go);
	for (key_t key = 0x5701; key < 0x5704; key++) {
		int id = shmget(key, 0, 0);
		struct shmid_ds ds;
		if (id < 0)
			continue;
		OK(shmctl(id, IPC_STAT, &ds));
		EQ(ds.shm_nattch, 0);
		OK(shmctl(id, IPC_RMID, NULL));
	}
	EQ(shm_used().used_ids, 0);
	EQ(shm_used().shm_tot, 0);
}

/* --- killed while sending and receiving --- */

enum { NUMBERS = 1 << 16, TEXT_MAX = 6000 };
static int queue;
static struct {
	_Atomic unsigned next;
	_Atomic unsigned char taken[NUMBERS];
} * ledger;
struct numbered {
	long type;
	unsigned number;
	char text[TEXT_MAX];
};

static size_t text_of(unsigned number)
{
	return sizeof(number) + 1 + number * 37 % (TEXT_MAX - 1);
}

static void take(struct numbered *m, ssize_t n)
{
	YES(m->number < NUMBERS);
	EQ(n, text_of(m->number));
	EQ(m->type, 1 + m->number % 5);
	EQ(m->text[0], (char)m->number);
	/* Nothing arrives twice. */
	EQ(atomic_fetch_add(&ledger->taken[m->number % NUMBERS], 1), 0);
}

static void send_or_receive(int victim)
{
	static struct numbered m;
	if (victim % 2) {
		long type = draw() % 3 ? 0 : draw() % 2 ? -3 : (long)(1 + draw() % 5);
		ssize_t n = msgrcv(queue, &m, sizeof(m) - sizeof(long), type,
		                   draw() % 4 ? 0 : IPC_NOWAIT);
		if (n >= 0)
			take(&m, n);
		return;
	}
	unsigned number = atomic_fetch_add(&ledger->next, 1);
	if (number >= NUMBERS)
		return;
	m.number = number;
	m.type = 1 + number % 5;
	m.text[0] = (char)number;
	msgsnd(queue, &m, text_of(number), draw() % 4 ? 0 : IPC_NOWAIT);
}

TEST(killed_while_sending_and_receiving)
{
	static struct numbered m;
	own_namespace();
	queue = OK(msgget(IPC_PRIVATE, 0600));
	ledger = shared(sizeof(*ledger));
	kill_at_random(storm(120), send_or_receive);
	struct msqid_ds ds;
	OK(msgctl(queue, IPC_STAT, &ds));
	EQ(msg_used().msgmap, ds.msg_qnum);
	EQ(msg_used().msgtql, ds.msg_cbytes);
	unsigned long left = 0, bytes = 0;
	for (ssize_t n; (n = msgrcv(queue, &m, sizeof(m) - sizeof(long), 0, IPC_NOWAIT)) >= 0;
	     left++) {
		take(&m, n);
		bytes += (unsigned long)n;
	}
	EQ(left, ds.msg_qnum);
	EQ(bytes, ds.msg_cbytes);
	YES(ledger->next > 100);
	OK(msgctl(queue, IPC_STAT, &ds));
	EQ(ds.msg_qnum, 0);
	EQ(ds.msg_cbytes, 0);
	OK(msgctl(queue, IPC_RMID, NULL));
	EQ(msg_used().msgpool, 0);
}

/* Queues are removed under senders and receivers that wait, and made again under the same key. */
static void use_by_key(int victim)
{
	static struct numbered m = {.type = 1};
	int id = msgget(0x5702, IPC_CREAT | 0600);
	if (draw() % 16 == 0)
		msgctl(id, IPC_RMID, NULL);
	else if (victim % 2 ? msgrcv(id, &m, TEXT_MAX, 0, 0) >= 0
	                    : !msgsnd(id, &m, draw() % TEXT_MAX, 0))
		return;
	else if (errno != EIDRM && errno != EINVAL)
		test_fail(__FILE__, __LINE__, "got %s", errno_name(errno));
}

TEST(queues_come_and_go)
{
	own_namespace();
	kill_at_random(storm(100), use_by_key);
	int id = msgget(0x5702, 0);
	if (id >= 0)
		OK(msgctl(id, IPC_RMID, NULL));
	EQ(msg_used().msgpool, 0);
	EQ(msg_used().msgmap, 0);
	EQ(msg_used().msgtql, 0);
}

/* --- all three at once: a lock by SEM_UNDO, a counter in shared memory, a message for each step --- */

static struct {
	long steps, torn;
	pid_t holder;
} * board;
static int lock;

static void step(int victim)
{
	struct sembuf enter = {0, -1, SEM_UNDO}, leave = {0, 1, SEM_UNDO};
	struct {
		long type;
		long step;
	} m = {1 + victim, 0};
	if (semop(lock, &enter, 1))
		return;
	board->holder = getpid();
	m.step = ++board->steps;
	msgsnd(queue, &m, sizeof(m.step), IPC_NOWAIT);
	if (draw() % 2)
		msgrcv(queue, &m, sizeof(m.step), 0, IPC_NOWAIT);
	if (draw() % 4 == 0)
		sched_yield();
	board->torn += board->holder != getpid();
	semop(lock, &leave, 1);
}

TEST(holders_of_a_lock_are_killed)
{
	own_namespace();
	lock = OK(semget(IPC_PRIVATE, 1, 0600));
	queue = OK(msgget(IPC_PRIVATE, 0600));
	OK(semctl(lock, 0, SETVAL, 1));
	segment = OK(shmget(IPC_PRIVATE, PAGE, 0600));
	board = shmat(segment, NULL, 0);
	OK(shmctl(segment, IPC_RMID, NULL));
	kill_at_random(storm(100), step);
	EQ(semctl(lock, 0, GETVAL), 1);
	EQ(semctl(lock, 0, GETNCNT), 0);
	EQ(board->torn, 0);
	YES(board->steps > 0);
	struct shmid_ds ds;
	OK(shmctl(segment, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 1);
	OK(shmdt(board));
	FAILS(shmctl(segment, IPC_STAT, &ds), EINVAL);
}

/* --- tables filled to their limits --- */

enum { MANY = 32000, SEGMENTS = 4096 };
static int ids[MANY];

static int lines_of(const char *path)
{
	static char text[1 << 16];
	int fd = OK(open(path, O_RDONLY)), lines = 0;
	for (ssize_t n; (n = read(fd, text, sizeof(text))) > 0;)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

TEST(as_many_queues_as_there_can_be)
{
	own_namespace();
	for (int i = 0; i < MANY; i++)
		ids[i] = OK(msgget(i % 2 ? IPC_PRIVATE : 0x100000 + i, IPC_CREAT | 0600));
	FAILS(msgget(IPC_PRIVATE, 0600), ENOSPC);
	FAILS(msgget(0x1ffffff, IPC_CREAT | 0600), ENOSPC);
	EQ(msgget(0x100000 + 31998, 0), ids[31998]);
	EQ(msg_used().msgpool, MANY);
	EQ(lines_of("/proc/sysvipc/msg"), MANY + 1);
	struct msqid_ds ds;
	int highest = msgctl(0, MSG_INFO, (struct msqid_ds *)&(struct msginfo){0}), found = 0;
	for (int i = 0; i <= highest; i++)
		found += msgctl(i, MSG_STAT, &ds) >= 0;
	EQ(found, MANY);
	OK(msgctl(ids[777], IPC_RMID, NULL));
	ids[777] = OK(msgget(IPC_PRIVATE, 0600));
	FAILS(msgget(IPC_PRIVATE, 0600), ENOSPC);
	for (int i = 0; i < MANY; i++)
		OK(msgctl(ids[i], IPC_RMID, NULL));
	EQ(msg_used().msgpool, 0);
	EQ(lines_of("/proc/sysvipc/msg"), 1);
}

TEST(as_many_sets_as_there_can_be)
{
	own_namespace();
	for (int i = 0; i < MANY; i++)
		ids[i] =
			OK(semget(i % 2 ? IPC_PRIVATE : 0x100000 + i, 1 + i % 3, IPC_CREAT | 0600));
	FAILS(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	EQ(semget(0x100000 + 31998, 0, 0), ids[31998]);
	EQ(sem_used().semusz, MANY);
	EQ(sem_used().semaem, MANY / 3 * 6 + 1 + 2);
	EQ(lines_of("/proc/sysvipc/sem"), MANY + 1);
	for (int i = MANY - 1; i >= 0; i--)
		OK(semctl(ids[i], 0, IPC_RMID));
	EQ(sem_used().semusz, 0);
	EQ(sem_used().semaem, 0);
}

TEST(as_many_segments_as_there_can_be)
{
	own_namespace();
	for (int i = 0; i < SEGMENTS; i++)
		ids[i] = OK(shmget(i % 2 ? IPC_PRIVATE : 0x100000 + i, (size_t)(1 + i % 3) * PAGE,
		                   IPC_CREAT | 0600));
	FAILS(shmget(IPC_PRIVATE, PAGE, 0600), ENOSPC);
	EQ(shm_used().used_ids, SEGMENTS);
	EQ(shm_used().shm_tot, SEGMENTS / 3 * 6 + 1);
	EQ(lines_of("/proc/sysvipc/shm"), SEGMENTS + 1);
	/* A thousand of them attached at once. */
	static char *at[1000];
	for (int i = 0; i < 1000; i++) {
		at[i] = shmat(ids[i], NULL, 0);
		YES(at[i] != (char *)-1);
		at[i][0] = (char)i;
	}
	EQ(shm_used().shm_rss, 1000);
	for (int i = 0; i < 1000; i++) {
		EQ(at[i][0], (char)i);
		OK(shmdt(at[i]));
	}
	for (int i = 0; i < SEGMENTS; i++)
		OK(shmctl(ids[i], IPC_RMID, NULL));
	EQ(shm_used().used_ids, 0);
	EQ(shm_used().shm_tot, 0);
	EQ(shm_used().shm_rss, 0);
}

/* --- wild arguments --- */

static long wild(void)
{
	static const long values[] = {0,
	                              1,
	                              -1,
	                              8,
	                              4095,
	                              4096,
	                              0x7fffffff,
	                              -0x80000000L,
	                              0x7ffffffff000,
	                              0x7fffffffffff,
	                              (long)0x8000000000000000,
	                              (long)0xffff800000000000,
	                              (long)0xffffffff80000000};
	switch (draw() % 4) {
	case 0: return values[draw() % (sizeof(values) / sizeof(*values))];
	case 1: return (long)draw() % 64;
	case 2: return (long)((uint64_t)draw() << 40 | draw());
	}
	static char room[2 * PAGE];
	return (long)room + (long)(draw() % PAGE);
}

TEST(wild_arguments)
{
	static const int calls[] = {SYS_msgget, SYS_msgsnd, SYS_msgrcv,    SYS_msgctl,
	                            SYS_shmget, SYS_shmat,  SYS_shmdt,     SYS_shmctl,
	                            SYS_semget, SYS_semctl, SYS_semtimedop};
	enum { WORKERS = 4 };
	pid_t pids[WORKERS];
	own_namespace();
	int q = OK(msgget(IPC_PRIVATE, 0600)), s = OK(shmget(IPC_PRIVATE, 3 * PAGE, 0600));
	int set = OK(semget(IPC_PRIVATE, 3, 0600));
	for (int w = 0; w < WORKERS; w++)
		CHILD(pids[w])
		{
			seed += (uint32_t)w * 104729;
			struct rlimit room = {512 << 20, 512 << 20};
			setrlimit(RLIMIT_AS, &room);
			for (int i = storm(300); i > 0; i--) {
				int call = calls[draw() % (sizeof(calls) / sizeof(*calls))];
				long a[6];
				for (int k = 0; k < 6; k++)
					a[k] = wild();
				int existing = draw() % 2;
				if (call == SYS_msgget || call == SYS_semget || call == SYS_shmget)
					a[1] = call == SYS_msgget ? a[1] : a[1] % 10000;
				else if (call != SYS_shmdt && existing)
					a[0] = call == SYS_shmat || call == SYS_shmctl        ? s
					       : call == SYS_semctl || call == SYS_semtimedop ? set
					                                                      : q;
				if (call == SYS_msgsnd)
					a[3] |= IPC_NOWAIT;
				if (call == SYS_msgrcv)
					a[4] |= IPC_NOWAIT;
				if (call == SYS_semtimedop)
					a[3] = (long)&(struct timespec){0, 1000};
				if (call == SYS_shmat)
					a[2] &= ~SHM_REMAP;
				if (call == SYS_shmget)
					a[2] &= 07777;
				pid_t pid = fork(); /* what it maps or writes over is its own */
				if (pid == 0) {
					syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
					_exit(0);
				}
				reap(pid);
			}
		}
	for (int w = 0; w < WORKERS; w++)
		REAP(pids[w]);
	/* The kernel is well, and its numbers agree. */
	OK(semget(IPC_PRIVATE, 1, 0600));
	EQ(lines_of("/proc/sysvipc/sem"), sem_used().semusz + 1);
	EQ(lines_of("/proc/sysvipc/msg"), msg_used().msgpool + 1);
	EQ(lines_of("/proc/sysvipc/shm"), shm_used().used_ids + 1);
}
