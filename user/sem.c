/*
 * sem - System V semaphores from the shell.
 *
 * An operation is NUMBER:CHANGE, with "n" after it for IPC_NOWAIT and "u" for SEM_UNDO: 0:-1 waits
 * for semaphore 0 and takes one, 1:+2 adds two to semaphore 1, 0:0 waits until it is zero. All the
 * operations of one command are performed together or not at all, semop(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int usage(void)
{
	fputs("sem create KEY|private N [MODE]   make a set of N semaphores, or find it; prints its id\n"
	      "sem op ID [-t SECONDS] OP...      perform operations: 0:-1 1:+2 0:0, n no wait, u undo\n"
	      "sem with ID OP... -- COMMAND      perform with undo, then become COMMAND\n"
	      "sem get ID [NUMBER]               print the values\n"
	      "sem set ID NUMBER VALUE           set one\n"
	      "sem stat ID                       owner, mode, times, waiters\n"
	      "sem rm ID                         remove the set and wake all its waiters\n",
	      stderr);
	return EXIT_USAGE;
}

static int failed(const char *what)
{
	fprintf(stderr, "sem: %s: %s\n", what, strerror(errno));
	return EXIT_FAILED;
}

static int create(int argc, char **argv)
{
	if (argc < 2)
		return usage();
	key_t key = strcmp(argv[0], "private") ? (key_t)strtoul(argv[0], NULL, 0) : IPC_PRIVATE;
	int mode = argc > 2 ? (int)strtoul(argv[2], NULL, 8) : 0600;
	int id = semget(key, atoi(argv[1]), IPC_CREAT | mode);
	if (id < 0)
		return failed("create");
	printf("%d\n", id);
	return 0;
}

static int parse(const char *text, struct sembuf *op)
{
	char *end;
	op->sem_num = (unsigned short)strtoul(text, &end, 0);
	if (end == text || *end != ':')
		return -1;
	const char *change = end + 1;
	op->sem_op = (short)strtol(change, &end, 0);
	if (end == change)
		return -1;
	op->sem_flg = 0;
	for (; *end; end++) {
		if (*end == 'n')
			op->sem_flg |= IPC_NOWAIT;
		else if (*end == 'u')
			op->sem_flg |= SEM_UNDO;
		else
			return -1;
	}
	return 0;
}

/* Performs operations up to "--" or the end, with FLAGS added; *used says how many words it took. */
static int operate(int id, int argc, char **argv, short flags, const struct timespec *limit,
                   int *used)
{
	struct sembuf *ops = calloc((size_t)argc + 1, sizeof(*ops));
	int n = 0;
	for (; n < argc && strcmp(argv[n], "--"); n++) {
		if (!ops || parse(argv[n], &ops[n]))
			return usage();
		ops[n].sem_flg |= flags;
	}
	*used = n;
	int result = semtimedop(id, ops, (size_t)n, limit);
	free(ops);
	return result ? failed("op") : 0;
}

static int op(int id, int argc, char **argv)
{
	struct timespec limit, *timeout = NULL;
	if (argc > 2 && !strcmp(argv[0], "-t")) {
		double seconds = atof(argv[1]);
		limit.tv_sec = (time_t)seconds;
		limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
		timeout = &limit;
		argc -= 2;
		argv += 2;
	}
	int used;
	return argc ? operate(id, argc, argv, 0, timeout, &used) : usage();
}

/* The adjustments outlive exec and are undone when COMMAND ends, however it ends. */
static int with(int id, int argc, char **argv)
{
	int used, status = operate(id, argc, argv, SEM_UNDO, NULL, &used);
	if (status)
		return status;
	if (used + 1 >= argc)
		return usage();
	execvp(argv[used + 1], argv + used + 1);
	return failed(argv[used + 1]);
}

static int get(int id, int argc, char **argv)
{
	if (argc) {
		int value = semctl(id, atoi(argv[0]), GETVAL);
		return value < 0 ? failed("get") : !printf("%d\n", value);
	}
	struct semid_ds ds;
	if (semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}))
		return failed("get");
	unsigned short *values = calloc(ds.sem_nsems, sizeof(*values));
	if (!values || semctl(id, 0, GETALL, (union semun){.array = values}))
		return failed("get");
	for (unsigned long i = 0; i < ds.sem_nsems; i++)
		printf("%s%u", i ? " " : "", values[i]);
	putchar('\n');
	free(values);
	return 0;
}

static int set(int id, int argc, char **argv)
{
	if (argc < 2)
		return usage();
	if (semctl(id, atoi(argv[0]), SETVAL, (union semun){.val = atoi(argv[1])}))
		return failed("set");
	return 0;
}

static int show(int id)
{
	struct semid_ds ds;
	if (semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}))
		return failed("stat");
	printf("key 0x%x, mode %o, owner %u:%u, creator %u:%u, %lu semaphores\n", ds.sem_perm.__key,
	       ds.sem_perm.mode & 0777, ds.sem_perm.uid, ds.sem_perm.gid, ds.sem_perm.cuid,
	       ds.sem_perm.cgid, (unsigned long)ds.sem_nsems);
	printf("last operation %ld, last change %ld\n", (long)ds.sem_otime, (long)ds.sem_ctime);
	puts("number  value  last pid  wait for more  wait for zero");
	for (int i = 0; i < (int)ds.sem_nsems; i++)
		printf("%6d %6d %9d %14d %14d\n", i, semctl(id, i, GETVAL), semctl(id, i, GETPID),
		       semctl(id, i, GETNCNT), semctl(id, i, GETZCNT));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return usage();
	const char *verb = argv[1];
	if (!strcmp(verb, "create"))
		return create(argc - 2, argv + 2);
	char *end;
	int id = (int)strtol(argv[2], &end, 0);
	if (*end || end == argv[2])
		return usage();
	argc -= 3;
	argv += 3;
	if (!strcmp(verb, "op"))
		return op(id, argc, argv);
	if (!strcmp(verb, "with"))
		return with(id, argc, argv);
	if (!strcmp(verb, "get"))
		return get(id, argc, argv);
	if (!strcmp(verb, "set"))
		return set(id, argc, argv);
	if (!strcmp(verb, "stat"))
		return show(id);
	if (!strcmp(verb, "rm"))
		return semctl(id, 0, IPC_RMID) ? failed("rm") : 0;
	return usage();
}
