/*
 * tour - a guided tour of Halyard's IPC. `tour sem`: System V semaphore sets, `tour msg`: message
 * queues, scene by scene. Each scene says in one line what it shows, then what really happened; what happened is checked, and
 * the exit status tells whether all of it was as it should be. It runs on Linux as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int scenes, wrong;

static void scene(const char *what)
{
	printf("\n%d. %s\n", ++scenes, what);
}

/* Prints what happened, and marks it if it should not have. */
static __attribute__((format(printf, 2, 3))) void saw(int as_expected, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	printf("   %s ", as_expected ? "->" : "WRONG:");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	wrong += !as_expected;
}

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

static pid_t start(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0) {
		perror("tour: fork");
		exit(1);
	}
	return pid;
}

/* Returns once N processes wait for semaphore NUMBER to grow: the kernel's own count says so. */
static void until_waiting(int set, int number, int n)
{
	while (semctl(set, number, GETNCNT) != n)
		sched_yield();
}

static int status_of(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid ? status : -1;
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

/* --- message queues --- */

struct letter {
	long type;
	char text[60];
};

static int queue_new(void)
{
	int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	if (queue < 0) {
		perror("tour: msgget");
		exit(1);
	}
	return queue;
}

static int post(int queue, long type, const char *text)
{
	struct letter l = {.type = type};
	strncpy(l.text, text, sizeof(l.text) - 1);
	return msgsnd(queue, &l, strlen(l.text) + 1, 0);
}

/* => the text, or what went wrong. */
static const char *take(int queue, long type, int flags)
{
	static struct letter l;
	return msgrcv(queue, &l, sizeof(l.text), type, flags) < 0 ? strerror(errno) : l.text;
}

/* Returns once process PID sleeps, as the kernel's own list of processes says. */
static void until_asleep(pid_t pid)
{
	char path[64], text[256], state = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'S') {
		FILE *f = fopen(path, "r");
		if (!f)
			return;
		if (fgets(text, sizeof(text), f) && strrchr(text, ')'))
			state = strrchr(text, ')')[2];
		fclose(f);
		sched_yield();
	}
}

static void selection(void)
{
	scene("A queue keeps order, and a reader may choose: by type, or the lowest type first.");
	int queue = queue_new();
	post(queue, 3, "routine");
	post(queue, 1, "urgent");
	post(queue, 3, "routine again");
	post(queue, 2, "soon");
	const char *text = take(queue, 2, 0);
	saw(!strcmp(text, "soon"), "who asks for type 2 gets \"%s\"", text);
	text = take(queue, -3, 0);
	saw(!strcmp(text, "urgent"), "who asks for the lowest type up to 3 gets \"%s\"", text);
	text = take(queue, 0, 0);
	saw(!strcmp(text, "routine"), "who takes anything gets the oldest, \"%s\"", text);
	msgctl(queue, IPC_RMID, NULL);
}

enum { WEATHER = 1, SPORT = 2, STOCKS = 3 };

/* A process that waits for one piece of news and writes it down. */
static pid_t subscriber(int queue, long topic, int flags, char *note)
{
	pid_t pid = start();
	if (pid == 0) {
		strcpy(note, take(queue, topic, flags));
		_exit(0);
	}
	until_asleep(pid);
	return pid;
}

static void news(void)
{
	scene("Publish and subscribe: topics are types; one reader takes anything but sport.");
	int queue = queue_new();
	char(*note)[64] =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t readers[] = {subscriber(queue, WEATHER, 0, note[0]),
	                   subscriber(queue, SPORT, 0, note[1]),
	                   subscriber(queue, SPORT, MSG_EXCEPT, note[2])};
	post(queue, SPORT, "Halyard wins");
	post(queue, STOCKS, "signal flags up");
	post(queue, WEATHER, "fair wind");
	for (int i = 0; i < 3; i++)
		status_of(readers[i]);
	saw(!strcmp(note[0], "fair wind"), "weather: %s", note[0]);
	saw(!strcmp(note[1], "Halyard wins"), "sport: %s", note[1]);
	saw(!strcmp(note[2], "signal flags up"), "anything but sport: %s", note[2]);
	struct msqid_ds ds;
	msgctl(queue, IPC_STAT, &ds);
	saw(ds.msg_qnum == 0, "each was handed to the one who waited; %lu are left in the queue",
	    (unsigned long)ds.msg_qnum);
	munmap(note, 4096);
	msgctl(queue, IPC_RMID, NULL);
}

static void full_queue(void)
{
	scene("A full queue: the sender sleeps until a reader makes room.");
	int queue = queue_new();
	struct msqid_ds ds;
	msgctl(queue, IPC_STAT, &ds);
	ds.msg_qbytes = 10;
	msgctl(queue, IPC_SET, &ds);
	post(queue, 1, "123456789");
	pid_t sender = start();
	if (sender == 0)
		_exit(post(queue, 1, "more") != 0);
	until_asleep(sender);
	msgctl(queue, IPC_STAT, &ds);
	saw(ds.msg_cbytes == 10, "%lu of 10 bytes in use, a sender waits",
	    (unsigned long)ds.msg_cbytes);
	take(queue, 0, 0);
	int status = status_of(sender);
	msgctl(queue, IPC_STAT, &ds);
	saw(status == 0 && ds.msg_qnum == 1, "one message was read: the sender's took its place");
	sender = start();
	if (sender == 0)
		_exit(post(queue, 1, "too much") == 0 || errno != EIDRM);
	until_asleep(sender);
	msgctl(queue, IPC_RMID, NULL);
	saw(status_of(sender) == 0, "the queue is removed: a sender that waits is told, EIDRM");
}

static void tour_sem(void)
{
	puts("System V semaphores: sets of counters that processes raise, lower and wait for.");
	meeting();
	together();
	crash();
	time_out();
	frames();
}

static void tour_msg(void)
{
	puts("System V message queues: typed messages that outlive their sender.");
	selection();
	news();
	full_queue();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tours[] = {{"sem", tour_sem}, {"msg", tour_msg}};
	for (size_t i = 0; argc == 2 && i < sizeof(tours) / sizeof(*tours); i++) {
		if (strcmp(argv[1], tours[i].name))
			continue;
		tours[i].run();
		printf("\n%s\n",
		       wrong ? "Something was not as it should be." : "All of it as it should be.");
		return wrong != 0;
	}
	fputs("usage: tour sem|msg    a guided tour of System V semaphores, message queues\n",
	      stderr);
	return 2;
}
