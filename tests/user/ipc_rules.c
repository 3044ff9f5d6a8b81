/* What is the same for semaphore sets, message queues and segments: ids, keys, permission, control (V1-V4). */
#include "caps.h"
#include "ipc.h"
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x5255, NOBODY = 65534, STAT_ANY_SEM = 20, STAT_ANY_MSG = 13, STAT_ANY_SHM = 15 };

/* Every family's status begins with its struct ipc_perm. */
union status {
	struct ipc_perm perm;
	struct semid_ds sem;
	struct msqid_ds msg;
	struct shmid_ds shm;
};

static int get_sem(key_t key, int flags)
{
	return semget(key, 2, flags);
}
static int get_msg(key_t key, int flags)
{
	return msgget(key, flags);
}
static int get_shm(key_t key, int flags)
{
	return shmget(key, 4096, flags);
}
static int control_sem(int id, int cmd, void *arg)
{
	return semctl(id, 0, cmd, arg);
}
static int control_msg(int id, int cmd, void *arg)
{
	return msgctl(id, cmd, arg);
}
static int control_shm(int id, int cmd, void *arg)
{
	return shmctl(id, cmd, arg);
}
static time_t changed_sem(const union status *s)
{
	return s->sem.sem_ctime;
}
static time_t changed_msg(const union status *s)
{
	return s->msg.msg_ctime;
}
static time_t changed_shm(const union status *s)
{
	return s->shm.shm_ctime;
}

static const struct family {
	int (*get)(key_t key, int flags);
	int (*control)(int id, int cmd, void *arg);
	time_t (*changed)(const union status *s);
	int stat_index, stat_any;
} families[] = {
	{get_sem, control_sem, changed_sem, SEM_STAT, STAT_ANY_SEM},
	{get_msg, control_msg, changed_msg, MSG_STAT, STAT_ANY_MSG},
	{get_shm, control_shm, changed_shm, SHM_STAT, STAT_ANY_SHM},
};
#define for_each_family(f) for (const struct family *f = families; f < families + 3; f++)

static union status stat_of(const struct family *f, int id)
{
	union status s;
	memset(&s, 0xaa, sizeof(s));
	OK(f->control(id, IPC_STAT, &s));
	return s;
}
static void set_mode(const struct family *f, int id, int mode)
{
	union status s = stat_of(f, id);
	s.perm.mode = (unsigned)mode;
	OK(f->control(id, IPC_SET, &s));
}

TEST(keys)
{
	static const key_t keys[] = {1, -1, 0x7fffffff, (key_t)0x80000000, 0x12345678};
	own_namespace();
	for_each_family(f)
	{
		int ids[5];
		for (int i = 0; i < 5; i++) {
			FAILS(f->get(keys[i], 0600), ENOENT);
			ids[i] = OK(f->get(keys[i], IPC_CREAT | IPC_EXCL | 0600));
			EQ(stat_of(f, ids[i]).perm.__key, keys[i]);
			FAILS(f->get(keys[i], IPC_CREAT | IPC_EXCL | 0600), EEXIST);
			EQ(f->get(keys[i], IPC_CREAT | 0600), ids[i]);
			EQ(f->get(keys[i], IPC_EXCL),
			   ids[i]); /* without IPC_CREAT it says nothing */
		}
		for (int i = 0; i < 5; i++) {
			EQ(f->get(keys[i], 0), ids[i]);
			OK(f->control(ids[i], IPC_RMID, NULL));
			FAILS(f->get(keys[i], 0), ENOENT);
		}
		int one = OK(f->get(IPC_PRIVATE, 0600)),
		    other = OK(f->get(IPC_PRIVATE, IPC_EXCL | 0600));
		YES(one != other);
		EQ(stat_of(f, one).perm.__key, 0);
		OK(f->control(one, IPC_RMID, NULL));
		OK(f->control(other, IPC_RMID, NULL));
	}
}

