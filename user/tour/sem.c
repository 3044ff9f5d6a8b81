/* tour sem: System V semaphore sets. */
#include "user/tour/tour.h"
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int value(int set, int number)
{
	return semctl(set, number, GETVAL);
}

static int set_new(int n)
{
	int set = semget(IPC_PRIVATE, n, IPC_CREAT | 0600);
	if (set < 0) {
		perror("tour: semget");
		exit(1);
	}
	return set;
}

/* Returns once N processes wait for semaphore NUMBER to grow: the kernel's own count says so. */
static void until_waiting(int set, int number, int n)
{
	while (semctl(set, number, GETNCNT) != n)
		sched_yield();
}

static void meeting(void)
{
	scene("Two processes meet: each tells the other that it has arrived, and waits for the other.");
	int set = set_new(2);
	pid_t child = start();
	if (!child) {
		struct sembuf arrive = {0, 1, 0}, wait_parent = {1, -1, 0};
		_exit(semop(set, &arrive, 1) || semop(set, &wait_parent, 1));
	}
	struct sembuf arrive = {1, 1, 0}, wait_child = {0, -1, 0};
	int met = !semop(set, &wait_child, 1) && !semop(set, &arrive, 1);
	saw(met, "process %d waited on semaphore 0 until process %d had raised it", getpid(),
	    child);
	int status = status_of(child);
	saw(status == 0, "process %d waited on semaphore 1 and left with status %d", child, status);
	saw(value(set, 0) == 0 && value(set, 1) == 0, "both are back at %d and %d", value(set, 0),
	    value(set, 1));
	semctl(set, 0, IPC_RMID);
}

static void together(void)
{
	scene("Several semaphores in one operation: all of it happens, or nothing does.");
	int set = set_new(3);
	struct sembuf put = {0, 1, 0};
	struct sembuf take_all[] = {{0, -1, 0}, {1, -1, 0}, {2, 1, 0}};
	struct sembuf try_all[] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}, {2, 1, 0}};
	semop(set, &put, 1);
	int refused = semop(set, try_all, 3) < 0 && errno == EAGAIN;
	saw(refused && value(set, 0) == 1,
	    "values 1 0 0: taking from both is refused (%s), still %d %d %d", strerror(errno),
	    value(set, 0), value(set, 1), value(set, 2));
	pid_t child = start();
	if (!child)
		_exit(semop(set, take_all, 3) != 0);
	until_waiting(set, 1, 1);
	saw(value(set, 0) == 1,
	    "process %d waits for semaphore 1 and holds nothing: values %d %d %d", child,
	    value(set, 0), value(set, 1), value(set, 2));
	put.sem_num = 1;
	semop(set, &put, 1);
	int status = status_of(child);
	saw(status == 0 && value(set, 0) == 0 && value(set, 1) == 0 && value(set, 2) == 1,
	    "semaphore 1 is raised and the whole operation happens at once: values %d %d %d",
	    value(set, 0), value(set, 1), value(set, 2));
	semctl(set, 0, IPC_RMID);
}

