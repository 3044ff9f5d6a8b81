/* IPC namespaces (V6), the same rules for semaphores, message queues and shared memory. */
#include "ipc.h"
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x4e53, PAGE = 4096, NS_GET_NSTYPE = 0xb703 };

/* --- the families, for what is the same for all three --- */

static int get_sem(key_t key, int flags)
{
	return semget(key, 1, flags);
}
static int get_msg(key_t key, int flags)
{
	return msgget(key, flags);
}
static int get_shm(key_t key, int flags)
{
	return shmget(key, PAGE, flags);
}
static int stat_sem(int id)
{
	struct semid_ds ds;
	return semctl(id, 0, IPC_STAT, &ds);
}
static int stat_msg(int id)
{
	struct msqid_ds ds;
	return msgctl(id, IPC_STAT, &ds);
}
static int stat_shm(int id)
{
	struct shmid_ds ds;
	return shmctl(id, IPC_STAT, &ds);
}
static int remove_sem(int id)
{
	return semctl(id, 0, IPC_RMID);
}
static int remove_msg(int id)
{
	return msgctl(id, IPC_RMID, NULL);
}
static int remove_shm(int id)
{
	return shmctl(id, IPC_RMID, NULL);
}

static const struct family {
	const char *list, *next_id;
	int (*get)(key_t key, int flags);
	int (*stat)(int id);
	int (*remove)(int id);
} families[] = {
	{"/proc/sysvipc/sem", "/proc/sys/kernel/sem_next_id", get_sem, stat_sem, remove_sem},
	{"/proc/sysvipc/msg", "/proc/sys/kernel/msg_next_id", get_msg, stat_msg, remove_msg},
	{"/proc/sysvipc/shm", "/proc/sys/kernel/shm_next_id", get_shm, stat_shm, remove_shm},
};
#define for_each_family(f) for (const struct family *f = families; f < families + 3; f++)

static int lines_of(const char *path)
{
	char text[4096];
	int lines = 0;
	OK(file_read(path, text, sizeof(text)));
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	return lines;
}
static int namespace_of(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}
static ino_t number_of(pid_t pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	return stat(path, &st) ? 0 : st.st_ino;
}
/* --- isolation --- */

TEST(keys_and_ids_are_of_the_namespace)
{
	own_namespace();
	for_each_family(f)
	{
		pid_t pid;
		int id = OK(f->get(KEY, IPC_CREAT | 0600));
		EQ(lines_of(f->list), 2);
		CHILD(pid)
		{
			own_namespace();
			FAILS(f->get(KEY, 0), ENOENT);
			FAILS(f->stat(id), EINVAL);
			FAILS(f->remove(id), EINVAL);
			EQ(lines_of(f->list), 1);
			EQ(f->get(KEY, IPC_CREAT | IPC_EXCL | 0600), id);
			OK(f->remove(id));
		}
		REAP(pid);
		OK(f->stat(id));
		EQ(f->get(KEY, 0), id);
	}
}

TEST(clone_gives_the_child_a_namespace)
{
	own_namespace();
	for_each_family(f)
	{
		int id = OK(f->get(KEY, IPC_CREAT | 0600));
		pid_t pid = clone_process(CLONE_NEWIPC);
		if (pid == 0) {
			FAILS(f->get(KEY, 0), ENOENT);
			FAILS(f->stat(id), EINVAL);
			OK(f->get(KEY, IPC_CREAT | IPC_EXCL | 0600));
			_exit(0);
		}
		REAP(pid);
		OK(f->remove(id));
	}
}

