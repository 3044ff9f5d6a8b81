/*
 * Memory that runs out at every allocation in turn (K3): each call below is repeated, with the first, the second, ... of its
 * allocations failing, until it passes untouched. A call that fails says ENOMEM and has changed nothing.
 *
 * /proc/self/fail-nth is there in debug images only: elsewhere each call is made once, and must succeed.
 */
#include "ipc.h"
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { PAGE = 4096, LARGE = 600, MSG_COPY_FLAG = 040000, TRIES_MAX = 500 };

static int control = -2;

/* Lets the n-th allocation of this thread from now on fail. */
static void fail_nth(int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);
	if (control == -2)
		control = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (control >= 0)
		EQ(pwrite(control, text, (size_t)length, 0), length);
}
/* => has it not come to that? */
static int untouched(void)
{
	char text[16] = "";
	return control < 0 || (pread(control, text, sizeof(text) - 1, 0) > 0 && atoi(text) > 0);
}

static struct {
	int sets, semaphores, queues, messages, segments;
} used, before;
static void count_used(void)
{
	struct seminfo sem;
	struct msginfo msg;
	struct shm_info shm;
	OK(semctl(0, 0, SEM_INFO, &sem));
	OK(msgctl(0, MSG_INFO, (struct msqid_ds *)&msg));
	OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&shm));
	used.sets = sem.semusz;
	used.semaphores = sem.semaem;
	used.queues = msg.msgpool;
	used.messages = msg.msgmap;
	used.segments = shm.used_ids;
}

/* CALL may fail with ENOMEM as long as memory runs out under it; UNDO takes back what a success made. */
#define EACH_FAILURE(call, undo)                                                                   \
	for (int n_ = 1, done_ = 0; !done_ && n_ < TRIES_MAX; n_++) {                              \
		count_used();                                                                      \
		before = used;                                                                     \
		fail_nth(n_);                                                                      \
		errno = 0;                                                                         \
		long result = (long)(call);                                                        \
		int error_ = errno;                                                                \
		done_ = untouched();                                                               \
		fail_nth(0);                                                                       \
		if (result == -1) {                                                                \
			YES(!done_);                                                               \
			if (error_ != ENOMEM)                                                      \
				test_fail(__FILE__, __LINE__, "%s, allocation %d: got %s", #call,  \
				          n_, errno_name(error_));                                 \
		} else {                                                                           \
			undo;                                                                      \
		}                                                                                  \
		count_used();                                                                      \
		YES(!memcmp(&used, &before, sizeof(used)));                                        \
		if (n_ == TRIES_MAX - 1)                                                           \
			test_fail(__FILE__, __LINE__, "%s never passes", #call);                   \
	}

static struct {
	long type;
	char text[8192];
} m = {.type = 1};

TEST(making_objects)
{
	own_namespace();
	for (int keyed = 0; keyed < 2; keyed++) {
		key_t key = keyed ? 0x4641 : IPC_PRIVATE;
		EACH_FAILURE(semget(key, 3, IPC_CREAT | 0600),
		             OK(semctl((int)result, 0, IPC_RMID)));
		EACH_FAILURE(semget(key, 32000, IPC_CREAT | 0600),
		             OK(semctl((int)result, 0, IPC_RMID)));
		EACH_FAILURE(msgget(key, IPC_CREAT | 0600),
		             OK(msgctl((int)result, IPC_RMID, NULL)));
		EACH_FAILURE(shmget(key, 3 * PAGE, IPC_CREAT | 0600),
		             OK(shmctl((int)result, IPC_RMID, NULL)));
	}
	/* So many that the tables of ids and of keys grow on the way. */
	static int ids[LARGE];
	int have = 0;
	while (have < LARGE)
		EACH_FAILURE(msgget(0x10000 + have, IPC_CREAT | 0600), {
			ids[have++] = (int)result;
			before.queues++;
		});
	while (have)
		OK(msgctl(ids[--have], IPC_RMID, NULL));
}

TEST(semaphore_operations)
{
	own_namespace();
	int id = OK(semget(IPC_PRIVATE, 3, 0600)), large = OK(semget(IPC_PRIVATE, 5000, 0600));
	struct sembuf up[200], down = {0, -9, 0}, owe = {1, 1, SEM_UNDO};
	struct timespec moment = {0, 1000};
	unsigned short values[5000] = {0};
	for (int i = 0; i < 200; i++)
		up[i] = (struct sembuf){2, 1, 0};
	EACH_FAILURE(semop(id, up, 200), ;);
	EQ(semctl(id, 2, GETVAL) % 200, 0);
	EACH_FAILURE(semop(id, &owe, 1), ;);
	EACH_FAILURE(semtimedop(id, &down, 1, &moment) == -1 && errno == EAGAIN ? 0 : -1, ;);
	EACH_FAILURE(semctl(large, 0, GETALL, values), ;);
	EACH_FAILURE(semctl(large, 0, SETALL, values), ;);
	EQ(semctl(id, 0, GETVAL), 0);
	/* One debt for each success, and none for a failure. */
	for (int i = 0; i < 100; i++) {
		int set = OK(semget(IPC_PRIVATE, 1, 0600));
		struct sembuf one = {0, 1, SEM_UNDO};
		int successes = 0;
		for (int n = 1, done = 0; !done; n++) {
			fail_nth(n);
			successes += semop(set, &one, 1) == 0;
			done = untouched();
			fail_nth(0);
		}
		EQ(semctl(set, 0, GETVAL), successes);
	}
}

TEST(messages)
{
	static const int sizes[] = {1, 100, 4000, 4096, 8192};
	own_namespace();
	int id = OK(msgget(IPC_PRIVATE, 0600));
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = (size_t)sizes[i];
		EACH_FAILURE(msgsnd(id, &m, n, 0), EQ(msgrcv(id, &m, n, 0, IPC_NOWAIT), n));
		OK(msgsnd(id, &m, n, 0));
		EACH_FAILURE(msgrcv(id, &m, n, 0, IPC_NOWAIT), {
			EQ(result, n);
			OK(msgsnd(id, &m, n, 0));
		});
		if (msgrcv(id, &m, n, 0, IPC_NOWAIT | MSG_COPY_FLAG) >= 0 || errno != ENOSYS)
			EACH_FAILURE(msgrcv(id, &m, n, 0, IPC_NOWAIT | MSG_COPY_FLAG),
			             EQ(result, n));
		OK(msgrcv(id, &m, n, 0, IPC_NOWAIT));
	}
	struct msqid_ds ds;
	OK(msgctl(id, IPC_STAT, &ds));
	EQ(ds.msg_cbytes, 0);
}