TEST(ids)
{
	own_namespace();
	for_each_family(f)
	{
		union status s;
		int id = OK(f->get(KEY, IPC_CREAT | 0600)), last = id;
		OK(f->control(id, IPC_RMID, NULL));
		/* Stale: as if it had never been, whatever is asked of it. */
		FAILS(f->control(id, IPC_STAT, &s), EINVAL);
		FAILS(f->control(id, IPC_SET, memset(&s, 0, sizeof(s))), EINVAL);
		FAILS(f->control(id, IPC_RMID, NULL), EINVAL);
		for (int i = 0; i < 300; i++) {
			int next = OK(f->get(KEY, IPC_CREAT | 0600));
			YES(next != last && next != id);
			EQ(f->control(next % 32768, f->stat_index, &s), next);
			EQ(s.perm.__seq, next >> 15);
			FAILS(f->control((next % 32768 + 1) % 32768, f->stat_index, &s), EINVAL);
			OK(f->control(last = next, IPC_RMID, NULL));
		}
		FAILS(f->control(-1, IPC_STAT, &s), EINVAL);
		FAILS(f->control(-1, IPC_RMID, NULL), EINVAL);
		FAILS(f->control(0x7fffffff, IPC_STAT, &s), EINVAL);
	}
}

TEST(a_new_object)
{
	own_namespace();
	for_each_family(f)
	{
		time_t now = time(NULL);
		umask(077); /* does not matter */
		int id = OK(f->get(KEY, IPC_CREAT | 0666));
		union status s = stat_of(f, id);
		EQ(s.perm.mode, 0666);
		EQ(s.perm.uid, geteuid());
		EQ(s.perm.gid, getegid());
		EQ(s.perm.cuid, geteuid());
		EQ(s.perm.cgid, getegid());
		YES(f->changed(&s) >= now - 1 && f->changed(&s) <= now + 5);
		OK(f->control(id, IPC_RMID, NULL));
	}
}

