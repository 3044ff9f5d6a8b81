/* semctl(2): the matrix of commands (S7, S8, V2, V4). */
#include "sem.h"
#include <stddef.h>

#define CTL_BUF(id, cmd, p) semctl(id, 0, cmd, (union semun){.buf = (void *)(p)})

TEST(layouts)
{
	EQ(sizeof(struct semid_ds), 104);
	EQ(sizeof(struct ipc_perm), 48);
	EQ(sizeof(struct sembuf), 6);
	EQ(sizeof(struct seminfo), 40);
	/* As the kernel writes them, whatever the library calls the fields. */
	int id = OK(semget(0x11223344, 7, IPC_CREAT | 0642));
	union {
		unsigned char bytes[104 + 8];
		uint32_t w[28];
		uint64_t q[14];
	} raw;
	memset(&raw, 0xAA, sizeof(raw));
	OK(CTL_BUF(id, IPC_STAT, &raw));
	EQ(raw.w[0], 0x11223344);
	EQ(raw.w[1], getuid());
	EQ(raw.w[2], getgid());
	EQ(raw.w[3], getuid());
	EQ(raw.w[4], getgid());
	EQ(raw.w[5], 0642);
	EQ(raw.bytes[24] | raw.bytes[25] << 8, id >> 15);
	EQ(raw.q[6], 0);
	YES(raw.q[8] != 0);
	EQ(raw.q[10], 7);
	EQ(raw.q[13], 0xAAAAAAAAAAAAAAAA);
	OK(sem_rm(id));
}

TEST(getval_setval)
{
	int id = sem_new(3);
	OK(set_val(id, 1, 32767));
	EQ(val(id, 1), 32767);
	EQ(val(id, 0), 0);
	FAILS(set_val(id, 1, 32768), ERANGE);
	FAILS(set_val(id, 1, -1), ERANGE);
	FAILS(set_val(id, 1, INT_MIN), ERANGE);
	EQ(val(id, 1), 32767);
	OK(set_val(id, 1, 0));
	EQ(val(id, 1), 0);
	OK(sem_rm(id));
}

TEST(number_out_of_range)
{
	static const int commands[] = {GETVAL, SETVAL, GETPID, GETNCNT, GETZCNT};
	int id = sem_new(3);
	for (int i = 0; i < 5; i++) {
		FAILS(semctl(id, 3, commands[i], (union semun){.val = 0}), EINVAL);
		FAILS(semctl(id, -1, commands[i], (union semun){.val = 0}), EINVAL);
		FAILS(semctl(id, INT_MAX, commands[i], (union semun){.val = 0}), EINVAL);
	}
	OK(sem_rm(id));
}

TEST(number_is_ignored_where_meaningless)
{
	int id = sem_new(2);
	struct semid_ds ds;
	unsigned short values[2] = {1, 2};
	OK(semctl(id, 99, SETALL, (union semun){.array = values}));
	OK(semctl(id, -5, GETALL, (union semun){.array = values}));
	OK(semctl(id, 99, IPC_STAT, (union semun){.buf = &ds}));
	OK(semctl(id, 99, IPC_RMID));
}

TEST(setval_range_comes_first_among_set_errors)
{
	int id = sem_new(1);
	/* The value is checked before the number, and before the set is looked up. */
	FAILS(semctl(id, 5, SETVAL, (union semun){.val = 40000}), ERANGE);
	OK(sem_rm(id));
	FAILS(semctl(id, 0, SETVAL, (union semun){.val = 40000}), ERANGE);
	FAILS(semctl(id, 0, SETVAL, (union semun){.val = 1}), EINVAL);
	FAILS(semctl(-1, 0, SETVAL, (union semun){.val = 40000}), EINVAL);
}

TEST(setall_getall)
{
	int id = sem_new(5);
	unsigned short in[5] = {0, 1, 2, 32767, 4}, out[6];
	memset(out, 0xAA, sizeof(out));
	OK(set_all(id, in));
	OK(get_all(id, out));
	for (int i = 0; i < 5; i++)
		EQ(out[i], in[i]);
	EQ(out[5], 0xAAAA);
	OK(sem_rm(id));
}

