/* tour posix: POSIX message queues, named semaphores, shared memory. */
#include "user/tour/tour.h"
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const queue_name = "/tour-queue", *const semaphore_name = "/tour-semaphore",
			 *const memory_name = "/tour-memory";

static mqd_t queue_new(void)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
	mq_unlink(queue_name);
	mqd_t q = mq_open(queue_name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (q < 0) {
		perror("tour: mq_open");
		exit(1);
	}
	return q;
}
static void post(mqd_t q, unsigned priority, const char *text)
{
	if (mq_send(q, text, strlen(text) + 1, priority))
		perror("tour: mq_send");
}
/* => the text, or what went wrong. */
static const char *take(mqd_t q)
{
	static char text[64];
	return mq_receive(q, text, sizeof text, NULL) < 0 ? strerror(errno) : text;
}

static void priorities(void)
{
	scene("A message queue: the most urgent message first, then the oldest.");
	mqd_t q = queue_new();
	post(q, 1, "letter");
	post(q, 9, "telegram");
	post(q, 1, "second letter");
	const char *text = take(q);
	saw(!strcmp(text, "telegram"), "first comes the \"%s\"", text);
	text = take(q);
	saw(!strcmp(text, "letter"), "then the \"%s\"", text);
	take(q);
	struct timespec soon;
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += 1;
	int got = (int)mq_timedreceive(q, (char[64]){0}, 64, NULL, &soon);
	saw(got < 0 && errno == ETIMEDOUT, "who waits for a fourth one gives up after a second");
	mq_close(q);
	mq_unlink(queue_name);
}

static void files(void)
{
	scene("Queues are files in /dev/mqueue, and their descriptors are descriptors.");
	mqd_t q = queue_new();
	post(q, 0, "seven b");
	char line[100] = "";
	int fd = open("/dev/mqueue/tour-queue", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (n > 0)
		line[n - 1] = 0;
	saw(!strncmp(line, "QSIZE:8 ", 8), "cat /dev/mqueue/tour-queue: %s", line);
	mq_unlink(queue_name);
	const char *text = take(q);
	saw(!strcmp(text, "seven b") && mq_open(queue_name, O_RDWR) < 0,
	    "its name is gone; who has it open still reads \"%s\"", text);
	close(fd);
	mq_close(q);
}

static volatile sig_atomic_t told;
static void on_message(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	told = info->si_code == SI_MESGQ ? info->si_pid : -1;
}

static void notification(void)
{
	scene("A process is told when a message arrives at its empty queue, and goes on until then.");
	mqd_t q = queue_new();
	struct sigaction action = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	sigaction(SIGUSR1, &action, NULL);
	int ready = mq_notify(q, &event);
	pid_t sender = start();
	if (sender == 0) {
		post(q, 0, "you have mail");
		_exit(0);
	}
	status_of(sender);
	const char *text = take(q);
	saw(ready == 0 && told == sender,
	    "a signal says that process %d has sent something: \"%s\"", (int)sender, text);
	mq_close(q);
	mq_unlink(queue_name);
}

static void semaphore(void)
{
	scene("A named semaphore: strangers take turns by name.");
	sem_unlink(semaphore_name);
	sem_t *mine = sem_open(semaphore_name, O_CREAT | O_EXCL, 0600, 0);
	if (mine == SEM_FAILED) {
		perror("tour: sem_open");
		exit(1);
	}
	pid_t waiter = start();
	if (waiter == 0) {
		sem_t *s = sem_open(semaphore_name, 0);
		_exit(s == SEM_FAILED || sem_wait(s) != 0);
	}
	until_asleep(waiter);
	int value;
	sem_getvalue(mine, &value);
	saw(value == 0, "another process has opened it by name and waits");
	sem_post(mine);
	saw(status_of(waiter) == 0, "one post, and it goes on");
	sem_close(mine);
	sem_unlink(semaphore_name);
}

struct board {
	sem_t written, read;
	char text[40];
};

static void memory(void)
{
	scene("Shared memory with semaphores in it: a blackboard for two.");
	shm_unlink(memory_name);
	int fd = shm_open(memory_name, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(struct board))) {
		perror("tour: shm_open");
		exit(1);
	}
	struct board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sem_init(&b->written, 1, 0);
	sem_init(&b->read, 1, 0);
	pid_t reader = start();
	if (reader == 0) {
		int other = shm_open(memory_name, O_RDWR, 0);
		struct board *same =
			mmap(NULL, sizeof *same, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
		sem_wait(&same->written);
		int wrong = strcmp(same->text, "chalk") != 0;
		strcpy(same->text, "wiped");
		sem_post(&same->read);
		_exit(wrong);
	}
	strcpy(b->text, "chalk");
	sem_post(&b->written);
	sem_wait(&b->read);
	int status = status_of(reader);
	saw(status == 0 && !strcmp(b->text, "wiped"),
	    "one wrote \"chalk\", the other read it, at another address perhaps, and left \"%s\"",
	    b->text);
	struct stat st = {0};
	stat("/dev/shm/tour-memory", &st);
	saw(st.st_size == sizeof *b, "ls /dev/shm shows it: %ld bytes", (long)st.st_size);
	shm_unlink(memory_name);
	munmap(b, sizeof *b);
	close(fd);
}

void tour_posix(void)
{
	puts("POSIX IPC: message queues, named semaphores and shared memory, all by names of files.");
	priorities();
	files();
	notification();
	semaphore();
	memory();
}
