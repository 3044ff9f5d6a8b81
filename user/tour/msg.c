/* tour msg: System V message queues. */
#include "user/tour/tour.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <unistd.h>

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

void tour_msg(void)
{
	puts("System V message queues: typed messages that outlive their sender.");
	selection();
	news();
	full_queue();
}
