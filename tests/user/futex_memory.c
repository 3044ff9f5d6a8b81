/* futex(2): memory of every kind that words live in, and who shares them (F1). */
#include "harness.h"
#include <pthread.h>

enum { WAIT = 0, WAKE = 1, PRIVATE = 128, PAGE = 4096 };

static long futex(const volatile void *word, int op, int value, const struct timespec *time)
{
	return syscall(SYS_futex, word, op, value, time, NULL, 0);
}
static volatile int *map(int protection, int flags, int fd)
{
	void *p = mmap(NULL, 2 * PAGE, protection, flags, fd, 0);
	YES(p != MAP_FAILED);
	return p;
}
/* Two pages, the first word is 1. */
static int new_file(void)
{
	int fd = OK(memfd_create("words", 0)), one = 1;
	OK(ftruncate(fd, 2 * PAGE));
	EQ(write(fd, &one, sizeof one), sizeof one);
	return fd;
}
static const struct timespec soon = {0, 1000000};

/* Nobody has touched the page yet: it reads as zero. */
TEST(untouched_memory)
{
	static const int kinds[] = {MAP_PRIVATE, MAP_SHARED};
	for (int i = 0; i < 4; i++) {
		int op = i & 1 ? WAIT | PRIVATE : WAIT;
		volatile int *p = map(PROT_READ | PROT_WRITE, kinds[i / 2] | MAP_ANONYMOUS, -1);
		FAILS(futex(p, op, 1, NULL), EAGAIN);
		FAILS(futex(p + PAGE / 4, op, 0, &soon), ETIMEDOUT);
	}
	volatile int *heap = calloc(1, 1 << 20);
	FAILS(futex(heap + 1000, WAIT, 1, NULL), EAGAIN);
	FAILS(futex(heap + 100000, WAIT | PRIVATE, 1, NULL), EAGAIN);
}

struct sleeper {
	volatile int *word;
	int op, tid;
	long result;
};
static void *sleeps(void *arg)
{
	struct sleeper *s = arg;
	__atomic_store_n(&s->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	s->result = futex(s->word, s->op, 1, NULL);
	return NULL;
}
/* A thread sleeps on `word`, which is 1; we wake it. */
static void meet_in_one_process(volatile int *word, int op)
{
	struct sleeper s = {.word = word, .op = op};
	pthread_t thread;
	EQ(pthread_create(&thread, NULL, sleeps, &s), 0);
	UNTIL(__atomic_load_n(&s.tid, __ATOMIC_ACQUIRE));
	until_asleep(s.tid);
	EQ(futex(word, WAKE | (op & PRIVATE), 1, NULL), 1);
	EQ(pthread_join(thread, NULL), 0);
	EQ(s.result, 0);
}

/* Data of the program: a private mapping of its file, the page perhaps still the file's own. */
static volatile int datum[3 * PAGE / 4] = {[0] = 1, [PAGE / 4] = 1, [PAGE / 2] = 1};

TEST(private_mapping_of_a_file)
{
	meet_in_one_process(&datum[PAGE / 4], WAIT);
	meet_in_one_process(&datum[PAGE / 2], WAIT | PRIVATE);
	volatile int *p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, new_file());
	meet_in_one_process(p, WAIT);
	*p = 1; /* now a page of our own */
	meet_in_one_process(p, WAIT | PRIVATE);
}

/* A child sleeps on `theirs`; we wake at `ours`. => how many that woke. */
static long meet_in_two_processes(volatile int *theirs, volatile int *ours)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(futex(theirs, WAIT, 1, NULL));
	}
	until_asleep(pid);
	long woken = futex(ours, WAKE, 1, NULL);
	if (!woken) {
		OK(kill(pid, SIGKILL));
		EQ(reap(pid), SIGKILL);
		return 0;
	}
	REAP(pid);
	return woken;
}

TEST(who_meets_whom_at_a_file)
{
	int fd = new_file();
	volatile int *one = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd),
		     *two = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd),
		     *own = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd),
		     *looks = map(PROT_READ, MAP_SHARED, fd);
	EQ(meet_in_two_processes(one, two), 1);
	EQ(meet_in_two_processes(looks, one), 1);
	EQ(meet_in_two_processes(two, looks), 1);
	EQ(meet_in_two_processes(own, own), 0);
	EQ(meet_in_two_processes(one, own), 0);
	EQ(meet_in_two_processes(own, one), 0);
}

/* Who may only read a private mapping looks at the file's own page, and meets those who share it. */
TEST(private_mapping_that_is_only_read)
{
	int fd = new_file();
	volatile int *one = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd),
		     *reads = map(PROT_READ, MAP_PRIVATE, fd),
		     *nothing = map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	EQ(meet_in_two_processes(reads, one), 1);
	EQ(meet_in_two_processes(one, reads), 1);
	meet_in_one_process(reads, WAIT | PRIVATE);
	volatile int *was_written = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	was_written[1] = 1;
	OK(mprotect((void *)was_written, 2 * PAGE, PROT_READ));
	FAILS(futex(was_written, WAKE, 1, NULL), EFAULT);
	EQ(futex(was_written + PAGE / 4, WAKE, 1, NULL), 0);
	FAILS(futex(nothing, WAIT, 0, NULL), EFAULT);
	FAILS(futex(nothing, WAKE, 1, NULL), EFAULT);
	FAILS(futex(nothing, WAIT | PRIVATE, 1, NULL), EAGAIN);
	EQ(futex(nothing, WAKE | PRIVATE, 1, NULL), 0);
}

TEST(memory_that_is_not_there)
{
	volatile int *p = map(PROT_READ | PROT_WRITE, MAP_SHARED, new_file());
	volatile int *none = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	OK(munmap((void *)(p + PAGE / 4), PAGE));
	FAILS(futex(p + PAGE / 4, WAIT, 0, NULL), EFAULT);
	FAILS(futex(p + PAGE / 4, WAKE, 1, NULL), EFAULT);
	FAILS(futex(none, WAIT, 0, NULL), EFAULT);
	FAILS(futex(none, WAIT | PRIVATE, 0, NULL), EFAULT);
	FAILS(futex(none, WAKE, 1, NULL), EFAULT);
	EQ(futex(none, WAKE | PRIVATE, 1, NULL), 0);
	/* Beyond the end of the file. */
	int fd = new_file();
	p = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	OK(ftruncate(fd, PAGE));
	FAILS(futex(p + PAGE / 4, WAIT, 0, NULL), EFAULT);
	FAILS(futex(p + PAGE / 4, WAKE, 1, NULL), EFAULT);
	OK(ftruncate(fd, 2 * PAGE));
	EQ(futex(p + PAGE / 4, WAKE, 1, NULL), 0);
}