/* Two children, each in its own namespace, use the same keys and do not meet. */
TEST(siblings_do_not_meet)
{
	pid_t pids[2];
	volatile int *ready = shared(PAGE);
	for (int i = 0; i < 2; i++)
		CHILD(pids[i])
		{
			own_namespace();
			int q = OK(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
			int set = OK(semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600));
			char *memory =
				shmat(OK(shmget(KEY, PAGE, IPC_CREAT | IPC_EXCL | 0600)), NULL, 0);
			struct {
				long type;
				char text[4];
			} m = {1 + i, "hi"};
			OK(msgsnd(q, &m, 3, 0));
			OK(semctl(set, 0, SETVAL, 10 + i));
			memory[0] = (char)(20 + i);
			ready[i] = 1;
			UNTIL(ready[!i]);
			EQ(msgrcv(q, &m, 4, 0, IPC_NOWAIT), 3);
			EQ(m.type, 1 + i);
			FAILS(msgrcv(q, &m, 4, 0, IPC_NOWAIT), ENOMSG);
			EQ(semctl(set, 0, GETVAL), 10 + i);
			EQ(memory[0], 20 + i);
		}
	REAP(pids[0]);
	REAP(pids[1]);
}

/* The same ids in two namespaces: nobody is woken by the other's doings. */
TEST(waiters_are_of_the_namespace)
{
	struct sembuf down = {0, -1, 0}, up = {0, 1, 0};
	struct {
		long type;
		char text[4];
	} m = {1, "hi"};
	struct msqid_ds ds;
	own_namespace();
	int set = OK(semget(KEY, 1, IPC_CREAT | 0600)), q = OK(msgget(KEY, IPC_CREAT | 0600));
	pid_t sleeper, receiver, other;
	CHILD(sleeper) OK(semop(set, &down, 1));
	CHILD(receiver) EQ(msgrcv(q, &m, 4, 0, 0), 3);
	UNTIL(semctl(set, 0, GETNCNT) == 1);
	until_asleep(receiver);
	CHILD(other)
	{
		own_namespace();
		EQ(semget(KEY, 1, IPC_CREAT | 0600), set);
		EQ(msgget(KEY, IPC_CREAT | 0600), q);
		OK(semop(set, &up, 1));
		EQ(semctl(set, 0, GETVAL), 1);
		OK(msgsnd(q, &m, 3, 0));
		OK(msgctl(q, IPC_STAT, &ds));
		EQ(ds.msg_qnum, 1);
	}
	REAP(other);
	EQ(semctl(set, 0, GETNCNT), 1);
	OK(semop(set, &up, 1));
	OK(msgsnd(q, &m, 3, 0));
	REAP(sleeper);
	REAP(receiver);
}

TEST(limits_begin_with_the_defaults)
{
	static const struct {
		const char *path, *initial, *other;
	} limits[] = {
		{"/proc/sys/kernel/msgmax", "8192\n", "17"},
		{"/proc/sys/kernel/msgmnb", "16384\n", "18"},
		{"/proc/sys/kernel/msgmni", "32000\n", "19"},
		{"/proc/sys/kernel/shmmni", "4096\n", "20"},
		{"/proc/sys/kernel/shmmax", "18446744073692774399\n", "21"},
		{"/proc/sys/kernel/shmall", "18446744073692774399\n", "22"},
		{"/proc/sys/kernel/shm_rmid_forced", "0\n", "1"},
		{"/proc/sys/kernel/sem", "32000\t1024000000\t500\t32000\n", "23 24 25 26"},
	};
	enum { N = sizeof(limits) / sizeof(*limits) };
	char text[64], mine[N][64];
	own_namespace();
	for (int i = 0; i < N; i++) {
		OK(file_write(limits[i].path, limits[i].other));
		OK(file_read(limits[i].path, mine[i], sizeof(mine[i])));
	}
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		for (int i = 0; i < N; i++) {
			OK(file_read(limits[i].path, text, sizeof(text)));
			STREQ(text, limits[i].initial);
		}
		OK(file_write("/proc/sys/kernel/msgmax", "4711"));
	}
	REAP(pid);
	for (int i = 0; i < N; i++) {
		OK(file_read(limits[i].path, text, sizeof(text)));
		STREQ(text, mine[i]);
	}
}

