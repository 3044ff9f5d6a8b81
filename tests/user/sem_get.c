/* semget(2): keys, ids, flags, limits (V1, V2, V3, V7, S1). */
#include "sem.h"

enum { KEY = 0x5e3a };

TEST(private_sets_are_distinct_and_keyless)
{
	int a = sem_new(1), b = sem_new(1);
	YES(a != b);
	struct semid_ds ds = sem_stat(a);
	EQ(ds.sem_perm.__key, IPC_PRIVATE);
	EQ(ds.sem_nsems, 1);
	OK(sem_rm(a));
	OK(sem_rm(b));
}

TEST(private_ignores_create_and_excl)
{
	int a = OK(semget(IPC_PRIVATE, 3, 0));
	int b = OK(semget(IPC_PRIVATE, 3, IPC_EXCL));
	YES(a != b);
	EQ(sem_stat(a).sem_perm.mode, 0);
	OK(sem_rm(a));
	OK(sem_rm(b));
}

TEST(key_finds_the_same_set)
{
	own_namespace();
	int id = MUST(semget(KEY, 2, IPC_CREAT | 0600));
	EQ(semget(KEY, 2, 0600), id);
	EQ(semget(KEY, 0, 0), id);
	EQ(semget(KEY, 1, IPC_CREAT | 0600), id);
	EQ(sem_stat(id).sem_perm.__key, KEY);
}

TEST(keys_are_signed_and_any_bits)
{
	own_namespace();
	const key_t keys[] = {-1, INT_MIN, INT_MAX, 1, (key_t)0x80000001};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int id = OK(semget(keys[i], 1, IPC_CREAT | IPC_EXCL | 0600));
		EQ(semget(keys[i], 1, 0), id);
		EQ(sem_stat(id).sem_perm.__key, keys[i]);
	}
}

TEST(missing_key_is_enoent)
{
	own_namespace();
	FAILS(semget(KEY, 1, 0600), ENOENT);
	FAILS(semget(KEY, 0, 0), ENOENT);
	FAILS(semget(KEY, 1, IPC_EXCL | 0600), ENOENT);
}