TEST(attaching)
{
	own_namespace();
	int id = OK(shmget(IPC_PRIVATE, 16 * PAGE, 0600));
	struct shmid_ds ds;
	EACH_FAILURE(shmat(id, NULL, 0), OK(shmdt((void *)result)));
	EACH_FAILURE(shmat(id, NULL, SHM_RDONLY), OK(shmdt((void *)result)));
	char *p = shmat(id, NULL, 0);
	EACH_FAILURE(munmap(p + 4 * PAGE, PAGE), ;);
	EACH_FAILURE(mprotect(p + 8 * PAGE, PAGE, PROT_READ), ;);
	EACH_FAILURE(shmdt(p), {
		p = shmat(id, NULL, 0);
		YES(p != (char *)-1);
	});
	OK(shmdt(p));
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 0);
}

/* What the kernel must make in order to fork comes from many rooms; EAGAIN is one of clone(2)'s words for it. */
static long fork_with(int flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		reap((pid_t)pid);
	else if (errno == EAGAIN)
		errno = ENOMEM;
	return pid;
}

TEST(namespaces_and_forks)
{
	own_namespace();
	int id = OK(shmget(IPC_PRIVATE, PAGE, 0600));
	struct shmid_ds ds;
	char *p = shmat(id, NULL, 0);
	EACH_FAILURE(fork_with(0), ;);
	EACH_FAILURE(fork_with(CLONE_NEWIPC), ;);
	EACH_FAILURE(fork_with(CLONE_SYSVSEM), ;);
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 1);
	OK(shmdt(p));
	pid_t pid;
	CHILD(pid)
	{
		control = -2; /* each task has its own */
		for (int n = 1, done = 0; !done; n++) {
			fail_nth(n);
			int result = unshare(CLONE_NEWIPC);
			int error = errno;
			done = untouched();
			fail_nth(0);
			YES(result == 0 || error == ENOMEM);
			YES(result == 0 || shmctl(id, IPC_STAT, &ds) == 0);
		}
	}
	REAP(pid);
}