/* What an open file shows was settled when it was opened. */
TEST(an_open_list_stays_with_its_namespace)
{
	own_namespace();
	for_each_family(f)
	{
		char text[2048];
		int id = OK(f->get(KEY, IPC_CREAT | 0600));
		int fd = OK(open(f->list, O_RDONLY));
		pid_t pid;
		CHILD(pid)
		{
			own_namespace();
			ssize_t n = OK(read(fd, text, sizeof(text) - 1));
			int lines = 0;
			for (ssize_t i = 0; i < n; i++)
				lines += text[i] == '\n';
			EQ(lines, 2);
			EQ(lines_of(f->list), 1);
		}
		REAP(pid);
		close(fd);
		OK(f->remove(id));
	}
}

TEST(an_open_limit_stays_with_its_namespace)
{
	char text[64];
	own_namespace();
	int fd = OK(open("/proc/sys/kernel/msgmax", O_RDWR));
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		OK(write(fd, "1234", 4));
		OK(file_read("/proc/sys/kernel/msgmax", text, sizeof(text)));
		STREQ(text, "8192\n");
	}
	REAP(pid);
	close(fd);
	OK(file_read("/proc/sys/kernel/msgmax", text, sizeof(text)));
	STREQ(text, "1234\n");
}

TEST(next_id_is_of_the_namespace)
{
	own_namespace();
	for_each_family(f)
	{
		char text[32];
		pid_t pid;
		OK(file_write(f->next_id, "98765"));
		CHILD(pid)
		{
			own_namespace();
			OK(file_read(f->next_id, text, sizeof(text)));
			STREQ(text, "-1\n");
			EQ(f->get(IPC_PRIVATE, 0600), 0);
		}
		REAP(pid);
		int id = OK(f->get(IPC_PRIVATE, 0600));
		EQ(id, 98765);
		OK(file_read(f->next_id, text, sizeof(text)));
		STREQ(text, "-1\n");
		/* Once only; and when its index is taken, the next free one with the sequence that was asked for. */
		OK(file_write(f->next_id, "98765"));
		int beside = OK(f->get(IPC_PRIVATE, 0600));
		EQ(beside, 98766);
		FAILS(file_write(f->next_id, "-2"), EINVAL);
		FAILS(file_write(f->next_id, "2147483648"), EINVAL);
		OK(f->remove(id));
		OK(f->remove(beside));
	}
}

/* --- entering and leaving --- */

TEST(setns_enters_by_file_and_by_process)
{
	own_namespace();
	pid_t pid;
	int fd = MUST(namespace_of(getpid()));
	int pidfd = OK((int)syscall(SYS_pidfd_open, getpid(), 0));
	for_each_family(f)
	{
		int id = OK(f->get(KEY, IPC_CREAT | 0600));
		CHILD(pid)
		{
			own_namespace();
			FAILS(f->get(KEY, 0), ENOENT);
			OK(setns(fd, CLONE_NEWIPC));
			EQ(f->get(KEY, 0), id);
			own_namespace();
			OK(setns(pidfd, CLONE_NEWIPC));
			EQ(f->get(KEY, 0), id);
		}
		REAP(pid);
	}
	FAILS(setns(pidfd, 0), EINVAL);
	FAILS(setns(pidfd, 0x40), EINVAL);
	FAILS(setns(fd, CLONE_NEWPID), EINVAL);
	CHILD(pid)
	{
		become(1000, 1000, 0);
		FAILS(setns(fd, CLONE_NEWIPC), EPERM);
		FAILS(setns(fd, 0), EPERM);
	}
	REAP(pid);
	CHILD(pid) {}
	int gone = OK((int)syscall(SYS_pidfd_open, pid, 0));
	REAP(pid);
	FAILS(setns(gone, CLONE_NEWIPC), ESRCH);
}