TEST(setall_refuses_all_or_sets_all)
{
	int id = sem_new(3);
	unsigned short in[3] = {1, 32768, 2};
	FAILS(set_all(id, in), ERANGE);
	EQ(val(id, 0), 0);
	EQ(val(id, 2), 0);
	OK(sem_rm(id));
}

TEST(large_getall_setall)
{
	enum { N = 3000 };
	static unsigned short in[N], out[N];
	int id = sem_new(N);
	for (int i = 0; i < N; i++)
		in[i] = (unsigned short)(i * 7 % 32768);
	OK(set_all(id, in));
	OK(get_all(id, out));
	EQ(memcmp(in, out, sizeof(in)), 0);
	EQ(val(id, N - 1), in[N - 1]);
	OK(sem_rm(id));
}

TEST(bad_pointers)
{
	static const int commands[] = {IPC_STAT, IPC_SET, GETALL, SETALL};
	int id = sem_new(2);
	for (int i = 0; i < 4; i++) {
		FAILS(CTL_BUF(id, commands[i], 8), EFAULT);
		FAILS(CTL_BUF(id, commands[i], 0xffff800000000000), EFAULT);
		FAILS(CTL_BUF(id, commands[i], 0x7ffffffff000), EFAULT);
	}
	FAILS(CTL_BUF(0, IPC_INFO, 8), EFAULT);
	FAILS(CTL_BUF(0, SEM_INFO, 8), EFAULT);
	EQ(val(id, 0), 0);
	OK(sem_rm(id));
}

