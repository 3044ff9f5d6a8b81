/* shmget, shmat, shmdt, shmctl. */
#include "caps.h"
#include "shm.h"

TEST(get_errors)
{
	key_t key = 0x5348 + getpid();
	FAILS(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
	FAILS(shmget(key, PAGE, 0600), ENOENT);
	int id = OK(shmget(key, 100, IPC_CREAT | IPC_EXCL | 0600));
	FAILS(shmget(key, 100, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	FAILS(shmget(key, 101, 0600), EINVAL);
	EQ(shmget(key, 0, 0600), id);
	EQ(shmget(key, 100, 0), id);
	EQ(stat_of(id).shm_segsz, 100);
	OK(shmctl(id, IPC_RMID, NULL));
	FAILS(shmget(key, 100, 0600), ENOENT);
}

TEST(pages_are_zero_and_shared)
{
	int id = segment(3 * PAGE + 1);
	char *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
	YES(p != (char *)-1 && q != (char *)-1 && p != q);
	for (int i = 0; i < 3 * PAGE; i += 512)
		EQ(p[i], 0);
	p[PAGE + 5] = 42;
	EQ(q[PAGE + 5], 42);
	pid_t child = MUST(fork());
	if (!child) {
		p[2 * PAGE] = 7;
		_exit(0);
	}
	OK(waitpid(child, NULL, 0));
	EQ(q[2 * PAGE], 7);
	FAILS(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	OK(shmdt(p));
	OK(shmdt(q));
	FAILS(shmdt(p), EINVAL);
	FAILS(shmdt(p + 1), EINVAL);
	removed(id);
}

TEST(attach_addresses)
{
	int id = segment(2 * PAGE);
	char *room =
		MUST((char *)mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	FAILS((long)shmat(id, room, 0), EINVAL);
	FAILS((long)shmat(id, NULL, SHM_REMAP), EINVAL);
	FAILS((long)shmat(-1, NULL, 0), EINVAL);
	OK(munmap(room, 8 * PAGE));
	FAILS((long)shmat(id, room + 1, 0), EINVAL);
	EQ((long)shmat(id, room + 1, SHM_RND), (long)room);
	FAILS((long)shmat(id, room + PAGE, 0), EINVAL);
	EQ((long)shmat(id, room + PAGE, SHM_REMAP), (long)(room + PAGE));
	EQ(attaches(id), 2);
	OK(shmdt(room));
	OK(shmdt(room + PAGE));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(nattch_is_exact)
{
	int id = segment(8 * PAGE);
	char *p = MUST((char *)shmat(id, NULL, 0));
	EQ(attaches(id), 1);
	OK(munmap(p + 2 * PAGE, PAGE));
	EQ(attaches(id), 2);
	OK(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
	EQ(attaches(id), 4);
	pid_t child = MUST(fork());
	if (!child) {
		EQ(attaches(id), 8);
		execl("/proc/self/exe", "shm", "no_such_case", NULL);
		_exit(0);
	}
	OK(waitpid(child, NULL, 0));
	EQ(attaches(id), 4);
	EQ(stat_of(id).shm_lpid, child);
	OK(shmdt(p));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(lives_until_the_last_detach)
{
	key_t key = 0x5349 + getpid();
	int id = MUST(shmget(key, PAGE, IPC_CREAT | 0600));
	char *p = MUST((char *)shmat(id, NULL, 0));
	*p = 9;
	OK(shmctl(id, IPC_RMID, NULL));
	struct shmid_ds ds = stat_of(id);
	YES(ds.shm_perm.mode & SHM_DEST);
	EQ(ds.shm_perm.__key, IPC_PRIVATE);
	FAILS(shmget(key, PAGE, 0600), ENOENT);
	char *q = MUST((char *)shmat(id, NULL, 0));
	EQ(*q, 9);
	OK(shmdt(p));
	EQ(attaches(id), 1);
	OK(shmdt(q));
	FAILS(shmctl(id, IPC_STAT, &ds), EINVAL);
}

TEST(times_and_pids)
{
	int id = segment(PAGE);
	struct shmid_ds ds = stat_of(id);
	EQ(ds.shm_cpid, getpid());
	EQ(ds.shm_lpid, 0);
	EQ(ds.shm_atime, 0);
	YES(ds.shm_ctime != 0);
	char *p = MUST((char *)shmat(id, NULL, 0));
	ds = stat_of(id);
	EQ(ds.shm_lpid, getpid());
	YES(ds.shm_atime != 0);
	EQ(ds.shm_dtime, 0);
	OK(shmdt(p));
	YES(stat_of(id).shm_dtime != 0);
	removed(id);
}

TEST(control)
{
	int id = segment(PAGE);
	struct shmid_ds ds = stat_of(id);
	ds.shm_perm.mode = 0640;
	OK(shmctl(id, IPC_SET, &ds));
	EQ(stat_of(id).shm_perm.mode & 0777, 0640);
	OK(shmctl(id, SHM_LOCK, NULL));
	YES(stat_of(id).shm_perm.mode & SHM_LOCKED);
	OK(shmctl(id, SHM_UNLOCK, NULL));
	EQ(stat_of(id).shm_perm.mode & SHM_LOCKED, 0);
	FAILS(shmctl(id, 99, NULL), EINVAL);
	FAILS(shmctl(id, IPC_STAT, (struct shmid_ds *)8), EFAULT);
	FAILS(shmctl(-1, IPC_STAT, &ds), EINVAL);
	struct shminfo limits;
	YES(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) >= 0);
	EQ(limits.shmmin, 1);
	removed(id);
}

/* Layouts and numbers that programs rely on. */
TEST(layouts)
{
	EQ(sizeof(struct shmid_ds), 112);
	EQ(sizeof(struct shminfo), 72);
	EQ(sizeof(struct shm_info), 48);
	struct shminfo limits;
	struct shm_info usage;
	int id = segment(3 * PAGE);
	char *p = MUST((char *)shmat(id, NULL, 0));
	p[0] = 1;
	YES(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) >= 0);
	YES(limits.shmmni >= 1 && limits.shmmax >= 1 && limits.shmall >= 1);
	YES(shmctl(0, SHM_INFO, (struct shmid_ds *)&usage) >= 0);
	YES(usage.used_ids >= 1 && usage.shm_tot >= 3 && usage.shm_rss >= 1);
	OK(shmdt(p));
	removed(id);
}

TEST(permission_is_checked)
{
	if (geteuid() != 0)
		return;
	int id = segment(PAGE);
	pid_t child = MUST(fork());
	if (!child) {
		OK(setgid(65534));
		OK(setuid(65534));
		FAILS((long)shmat(id, NULL, 0), EACCES);
		FAILS((long)shmat(id, NULL, SHM_RDONLY), EACCES);
		FAILS(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), EACCES);
		FAILS(shmctl(id, IPC_RMID, NULL), EPERM);
		FAILS(shmctl(id, SHM_LOCK, NULL), EPERM);
		_exit(0);
	}
	OK(waitpid(child, NULL, 0));
	removed(id);
}