TEST(links_and_what_they_lead_to)
{
	char link[64] = "", text[64];
	ino_t before = number_of(getpid());
	pid_t pid;
	OK(readlink("/proc/self/ns/ipc", link, sizeof(link) - 1));
	snprintf(text, sizeof(text), "ipc:[%lu]", (unsigned long)before);
	STREQ(link, text);
	CHILD(pid)
	{
		EQ(number_of(getpid()), before);
		EQ(number_of(getppid()), before);
		own_namespace();
		YES(number_of(getpid()) != before);
		EQ(number_of(getppid()), before);
	}
	REAP(pid);
	int fd = OK(namespace_of(getpid()));
	struct stat st;
	OK(fstat(fd, &st));
	EQ(st.st_ino, before);
	EQ(st.st_mode, S_IFREG | 0444);
	EQ(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWIPC);
	char c;
	FAILS(read(fd, &c, 1), EINVAL);
	FAILS(open("/proc/self/ns/ipc", O_RDWR), EPERM);
	/* A process that we may not trace does not say where it is. */
	CHILD(pid)
	{
		become(1000, 1000, 0);
		FAILS(namespace_of(getppid()), EACCES);
		FAILS(readlink("/proc/1/ns/ipc", text, sizeof(text)), EACCES);
	}
	REAP(pid);
}

TEST(only_the_privileged_make_one)
{
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		FAILS(unshare(CLONE_NEWIPC), EPERM);
		FAILS(clone_process(CLONE_NEWIPC), EPERM);
	}
	REAP(pid);
	FAILS(clone_process(CLONE_NEWIPC | CLONE_SYSVSEM), EINVAL);
}

/* SEM_UNDO is settled in the namespace that is left. */
TEST(leaving_settles_debts)
{
	own_namespace();
	int set = OK(semget(KEY, 2, IPC_CREAT | 0600)), fd = OK(namespace_of(getpid()));
	pid_t pid;
	CHILD(pid)
	{
		struct sembuf up = {0, 3, SEM_UNDO}, other = {1, 5, SEM_UNDO};
		OK(semop(set, &up, 1));
		own_namespace();
		int there = OK(semget(KEY, 2, IPC_CREAT | 0600));
		OK(semop(there, &other, 1));
		OK(setns(fd, CLONE_NEWIPC));
		EQ(semctl(set, 0, GETVAL), 0);
		OK(semop(set, &other, 1));
		EQ(semctl(set, 1, GETVAL), 5);
		OK(setns(fd, CLONE_NEWIPC)); /* to where we are: leaving all the same */
		EQ(semctl(set, 1, GETVAL), 0);
	}
	REAP(pid);
}

/* A list of debts that is shared outlives the sharer that leaves. */
TEST(leaving_a_shared_list_settles_nothing_yet)
{
	own_namespace();
	int set = OK(semget(KEY, 1, IPC_CREAT | 0600));
	int *left = shared(PAGE);
	struct sembuf up = {0, 3, SEM_UNDO};
	OK(semop(set, &up, 1));
	pid_t pid = clone_process(CLONE_SYSVSEM);
	if (pid == 0) {
		own_namespace();
		FAILS(semctl(set, 0, GETVAL), EINVAL);
		*left = 1;
		_exit(0);
	}
	REAP(pid);
	EQ(*left, 1);
	EQ(semctl(set, 0, GETVAL), 3);
}

/* --- the end of a namespace --- */

TEST(attached_memory_outlives_its_namespace)
{
	own_namespace();
	int fd = OK(namespace_of(getpid()));
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		int id = OK(shmget(KEY, 4 * PAGE, IPC_CREAT | 0600));
		char *p = shmat(id, NULL, 0);
		YES(p != (char *)-1);
		memset(p, 7, 2 * PAGE);
		OK(setns(fd, CLONE_NEWIPC)); /* nobody is left in the other one */
		FAILS(shmget(KEY, PAGE, 0), ENOENT);
		EQ(p[PAGE], 7);
		EQ(p[3 * PAGE], 0);
		p[3 * PAGE] = 8;
		pid_t child;
		CHILD(child)
		{
			EQ(p[3 * PAGE], 8);
			p[0] = 9;
		}
		REAP(child);
		EQ(p[0], 9);
		OK(munmap(p + PAGE, PAGE));
		OK(shmdt(p));
		YES(msync(p, PAGE, MS_ASYNC) < 0 && errno == ENOMEM);
	}
	REAP(pid);
}