TEST(unknown_commands)
{
	static const int commands[] = {4, 5, 10, 21, 99, -1, 0x100 | 2, INT_MAX, INT_MIN};
	int id = sem_new(1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		FAILS(syscall(SYS_semctl, id, 0, commands[i], 0), EINVAL);
	OK(sem_rm(id));
}

TEST(pid_of_setval_and_setall)
{
	int id = sem_new(3);
	unsigned short values[3] = {1, 1, 1};
	pid_t pid;
	CHILD(pid)
	{
		OK(set_val(id, 1, 1));
	}
	REAP(pid);
	EQ(last_pid(id, 0), 0);
	EQ(last_pid(id, 1), pid);
	OK(set_all(id, values));
	for (int i = 0; i < 3; i++)
		EQ(last_pid(id, i), getpid());
	OK(sem_rm(id));
}

TEST(ctime_otime)
{
	int id = sem_new(1);
	time_t before = time(NULL) - 1;
	struct semid_ds ds = sem_stat(id);
	YES(ds.sem_ctime >= before && ds.sem_ctime <= time(NULL) + 1);
	EQ(ds.sem_otime, 0);
	OK(set_val(id, 0, 1));
	EQ(sem_stat(id).sem_otime, 0);
	YES(sem_stat(id).sem_ctime >= ds.sem_ctime);
	OK(SEMOP(id, OP(0, 1)));
	YES(sem_stat(id).sem_otime >= before);
	OK(sem_rm(id));
}

TEST(ipc_set_changes_owner_and_mode_only)
{
	int id = OK(semget(IPC_PRIVATE, 2, 0600));
	struct semid_ds ds, after;
	memset(&ds, 0x55, sizeof(ds));
	ds.sem_perm.uid = 1001;
	ds.sem_perm.gid = 1002;
	ds.sem_perm.mode = 07644;
	OK(CTL_BUF(id, IPC_SET, &ds));
	after = sem_stat(id);
	EQ(after.sem_perm.uid, 1001);
	EQ(after.sem_perm.gid, 1002);
	EQ(after.sem_perm.cuid, 0);
	EQ(after.sem_perm.cgid, 0);
	EQ(after.sem_perm.mode, 0644);
	EQ(after.sem_perm.__key, IPC_PRIVATE);
	EQ(after.sem_nsems, 2);
	OK(sem_rm(id));
}

TEST(ipc_set_refuses_no_user)
{
	int id = sem_new(1);
	struct semid_ds ds = sem_stat(id);
	ds.sem_perm.uid = (uid_t)-1;
	FAILS(CTL_BUF(id, IPC_SET, &ds), EINVAL);
	ds = sem_stat(id);
	ds.sem_perm.gid = (gid_t)-1;
	FAILS(CTL_BUF(id, IPC_SET, &ds), EINVAL);
	OK(sem_rm(id));
}

TEST(info)
{
	own_namespace();
	struct seminfo info;
	memset(&info, 0xAA, sizeof(info));
	EQ(semctl(0, 0, IPC_INFO, (union semun){.info = &info}), 0);
	EQ(info.semmni, 32000);
	EQ(info.semmsl, 32000);
	EQ(info.semmns, 1024000000);
	EQ(info.semmnu, 1024000000);
	EQ(info.semmap, 1024000000);
	EQ(info.semopm, 500);
	EQ(info.semume, 500);
	EQ(info.semvmx, 32767);
	EQ(info.semusz, 20);
	EQ(info.semaem, 32767);
}

TEST(sem_info_counts)
{
	own_namespace();
	struct seminfo info;
	int a = sem_new(3), b = sem_new(4);
	EQ(semctl(0, 0, SEM_INFO, (union semun){.info = &info}), 1);
	EQ(info.semusz, 2);
	EQ(info.semaem, 7);
	OK(sem_rm(a));
	/* The highest used index stays. */
	EQ(semctl(0, 0, SEM_INFO, (union semun){.info = &info}), 1);
	EQ(info.semusz, 1);
	EQ(info.semaem, 4);
	OK(sem_rm(b));
	EQ(semctl(0, 0, SEM_INFO, (union semun){.info = &info}), 0);
	EQ(semctl(5, 7, IPC_INFO, (union semun){.info = &info}), 0);
}

TEST(stat_by_index)
{
	own_namespace();
	struct semid_ds ds;
	int a = sem_new(3), b = sem_new(4);
	EQ(CTL_BUF(0, SEM_STAT, &ds), a);
	EQ(ds.sem_nsems, 3);
	EQ(CTL_BUF(1, SEM_STAT, &ds), b);
	EQ(ds.sem_nsems, 4);
	EQ(CTL_BUF(1, SEM_STAT_ANY, &ds), b);
	FAILS(CTL_BUF(2, SEM_STAT, &ds), EINVAL);
	FAILS(CTL_BUF(2, SEM_STAT_ANY, &ds), EINVAL);
	FAILS(CTL_BUF(-1, SEM_STAT, &ds), EINVAL);
	OK(sem_rm(a));
	FAILS(CTL_BUF(0, SEM_STAT, &ds), EINVAL);
	FAILS(CTL_BUF(1, SEM_STAT, 8), EFAULT);
}

TEST(stat_by_index_walks_every_set)
{
	own_namespace();
	int ids[40], found = 0;
	struct semid_ds ds;
	for (int i = 0; i < 40; i++)
		ids[i] = sem_new(1);
	for (int i = 0; i < 40; i += 3)
		OK(sem_rm(ids[i]));
	int last = semctl(0, 0, SEM_INFO, (union semun){.info = (struct seminfo *)&(char[64]){0}});
	EQ(last, 38);
	for (int i = 0; i <= last; i++)
		found += CTL_BUF(i, SEM_STAT, &ds) >= 0;
	EQ(found, 26);
}

TEST(sequence_after_the_table_wraps)
{
	own_namespace();
	/* The cyclic search comes back to index 0 in the end, with a higher sequence number. */
	int id, first = sem_new(1), turns = 0;
	OK(sem_rm(first));
	do {
		id = sem_new(1);
		OK(sem_rm(id));
	} while (++turns < 40000 && (id & 32767));
	EQ(id & 32767, 0);
	YES(id >> 15 > first >> 15);
	YES(turns > 32);
	FAILS(val(first, 0), EINVAL);
}

TEST(rmid_by_id_only)
{
	int id = sem_new(1);
	FAILS(semctl(id + 32768, 0, IPC_RMID), EINVAL);
	OK(semctl(id, 0, IPC_RMID));
	FAILS(semctl(id, 0, IPC_RMID), EINVAL);
}

TEST(counts_of_nobody)
{
	int id = sem_new(2);
	EQ(ncnt(id, 0), 0);
	EQ(zcnt(id, 1), 0);
	EQ(last_pid(id, 0), 0);
	OK(sem_rm(id));
}
