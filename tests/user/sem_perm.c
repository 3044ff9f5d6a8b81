/* Permission: owner, creator, groups, other, capabilities (V3, A1). */
#include "sem.h"
#include "caps.h"

/* Runs CHECKS as user UID of group GID with one supplementary group, in a process of its own. */
#define AS(uid, gid, other)                                                                        \
	for (pid_t as_ = spawn(); as_ >= 0; ({                                                     \
		     if (as_ == 0)                                                                 \
			     _exit(0);                                                             \
		     REAP(as_);                                                                    \
		     as_ = -1;                                                                     \
	     }))                                                                                   \
		if (as_ == 0 && (become(uid, gid, other), 1))

static int set_owned(uid_t uid, gid_t gid, int mode)
{
	int id = MUST(semget(IPC_PRIVATE, 1, 0600));
	struct semid_ds ds = sem_stat(id);
	ds.sem_perm.uid = uid;
	ds.sem_perm.gid = gid;
	ds.sem_perm.mode = (unsigned short)mode;
	OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
	return id;
}

static void expect_rights(int id, int may_read, int may_alter)
{
	struct semid_ds ds;
	unsigned short value = 0;
#define RIGHT(may, call)                                                                           \
	do {                                                                                       \
		if (may)                                                                           \
			OK(call);                                                                  \
		else                                                                               \
			FAILS(call, EACCES);                                                       \
	} while (0)
	RIGHT(may_read, SEMOP(id, OP(0, 0)));
	RIGHT(may_read, val(id, 0));
	RIGHT(may_read, last_pid(id, 0));
	RIGHT(may_read, ncnt(id, 0));
	RIGHT(may_read, zcnt(id, 0));
	RIGHT(may_read, get_all(id, &value));
	RIGHT(may_read, semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	value = 0;
	RIGHT(may_alter, set_all(id, &value));
	RIGHT(may_alter, set_val(id, 0, 0));
	RIGHT(may_alter, SEMOP(id, OP(0, 1)));
	RIGHT(may_alter, SEMOP(id, OP_NOW(0, -1)));
#undef RIGHT
}

/* User and group 1000 before sets of UID and GID with these modes: may read; may alter; neither. */
static void expect_bits(uid_t uid, gid_t gid, int read, int alter, int none)
{
	int r = set_owned(uid, gid, read), w = set_owned(uid, gid, alter),
	    n = set_owned(uid, gid, none);
	AS(1000, 1000, 0)
	{
		expect_rights(r, 1, 0);
		expect_rights(w, 0, 1);
		expect_rights(n, 0, 0);
	}
	OK(sem_rm(r));
	OK(sem_rm(w));
	OK(sem_rm(n));
}

TEST(owner_bits)
{
	expect_bits(1000, 0, 0400, 0200, 0077);
}

TEST(group_bits)
{
	expect_bits(0, 1000, 0040, 0020, 0707);
}

TEST(other_bits)
{
	expect_bits(0, 0, 0004, 0002, 0770);
}

TEST(supplementary_group_bits)
{
	int rw = set_owned(0, 2000, 0060), n = set_owned(0, 2000, 0707);
	AS(1000, 1000, 2000)
	{
		expect_rights(rw, 1, 1);
		expect_rights(n, 0, 0);
	}
	AS(1000, 1000, 2001)
	{
		expect_rights(rw, 0, 0);
		expect_rights(n, 1, 1);
	}
	OK(sem_rm(rw));
	OK(sem_rm(n));
}

TEST(creator_keeps_the_owner_class)
{
	own_namespace();
	int *id = shared(4096);
	AS(1000, 1000, 0)
	{
		*id = MUST(semget(0x77, 1, IPC_CREAT | 0600));
	}
	struct semid_ds ds = sem_stat(*id);
	EQ(ds.sem_perm.cuid, 1000);
	ds.sem_perm.uid = 1001;
	ds.sem_perm.gid = 1001;
	OK(semctl(*id, 0, IPC_SET, (union semun){.buf = &ds}));
	AS(1000, 1000, 0)
	{
		expect_rights(*id, 1, 1);
	}
	AS(1001, 1001, 0)
	{
		expect_rights(*id, 1, 1);
	}
	AS(1002, 1002, 0)
	{
		expect_rights(*id, 0, 0);
	}
}

TEST(creator_group_counts_as_group)
{
	own_namespace();
	int *id = shared(4096);
	AS(1000, 1500, 0)
	{
		*id = MUST(semget(0x77, 1, IPC_CREAT | 0060));
	}
	struct semid_ds ds = sem_stat(*id);
	ds.sem_perm.gid = 1;
	OK(semctl(*id, 0, IPC_SET, (union semun){.buf = &ds}));
	AS(1002, 1500, 0)
	{
		expect_rights(*id, 1, 1);
	}
	AS(1002, 1002, 1500)
	{
		expect_rights(*id, 1, 1);
	}
}

TEST(superuser_passes)
{
	int id = set_owned(1000, 1000, 0);
	expect_rights(id, 1, 1);
	OK(sem_rm(id));
}

TEST(control_is_for_owner_creator_or_admin)
{
	int id = set_owned(1000, 1000, 0666);
	AS(1001, 1000, 0)
	{
		struct semid_ds ds = sem_stat(id);
		FAILS(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), EPERM);
		FAILS(semctl(id, 0, IPC_RMID), EPERM);
	}
	AS(1000, 1001, 0)
	{
		struct semid_ds ds = sem_stat(id);
		ds.sem_perm.mode = 0;
		OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
		FAILS(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), EACCES);
		/* Removing needs ownership, no permission. */
		OK(semctl(id, 0, IPC_RMID));
	}
	FAILS(sem_rm(id), EINVAL);
}