TEST(removal_of_a_segment_of_another_namespace)
{
	/* Attached here, removed there by who stayed. */
	volatile int *s = shared(PAGE);
	own_namespace();
	int fd = OK(namespace_of(getpid()));
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		int id = OK(shmget(KEY, PAGE, IPC_CREAT | 0600));
		*s = 1;
		UNTIL(*s == 2);
		OK(shmctl(id, IPC_RMID, NULL));
		struct shmid_ds ds;
		OK(shmctl(id, IPC_STAT, &ds));
		EQ(ds.shm_nattch, 1);
		*s = 3;
		UNTIL(*s == 4);
		FAILS(shmctl(id, IPC_STAT, &ds), EINVAL);
	}
	UNTIL(*s == 1);
	int theirs = OK(namespace_of(pid));
	OK(setns(theirs, CLONE_NEWIPC));
	char *p = shmat(OK(shmget(KEY, PAGE, 0)), NULL, 0);
	OK(setns(fd, CLONE_NEWIPC));
	close(theirs);
	*s = 2;
	UNTIL(*s == 3);
	p[0] = 1;
	OK(shmdt(p));
	*s = 4;
	REAP(pid);
}

TEST(a_descriptor_keeps_everything)
{
	int p[2];
	pid_t pid;
	char c;
	OK(pipe(p));
	CHILD(pid)
	{
		own_namespace();
		for_each_family(f) OK(f->get(KEY, IPC_CREAT | 0600));
		OK(write(p[1], "", 1));
		for (;;)
			pause();
	}
	OK(read(p[0], &c, 1));
	int fd = MUST(namespace_of(pid));
	OK(kill(pid, SIGKILL));
	reap(pid);
	OK(setns(fd, CLONE_NEWIPC));
	close(fd);
	for_each_family(f) OK(f->stat(OK(f->get(KEY, 0))));
}

/* Namespaces full of objects, one after the other: what is not freed at once ends this early. */
TEST(the_end_frees_everything_at_once)
{
	enum { ROUNDS = 40, QUEUES = 20, SETS = 20, SEGMENTS = 4, SEGMENT = 4 << 20 };
	static struct {
		long type;
		char text[8192];
	} m = {.type = 1};
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid;
		CHILD(pid)
		{
			own_namespace();
			for (int j = 0; j < QUEUES; j++) {
				int q = OK(msgget(IPC_PRIVATE, 0600));
				OK(msgsnd(q, &m, sizeof(m.text), 0));
				OK(msgsnd(q, &m, sizeof(m.text), 0));
			}
			for (int j = 0; j < SETS; j++) {
				struct sembuf debt = {3, 1, SEM_UNDO};
				OK(semop(OK(semget(IPC_PRIVATE, 500, 0600)), &debt, 1));
			}
			for (int j = 0; j < SEGMENTS; j++) {
				char *p = shmat(OK(shmget(IPC_PRIVATE, SEGMENT, 0600)), NULL, 0);
				for (int at = 0; at < SEGMENT; at += PAGE)
					p[at] = 1;
				if (j % 2)
					OK(shmdt(p));
			}
		}
		REAP(pid);
	}
}

TEST(sharing_memory_does_not_share_the_namespace)
{
	static int id;
	own_namespace();
	id = OK(msgget(KEY, IPC_CREAT | 0600));
	pid_t pid = vfork();
	if (pid == 0) {
		if (unshare(CLONE_NEWIPC))
			_exit(1);
		if (msgget(KEY, 0) != -1 || errno != ENOENT)
			_exit(2);
		_exit(0);
	}
	REAP(pid);
	EQ(msgget(KEY, 0), id);
}