/* On an existing key: IPC_EXCL first, then what is asked of it (EINVAL), then permission. */
TEST(order_of_refusals)
{
	own_namespace();
	int set = OK(semget(KEY, 2, IPC_CREAT)), q = OK(msgget(KEY, IPC_CREAT)),
	    segment = OK(shmget(KEY, 4096, IPC_CREAT));
	pid_t pid;
	CHILD(pid)
	{
		become(NOBODY, NOBODY, 0);
		for_each_family(f)
		{
			FAILS(f->get(KEY, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
			FAILS(f->get(KEY, 0600), EACCES);
			FAILS(f->get(KEY, 0060), EACCES);
			FAILS(f->get(KEY, 0004), EACCES);
			YES(f->get(KEY, 0) >= 0);
		}
		FAILS(semget(KEY, 3, 0600), EINVAL);
		FAILS(shmget(KEY, 8192, 0600), EINVAL);
		EQ(semget(KEY, 1, 0), set);
		EQ(shmget(KEY, 1, 0), segment);
		EQ(msgget(KEY, 0), q);
	}
	REAP(pid);
}

TEST(who_may_look)
{
	static const struct {
		int mode;
		uid_t uid;
		gid_t gid, other;
		int may;
	} looks[] = {
		{0400, 1000, 7, 0, 1},      {0200, 1000, 7, 0, 0},      {0044, 1000, 7, 0, 0},
		{0040, NOBODY, 1000, 0, 1}, {0400, NOBODY, 1000, 0, 0}, {0040, NOBODY, 7, 1000, 1},
		{0004, NOBODY, 1000, 0, 0}, {0004, NOBODY, 7, 0, 1},    {0440, NOBODY, 7, 0, 0},
	};
	own_namespace();
	for_each_family(f) for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++)
	{
		int id = OK(f->get(IPC_PRIVATE, 0600));
		union status s = stat_of(f, id);
		s.perm.uid = s.perm.gid = 1000;
		s.perm.mode = (unsigned)looks[i].mode;
		OK(f->control(id, IPC_SET, &s));
		pid_t pid;
		CHILD(pid)
		{
			become(looks[i].uid, looks[i].gid, looks[i].other);
			int got = f->control(id, IPC_STAT, &s);
			if (looks[i].may ? got != 0 : got != -1 || errno != EACCES)
				test_fail(__FILE__, __LINE__, "family %d, case %d: got %d, %s",
				          (int)(f - families), (int)i, got, errno_name(errno));
			EQ(f->control(id % 32768, f->stat_index, &s), looks[i].may ? id : -1);
			EQ(f->control(id % 32768, f->stat_any, &s), id);
		}
		REAP(pid);
		OK(f->control(id, IPC_RMID, NULL));
	}
}

/* IPC_SET and IPC_RMID: the owner, the creator, CAP_SYS_ADMIN, whatever the mode says. */
TEST(who_may_control)
{
	own_namespace();
	for_each_family(f)
	{
		pid_t pid;
		int id = OK(f->get(KEY, IPC_CREAT | 0666));
		union status s = stat_of(f, id);
		CHILD(pid)
		{
			become(1000, 1000, 0);
			union status mine = stat_of(f, id);
			FAILS(f->control(id, IPC_SET, &mine), EPERM);
			FAILS(f->control(id, IPC_RMID, NULL), EPERM);
		}
		REAP(pid);
		CHILD(pid)
		{
			become_with(1ull << CAP_IPC_OWNER, 1000);
			FAILS(f->control(id, IPC_RMID, NULL), EPERM);
		}
		REAP(pid);
		s.perm.uid = 1000;
		s.perm.mode = 0;
		OK(f->control(id, IPC_SET, &s));
		CHILD(pid)
		{
			become(1000, 1000, 0);
			FAILS(f->control(id, IPC_STAT, &s), EACCES);
			s.perm.mode = 0400;
			OK(f->control(id, IPC_SET, &s));
			EQ(stat_of(f, id).perm.mode, 0400);
			EQ(stat_of(f, id).perm.cuid, 0);
		}
		REAP(pid);
		CHILD(pid)
		{
			become_with(1ull << CAP_SYS_ADMIN, NOBODY);
			FAILS(f->control(id, IPC_STAT, &s), EACCES);
			OK(f->control(id, IPC_RMID, NULL));
		}
		REAP(pid);
		FAILS(f->get(KEY, 0), ENOENT);
	}
}

TEST(what_can_be_set)
{
	own_namespace();
	for_each_family(f)
	{
		int id = OK(f->get(KEY, IPC_CREAT | 0640));
		union status s = stat_of(f, id), before = s;
		s.perm.uid = 12;
		s.perm.gid = 34;
		s.perm.cuid = s.perm.cgid = 56;
		s.perm.__key = 99;
		s.perm.mode = 07751;
		OK(f->control(id, IPC_SET, &s));
		s = stat_of(f, id);
		EQ(s.perm.uid, 12);
		EQ(s.perm.gid, 34);
		EQ(s.perm.cuid, before.perm.cuid);
		EQ(s.perm.cgid, before.perm.cgid);
		EQ(s.perm.__key, KEY);
		EQ(s.perm.mode, 0751);
		YES(f->changed(&s) >= f->changed(&before));
		s.perm.uid = (uid_t)-1;
		FAILS(f->control(id, IPC_SET, &s), EINVAL);
		s.perm.uid = 0;
		s.perm.gid = (gid_t)-1;
		FAILS(f->control(id, IPC_SET, &s), EINVAL);
		EQ(stat_of(f, id).perm.uid, 12);
		OK(f->control(id, IPC_RMID, NULL));
	}
}

TEST(bad_pointers_and_commands)
{
	own_namespace();
	for_each_family(f)
	{
		union status s;
		int id = OK(f->get(KEY, IPC_CREAT | 0640));
		void *const bad[] = {NULL, (void *)8, (void *)0x7ffffffff000, (void *)-4096};
		for (int i = 0; i < 4; i++) {
			FAILS(f->control(id, IPC_STAT, bad[i]), EFAULT);
			FAILS(f->control(id, IPC_SET, bad[i]), EFAULT);
			FAILS(f->control(id % 32768, f->stat_index, bad[i]), EFAULT);
			FAILS(f->control(0, IPC_INFO, bad[i]), EFAULT);
		}
		/* The buffer is read before anybody asks whether there is such an object. */
		FAILS(f->control(id + 1, IPC_SET, (void *)8), EFAULT);
		FAILS(f->control(id + 1, IPC_STAT, (void *)8), EINVAL);
		for (int cmd = 30; cmd < 40; cmd++)
			FAILS(f->control(id, cmd, &s), EINVAL);
		FAILS(f->control(id, -1, &s), EINVAL);
		FAILS(f->control(id, 0x100, &s), EINVAL); /* IPC_64 means nothing here */
		set_mode(f, id, 0600);
		OK(f->control(id, IPC_RMID, (void *)-1));
	}
}