TEST(excl_is_eexist)
{
	own_namespace();
	MUST(semget(KEY, 2, IPC_CREAT | 0600));
	FAILS(semget(KEY, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	YES(semget(KEY, 2, IPC_EXCL | 0600) >= 0);
}

TEST(count_bounds)
{
	own_namespace();
	FAILS(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	FAILS(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	FAILS(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	FAILS(semget(IPC_PRIVATE, INT_MIN, 0600), EINVAL);
	FAILS(semget(KEY, 0, IPC_CREAT | 0600), EINVAL);
	FAILS(semget(KEY, -1, IPC_CREAT | 0600), EINVAL);
	FAILS(semget(KEY, -1, 0), EINVAL);
	FAILS(semget(KEY, 32001, 0), EINVAL);
	int id = OK(semget(IPC_PRIVATE, 32000, 0600));
	EQ(sem_stat(id).sem_nsems, 32000);
	OK(SEMOP(id, OP(31999, 5)));
	EQ(val(id, 31999), 5);
	EQ(val(id, 31998), 0);
	FAILS(SEMOP(id, OP(32000, 1)), EFBIG);
}

TEST(order_of_refusals_on_an_existing_key)
{
	own_namespace();
	MUST(semget(KEY, 2, IPC_CREAT | 0));
	/* EEXIST before the size, the size before permission. */
	FAILS(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	FAILS(semget(KEY, 3, 0600), EINVAL);
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		FAILS(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
		FAILS(semget(KEY, 3, 0600), EINVAL);
		FAILS(semget(KEY, 2, 0600), EACCES);
		FAILS(semget(KEY, 2, IPC_CREAT | 0600), EACCES);
		FAILS(semget(KEY, 2, 0004), EACCES);
		YES(semget(KEY, 2, 0) >= 0);
	}
	REAP(pid);
}

TEST(values_start_at_zero)
{
	int id = sem_new(100);
	unsigned short values[100];
	memset(values, 0xff, sizeof(values));
	OK(get_all(id, values));
	for (int i = 0; i < 100; i++)
		EQ(values[i], 0);
	OK(sem_rm(id));
}

TEST(mode_keeps_nine_bits)
{
	int id = OK(semget(IPC_PRIVATE, 1, IPC_CREAT | 07777));
	EQ(sem_stat(id).sem_perm.mode, 0777);
	OK(sem_rm(id));
}

TEST(umask_does_not_matter)
{
	umask(077);
	int id = OK(semget(IPC_PRIVATE, 1, IPC_CREAT | 0666));
	EQ(sem_stat(id).sem_perm.mode, 0666);
	OK(sem_rm(id));
}

TEST(stale_id_is_refused)
{
	own_namespace();
	int id = sem_new(1);
	OK(sem_rm(id));
	struct semid_ds ds;
	FAILS(SEMOP(id, OP(0, 1)), EINVAL);
	FAILS(val(id, 0), EINVAL);
	FAILS(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), EINVAL);
	FAILS(sem_rm(id), EINVAL);
}

TEST(freed_id_is_not_reused_at_once)
{
	own_namespace();
	int seen[64];
	for (int i = 0; i < 64; i++) {
		seen[i] = sem_new(1);
		for (int j = 0; j < i; j++)
			YES(seen[i] != seen[j]);
		OK(sem_rm(seen[i]));
	}
}

TEST(ids_are_index_and_sequence)
{
	own_namespace();
	/* The low 15 bits index the table; they are handed out cyclically. */
	int a = sem_new(1), b = sem_new(1);
	EQ(a, 0);
	EQ(b, 1);
	OK(sem_rm(a));
	int c = sem_new(1);
	EQ(c, 2);
	EQ(sem_stat(c).sem_perm.__seq, c >> 15);
	/* A wrong sequence number with a used index is not this set. */
	FAILS(val(c + 32768, 0), EINVAL);
}

TEST(negative_ids_are_einval)
{
	struct semid_ds ds;
	FAILS(SEMOP(-1, OP(0, 1)), EINVAL);
	FAILS(SEMOP(INT_MIN, OP(0, 1)), EINVAL);
	FAILS(semctl(-1, 0, GETVAL), EINVAL);
	FAILS(semctl(-1, 0, IPC_RMID), EINVAL);
	FAILS(semctl(-1, 0, IPC_STAT, (union semun){.buf = &ds}), EINVAL);
	FAILS(semctl(-1, 0, IPC_INFO, (union semun){.info = NULL}), EINVAL);
}

TEST(removed_key_can_be_created_again)
{
	own_namespace();
	int a = MUST(semget(KEY, 1, IPC_CREAT | 0600));
	OK(SEMOP(a, OP(0, 7)));
	OK(sem_rm(a));
	FAILS(semget(KEY, 1, 0600), ENOENT);
	int b = OK(semget(KEY, 5, IPC_CREAT | IPC_EXCL | 0600));
	YES(a != b);
	EQ(val(b, 0), 0);
	EQ(sem_stat(b).sem_nsems, 5);
}

TEST(sets_per_namespace_limit)
{
	own_namespace();
	MUST(file_write("/proc/sys/kernel/sem", "250 32000 32 3"));
	sem_new(1);
	sem_new(1);
	int last = sem_new(1);
	FAILS(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	FAILS(semget(KEY, 1, IPC_CREAT | 0600), ENOSPC);
	OK(sem_rm(last));
	sem_new(1);
}

TEST(semaphores_per_namespace_limit)
{
	own_namespace();
	MUST(file_write("/proc/sys/kernel/sem", "250 10 32 100"));
	int a = sem_new(6);
	FAILS(semget(IPC_PRIVATE, 5, 0600), ENOSPC);
	sem_new(4);
	FAILS(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	OK(sem_rm(a));
	sem_new(6);
}

TEST(semaphores_per_set_limit)
{
	own_namespace();
	MUST(file_write("/proc/sys/kernel/sem", "8 32000 32 100"));
	sem_new(8);
	FAILS(semget(IPC_PRIVATE, 9, 0600), EINVAL);
	FAILS(semget(KEY, 9, 0), EINVAL);
}

TEST(creators_race_for_one_key)
{
	own_namespace();
	_Atomic int *won = shared(4096);
	pid_t pids[8];
	for (int i = 0; i < 8; i++)
		CHILD(pids[i])
		{
			int id = semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600);
			if (id >= 0)
				atomic_fetch_add(won, 1);
			else
				EQ(errno, EEXIST);
		}
	for (int i = 0; i < 8; i++)
		REAP(pids[i]);
	EQ(atomic_load(won), 1);
}

TEST(a_thousand_sets)
{
	own_namespace();
	static int ids[1000];
	for (int i = 0; i < 1000; i++) {
		ids[i] = MUST(semget(1000 + i, 1 + i % 7, IPC_CREAT | 0600));
		OK(set_val(ids[i], 0, i));
	}
	for (int i = 0; i < 1000; i++) {
		EQ(semget(1000 + i, 0, 0), ids[i]);
		EQ(val(ids[i], 0), i);
	}
	for (int i = 0; i < 1000; i += 2)
		OK(sem_rm(ids[i]));
	for (int i = 1; i < 1000; i += 2)
		EQ(val(ids[i], 0), i);
}