TEST(owner_may_give_the_set_away)
{
	int id = set_owned(1000, 1000, 0600);
	AS(1000, 1000, 0)
	{
		struct semid_ds ds = sem_stat(id);
		ds.sem_perm.uid = 1001;
		OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
		FAILS(semctl(id, 0, IPC_RMID), EPERM);
		FAILS(val(id, 0), EACCES);
	}
	OK(sem_rm(id));
}

TEST(stat_any_needs_no_read_permission)
{
	own_namespace();
	int id = set_owned(0, 0, 0);
	AS(1000, 1000, 0)
	{
		struct semid_ds ds;
		FAILS(semctl(0, 0, SEM_STAT, (union semun){.buf = &ds}), EACCES);
		EQ(semctl(0, 0, SEM_STAT_ANY, (union semun){.buf = &ds}), id);
		EQ(ds.sem_nsems, 1);
	}
}

TEST(effective_user_decides)
{
	int id = set_owned(1000, 1000, 0600);
	pid_t pid;
	CHILD(pid)
	{
		OK(setgroups(0, NULL));
		OK(setresgid(1001, 1001, 1001));
		OK(setresuid(1000, 1001, 1001));
		FAILS(val(id, 0), EACCES);
		OK(setresuid(-1, 1000, -1));
		OK(val(id, 0));
	}
	REAP(pid);
	OK(sem_rm(id));
}

TEST(cap_ipc_owner_passes_permission_not_control)
{
	int id = set_owned(0, 0, 0);
	pid_t pid;
	CHILD(pid)
	{
		become_with(1ULL << CAP_IPC_OWNER, 1000);
		expect_rights(id, 1, 1);
		FAILS(semctl(id, 0, IPC_RMID), EPERM);
	}
	REAP(pid);
	OK(sem_rm(id));
}

TEST(cap_sys_admin_controls_without_permission)
{
	int id = set_owned(0, 0, 0);
	pid_t pid;
	CHILD(pid)
	{
		become_with(1ULL << CAP_SYS_ADMIN, 1000);
		expect_rights(id, 0, 0);
		OK(semctl(id, 0, IPC_RMID));
	}
	REAP(pid);
	FAILS(sem_rm(id), EINVAL);
}

TEST(get_checks_the_asked_bits)
{
	own_namespace();
	int id = MUST(semget(0x99, 1, IPC_CREAT | 0644));
	AS(1000, 1000, 0)
	{
		EQ(semget(0x99, 1, 0444), id);
		EQ(semget(0x99, 1, 0), id);
		EQ(semget(0x99, 1, 0400), id);
		/* Asked for any of the three classes counts as asked. */
		FAILS(semget(0x99, 1, 0666), EACCES);
		FAILS(semget(0x99, 1, 0200), EACCES);
		FAILS(semget(0x99, 1, 0020), EACCES);
	}
}
