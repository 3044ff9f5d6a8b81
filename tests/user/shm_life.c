/* The end of segments: IPC_RMID, shm_rmid_forced, namespaces, limits, locked memory, kill -9 (H1, H4, H5, K3). */
#include "caps.h"
#include "shm.h"
#include "storm.h"
#include <pthread.h>
#include <sys/resource.h>

#define FORCED "/proc/sys/kernel/shm_rmid_forced"

/* A world of its own: whose sysctls may be changed. */
static void own_namespace(void)
{
	MUST(unshare(CLONE_NEWIPC));
}

TEST(forced_removal_at_the_last_detach)
{
	own_namespace();
	OK(file_write(FORCED, "1"));
	int id = segment(PAGE);
	EQ(attaches(id), 0);
	char *p = attach(id), *q = attach(id);
	OK(shmdt(p));
	EQ(attaches(id), 1);
	OK(shmdt(q));
	YES(is_gone(id));
}

TEST(forced_removal_with_the_creator)
{
	own_namespace();
	OK(file_write(FORCED, "1"));
	int *ids = shared(PAGE);
	pid_t child;
	CHILD(child)
	{
		ids[0] = segment(PAGE);
		ids[1] = segment(PAGE);
		EQ(attaches(ids[0]), 0);
	}
	REAP(child);
	YES(is_gone(ids[0]));
	YES(is_gone(ids[1]));
}

TEST(forced_removal_spares_what_is_attached)
{
	own_namespace();
	int *ids = shared(PAGE), mine = segment(PAGE);
	char *p = NULL;
	pid_t child;
	CHILD(child)
	{
		ids[0] = segment(PAGE);
		ids[1] = segment(PAGE);
	}
	REAP(child);
	p = attach(ids[1]);
	EQ(attaches(ids[0]), 0);
	OK(file_write(FORCED, "1"));
	YES(is_gone(ids[0])); /* nobody's */
	EQ(attaches(ids[1]), 1);
	EQ(attaches(mine), 0);
	OK(shmdt(p));
	YES(is_gone(ids[1]));
	OK(file_write(FORCED, "0"));
	p = attach(mine);
	OK(shmdt(p));
	EQ(attaches(mine), 0);
	removed(mine);
}

static void *make_one(void *id)
{
	*(int *)id = shmget(IPC_PRIVATE, PAGE, 0600);
	return NULL;
}

TEST(the_creator_is_a_thread)
{
	own_namespace();
	OK(file_write(FORCED, "1"));
	int id = -1;
	pthread_t thread;
	EQ(pthread_create(&thread, NULL, make_one, &id), 0);
	EQ(pthread_join(thread, NULL), 0);
	YES(id >= 0);
	UNTIL(is_gone(id)); /* joined is not yet exited */
}

TEST(who_leaves_the_namespace_is_no_creator)
{
	own_namespace();
	int id = segment(PAGE), go[2], done[2];
	char c;
	pid_t child;
	OK(pipe(go));
	OK(pipe(done));
	CHILD(child)
	{
		EQ(read(go[0], &c, 1), 1);
		OK(file_write(FORCED, "1"));
		YES(is_gone(id));
		OK(write(done[1], "d", 1));
	}
	own_namespace();
	OK(write(go[1], "g", 1));
	EQ(read(done[0], &c, 1), 1);
	REAP(child);
}

TEST(a_namespace_lives_while_its_segments_are_mapped)
{
	own_namespace();
	int id = segment(4 * PAGE);
	char *p = attach(id);
	p[0] = 8;
	own_namespace();
	FAILS(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), EINVAL);
	pid_t child;
	CHILD(child)
	{
		EQ(p[0], 8);
		OK(munmap(p + PAGE, PAGE));
		p[2 * PAGE] = 1;
	}
	REAP(child);
	EQ(p[2 * PAGE], 1);
	OK(shmdt(p));
}

