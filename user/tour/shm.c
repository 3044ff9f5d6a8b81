/* tour shm: System V shared memory. */
#include "user/tour/tour.h"
#include <signal.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MEBIBYTE = 1 << 20 };

static int segment_new(key_t key, size_t size)
{
	int id = shmget(key, size, IPC_CREAT | IPC_EXCL | 0600);
	if (id < 0) {
		perror("tour: shmget");
		exit(1);
	}
	return id;
}

static char *attach(int id, int flags)
{
	char *p = shmat(id, NULL, flags);
	if (p == (char *)-1) {
		perror("tour: shmat");
		exit(1);
	}
	return p;
}

static long attaches(int id)
{
	struct shmid_ds ds;
	return shmctl(id, IPC_STAT, &ds) < 0 ? -1 : (long)ds.shm_nattch;
}

static void strangers(void)
{
	scene("Two strangers share memory: all they have in common is a key.");
	key_t key = 0x5e9a + getpid();
	int id = segment_new(key, PAGE);
	char *board = attach(id, 0);
	strcpy(board, "hoist the flags");
	pid_t child = start();
	if (!child) {
		shmdt(board); /* nothing inherited */
		char *mine = attach(shmget(key, 0, 0), 0);
		int read_it = !strcmp(mine, "hoist the flags");
		strcpy(mine, "flags are up");
		_exit(!read_it);
	}
	int status = status_of(child);
	saw(status == 0, "process %d found segment %d under key %#x and read what stood there",
	    child, id, key);
	saw(!strcmp(board, "flags are up"), "its answer stands in our memory: \"%s\"", board);
	shmdt(board);
	shmctl(id, IPC_RMID, NULL);
}

static unsigned long pages_present(void)
{
	struct shm_info info;
	shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
	return info.shm_rss;
}

static void lazily(void)
{
	scene("Size costs nothing: pages come when they are touched, and are zero then.");
	unsigned long before = pages_present();
	int id = segment_new(IPC_PRIVATE, 64 * MEBIBYTE);
	char *p = attach(id, 0);
	saw(pages_present() == before, "64 MiB are made and attached: %lu pages in memory",
	    pages_present() - before);
	int sum = p[5 * MEBIBYTE] + p[63 * MEBIBYTE];
	p[17 * MEBIBYTE] = 1;
	saw(sum == 0 && pages_present() == before + 3, "three places are touched: %lu pages",
	    pages_present() - before);
	shmdt(p);
	shmctl(id, IPC_RMID, NULL);
	saw(pages_present() == before, "it is removed: %lu pages", pages_present() - before);
}

static void removal(void)
{
	scene("Removed while in use: the key is free at once, the memory goes with its last user.");
	key_t key = 0x5e9b + getpid();
	int id = segment_new(key, PAGE);
	char *p = attach(id, 0);
	strcpy(p, "still here");
	shmctl(id, IPC_RMID, NULL);
	int gone = shmget(key, 0, 0) < 0 && errno == ENOENT;
	saw(gone && !strcmp(p, "still here"), "nobody finds it under key %#x; we read \"%s\"", key,
	    p);
	pid_t child = start();
	if (!child)
		_exit(strcmp(attach(id, 0), "still here") != 0);
	saw(status_of(child) == 0, "process %d, which knows number %d, attaches it all the same",
	    child, id);
	shmdt(p);
	long left = attaches(id);
	saw(left < 0, "we detach, the last of all: number %d means nothing (%s)", id,
	    strerror(errno));
}

static void crash(void)
{
	scene("A crash: the kernel counts who has the memory, however they leave.");
	int id = segment_new(IPC_PRIVATE, 4 * PAGE);
	char *p = attach(id, 0);
	pid_t child = start();
	if (!child) {
		attach(id, 0);
		for (;;)
			pause();
	}
	until_asleep(child);
	saw(attaches(id) == 3, "attached %ld times: here, and by process %d twice", attaches(id),
	    child);
	kill(child, SIGKILL);
	int status = status_of(child);
	saw(WIFSIGNALED(status) && attaches(id) == 1, "it is killed by signal %d: %ld is left",
	    WTERMSIG(status), attaches(id));
	shmdt(p);
	shmctl(id, IPC_RMID, NULL);
}

static void read_only(void)
{
	scene("Attached for reading: the processor itself refuses to write.");
	int id = segment_new(IPC_PRIVATE, PAGE);
	pid_t child = start();
	if (!child) {
		volatile char *p = attach(id, SHM_RDONLY);
		*p = 1;
		_exit(0);
	}
	int status = status_of(child);
	saw(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "process %d wrote, and got signal %d", child, WTERMSIG(status));
	shmctl(id, IPC_RMID, NULL);
}

enum { WORKERS = 3, ROUNDS = 2000 };

static int count_up(int lock, volatile long *counter)
{
	struct sembuf take = {0, -1, SEM_UNDO}, give = {0, 1, SEM_UNDO};
	for (int i = 0; i < ROUNDS; i++) {
		if (semop(lock, &take, 1))
			return 1;
		*counter = *counter + 1;
		if (semop(lock, &give, 1))
			return 1;
	}
	return 0;
}

static void together(void)
{
	scene("Memory and a semaphore: three processes count in one word, one at a time.");
	int id = segment_new(IPC_PRIVATE, PAGE), lock = semget(IPC_PRIVATE, 1, 0600), failed = 0;
	volatile long *counter = (long *)attach(id, 0);
	semctl(lock, 0, SETVAL, 1);
	pid_t workers[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = start();
		if (!workers[i])
			_exit(count_up(lock, counter));
	}
	for (int i = 0; i < WORKERS; i++)
		failed |= status_of(workers[i]);
	saw(!failed && *counter == WORKERS * ROUNDS, "%d times %d is %ld", WORKERS, ROUNDS,
	    *counter);
	shmdt((void *)counter);
	shmctl(id, IPC_RMID, NULL);
	semctl(lock, 0, IPC_RMID);
}

void tour_shm(void)
{
	puts("System V shared memory: segments that unrelated processes map.");
	strangers();
	lazily();
	removal();
	crash();
	read_only();
	together();
}