static void crash(void)
{
	scene("A crash with SEM_UNDO: the kernel gives back what a dead process held.");
	int set = set_new(1), held[2];
	semctl(set, 0, SETVAL, 1);
	if (pipe(held))
		return saw(0, "pipe: %s", strerror(errno));
	pid_t holder = start();
	if (!holder) {
		struct sembuf lock = {0, -1, SEM_UNDO};
		if (semop(set, &lock, 1) || write(held[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	char byte;
	int told = read(held[0], &byte, 1) == 1;
	saw(told && value(set, 0) == 0, "process %d holds the lock: value %d", holder,
	    value(set, 0));
	pid_t heir = start();
	if (!heir) {
		struct sembuf lock = {0, -1, 0};
		_exit(semop(set, &lock, 1) != 0);
	}
	until_waiting(set, 0, 1);
	kill(holder, SIGKILL);
	int status = status_of(holder);
	saw(WIFSIGNALED(status), "process %d is killed by signal %d and never unlocks", holder,
	    WTERMSIG(status));
	status = status_of(heir);
	saw(status == 0, "its adjustment is undone; process %d, which waited, has the lock now",
	    heir);
	close(held[0]);
	close(held[1]);
	semctl(set, 0, IPC_RMID);
}

static void time_out(void)
{
	scene("A time-out: waiting for at most a tenth of a second.");
	int set = set_new(1);
	struct sembuf take = {0, -1, 0};
	struct timespec limit = {0, 100000000}, before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	int result = semtimedop(set, &take, 1, &limit), error = errno;
	clock_gettime(CLOCK_MONOTONIC, &after);
	long ms =
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	saw(result < 0 && error == EAGAIN && ms >= 100,
	    "semtimedop: %s after %ld ms, nobody waits any more (%d)", strerror(error), ms,
	    semctl(set, 0, GETNCNT));
	semctl(set, 0, IPC_RMID);
}

/* A buffer of two frames in memory that both processes map. */
enum { FREE, READY, LOCK, FRAMES = 2, PICTURES = 8, PIXELS = 4096 };
struct frame {
	unsigned char number, pixel[PIXELS];
};

static void frame_fill(struct frame *frame, int number)
{
	frame->number = (unsigned char)number;
	memset(frame->pixel, number * 7, sizeof(frame->pixel));
}

static int frame_intact(const struct frame *frame, int number)
{
	int good = frame->number == number;
	for (int i = 0; i < PIXELS; i++)
		good &= frame->pixel[i] == (unsigned char)(number * 7);
	return good;
}

static int produce(int set, struct frame *buffer)
{
	struct sembuf begin[] = {{FREE, -1, 0}, {LOCK, -1, SEM_UNDO}};
	struct sembuf end[] = {{READY, 1, 0}, {LOCK, 1, SEM_UNDO}};
	for (int n = 0; n < PICTURES; n++) {
		if (semop(set, begin, 2))
			return 1;
		frame_fill(&buffer[n % FRAMES], n);
		if (semop(set, end, 2))
			return 1;
	}
	return 0;
}

static void frames(void)
{
	scene("A frame handshake: a producer and a consumer share a buffer of two pictures.");
	struct frame *buffer = mmap(NULL, sizeof(*buffer) * FRAMES, PROT_READ | PROT_WRITE,
	                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		return saw(0, "mmap: %s", strerror(errno));
	int set = set_new(3), intact = 0;
	unsigned short values[3] = {[FREE] = FRAMES, [READY] = 0, [LOCK] = 1};
	semctl(set, 0, SETALL, values);
	saw(value(set, FREE) == FRAMES, "set of three: %d frames free, %d ready, lock %d",
	    value(set, FREE), value(set, READY), value(set, LOCK));
	pid_t producer = start();
	if (!producer)
		_exit(produce(set, buffer));
	struct sembuf begin[] = {{READY, -1, 0}, {LOCK, -1, SEM_UNDO}};
	struct sembuf end[] = {{FREE, 1, 0}, {LOCK, 1, SEM_UNDO}};
	for (int n = 0; n < PICTURES && !semop(set, begin, 2); n++) {
		intact += frame_intact(&buffer[n % FRAMES], n);
		if (semop(set, end, 2))
			break;
	}
	int status = status_of(producer);
	saw(status == 0 && intact == PICTURES,
	    "%d of %d pictures of %d bytes came through whole and in order", intact, PICTURES,
	    PIXELS);
	saw(value(set, FREE) == FRAMES && value(set, READY) == 0 && value(set, LOCK) == 1,
	    "at the end: %d frames free, %d ready, lock %d", value(set, FREE), value(set, READY),
	    value(set, LOCK));
	semctl(set, 0, IPC_RMID);
	munmap(buffer, sizeof(*buffer) * FRAMES);
}

void tour_sem(void)
{
	puts("System V semaphores: sets of counters that processes raise, lower and wait for.");
	meeting();
	together();
	crash();
	time_out();
	frames();
}