TEST(limits_of_the_namespace)
{
	own_namespace();
	OK(file_write("/proc/sys/kernel/shmall", "10"));
	FAILS(shmget(IPC_PRIVATE, 11 * PAGE, 0600), ENOSPC);
	int id = OK(shmget(IPC_PRIVATE, 10 * PAGE, 0600));
	FAILS(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	removed(id);
	OK(file_write("/proc/sys/kernel/shmall", "18446744073692774399"));
	OK(file_write("/proc/sys/kernel/shmmax", "8192"));
	FAILS(shmget(IPC_PRIVATE, 8193, 0600), EINVAL);
	removed(OK(shmget(IPC_PRIVATE, 8192, 0600)));
	OK(file_write("/proc/sys/kernel/shmmax", "18446744073692774399"));
	OK(file_write("/proc/sys/kernel/shmmni", "2"));
	int a = OK(shmget(IPC_PRIVATE, PAGE, 0600)), b = OK(shmget(IPC_PRIVATE, PAGE, 0600));
	FAILS(shmget(IPC_PRIVATE, PAGE, 0600), ENOSPC);
	removed(a);
	removed(b);
}

TEST(sizes_beyond_memory)
{
	own_namespace();
	FAILS(shmget(IPC_PRIVATE, 1ul << 46, 0600), ENOMEM);
	FAILS(shmget(IPC_PRIVATE, 1ul << 63, 0600), EINVAL);
	FAILS(shmget(IPC_PRIVATE, -1ul, 0600), EINVAL);
	int id = OK(shmget(IPC_PRIVATE, 1ul << 46, SHM_NORESERVE | 0600));
	char *p = attach(id);
	p[(1ul << 40) + 5] = 1;
	EQ(p[1ul << 41], 0);
	OK(shmdt(p));
	removed(id);
	id = OK(shmget(IPC_PRIVATE, 1ul << 62, SHM_NORESERVE | 0600));
	FAILS((long)shmat(id, NULL, 0), ENOMEM);
	EQ(attaches(id), 0);
	removed(id);
}

TEST(four_thousand_and_ninety_six)
{
	enum { MOST = 4096 };
	static int ids[MOST];
	own_namespace();
	for (int i = 0; i < MOST; i++) {
		ids[i] = shmget(i + 1, PAGE, IPC_CREAT | IPC_EXCL | 0600);
		if (ids[i] < 0)
			EQ(i, -errno);
	}
	FAILS(shmget(MOST + 1, PAGE, IPC_CREAT | 0600), ENOSPC);
	FAILS(shmget(IPC_PRIVATE, PAGE, 0600), ENOSPC);
	for (int i = 0; i < MOST; i += 97) {
		EQ(shmget(i + 1, 0, 0), ids[i]);
		char *p = attach(ids[i]);
		*p = 1;
		OK(shmdt(p));
	}
	struct shm_info info;
	EQ(shmctl(0, SHM_INFO, (struct shmid_ds *)&info), MOST - 1);
	EQ(info.used_ids, MOST);
	EQ(info.shm_tot, MOST);
	EQ(info.shm_rss, (MOST + 96) / 97);
	EQ(info.shm_swp, 0);
	for (int i = 0; i < MOST; i++)
		OK(shmctl(ids[i], IPC_RMID, NULL));
	OK(shmctl(OK(shmget(1, PAGE, IPC_CREAT | 0600)), IPC_RMID, NULL));
}

TEST(locked_memory_is_charged_to_the_user)
{
	own_namespace();
	struct rlimit limit = {3 * PAGE, 3 * PAGE};
	int roots = OK(shmget(IPC_PRIVATE, 2 * PAGE, 0666));
	pid_t child;
	CHILD(child)
	{
		OK(setrlimit(RLIMIT_MEMLOCK, &limit));
		become_with(0, 54321);
		FAILS(shmctl(roots, SHM_LOCK, NULL), EPERM);
		FAILS(shmctl(roots, SHM_UNLOCK, NULL), EPERM);
		int a = segment(2 * PAGE), b = segment(2 * PAGE);
		OK(shmctl(a, SHM_LOCK, NULL));
		OK(shmctl(a, SHM_LOCK, NULL));
		EQ(stat_of(a).shm_perm.mode, SHM_LOCKED | 0600);
		FAILS(shmctl(b, SHM_LOCK, NULL), ENOMEM);
		EQ(stat_of(b).shm_perm.mode, 0600);
		char *p = attach(a);
		OK(mlock(p, 3 * PAGE - 1 - PAGE)); /* another account: the process's */
		OK(shmdt(p));
		OK(shmctl(a, IPC_RMID, NULL)); /* gives back */
		OK(shmctl(b, SHM_LOCK, NULL));
		OK(shmctl(b, SHM_UNLOCK, NULL));
		OK(shmctl(b, SHM_UNLOCK, NULL));
		limit.rlim_cur = 0;
		OK(setrlimit(RLIMIT_MEMLOCK, &limit));
		FAILS(shmctl(b, SHM_LOCK, NULL), EPERM);
		OK(shmctl(b, SHM_UNLOCK, NULL));
		removed(b);
	}
	REAP(child);
	removed(roots);
}

TEST(stat_by_index_names_the_same_segment)
{
	own_namespace();
	int id = segment(5);
	struct shmid_ds ds;
	struct shm_info info;
	int top = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
	EQ(shmctl(top, SHM_STAT, &ds), id);
	EQ(ds.shm_segsz, 5);
	EQ(shmctl(top, 15 /* SHM_STAT_ANY */, &ds), id);
	FAILS(shmctl(top + 1, SHM_STAT, &ds), EINVAL);
	removed(id);
}

/* --- fire --- */

/* Attaches, cuts, moves, forks and detaches for ever. */
static int attached;
static void storm(uint32_t seed)
{
	for (;;) {
		char *p = shmat(attached, NULL, draw(&seed) % 4 ? 0 : SHM_RDONLY);
		if (p == (char *)-1)
			_exit(0);
		switch (draw(&seed) % 6) {
		case 0: munmap(p + PAGE, PAGE); break;
		case 1: mprotect(p + 2 * PAGE, PAGE, PROT_READ); break;
		case 2: munmap(mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE), 3 * PAGE); break;
		case 3:
			if (fork() == 0) {
				shmdt(p);
				_exit(0);
			}
			break;
		case 4: remap_file_pages(p, PAGE, 0, 2, 0); break;
		}
		(void)*(volatile char *)(p + 3 * PAGE);
		shmdt(p);
		munmap(p, 4 * PAGE);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

TEST(killed_attachers_leave_nothing)
{
	own_namespace();
	attached = segment(4 * PAGE);
	storm_of_kills(4, 30, 4, storm);
	UNTIL(attaches(attached) == 0); /* grandchildren */
	removed(attached);
}

TEST(removal_among_attachers)
{
	enum { WORKERS = 3, ROUNDS = 20 };
	_Atomic int *over = shared(PAGE);
	own_namespace();
	for (int round = 0; round < ROUNDS; round++) {
		int id = segment(4 * PAGE);
		pid_t pids[WORKERS];
		*over = 0;
		for (int i = 0; i < WORKERS; i++) {
			pids[i] = spawn();
			if (!pids[i])
				for (;; sched_yield()) { /* together they could keep it for ever */
					char *p = *over ? (char *)-1 : shmat(id, NULL, 0);
					if (p == (char *)-1) {
						YES(*over || errno == EINVAL || errno == EIDRM);
						_exit(0);
					}
					*p = 1;
					OK(shmdt(p));
				}
		}
		for (int spin = round % 20; spin; spin--)
			sched_yield();
		OK(shmctl(id, IPC_RMID, NULL));
		*over = 1;
		for (int i = 0; i < WORKERS; i++)
			REAP(pids[i]);
		YES(is_gone(id));
	}
	struct shm_info info;
	YES(shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0);
	EQ(info.used_ids, 0);
	EQ(info.shm_tot, 0);
}
