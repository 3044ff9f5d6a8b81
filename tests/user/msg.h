/* What the programs about message queues share. */
#pragma once
#include "ipc.h"
#include <sys/msg.h>
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif

struct message {
	long type;
	char text[70000];
};
static struct message in, out;
static int queue = -1;

static void drop_queue(void)
{
	msgctl(queue, IPC_RMID, NULL);
}
static void new_queue(void)
{
	queue = MUST(msgget(IPC_PRIVATE, 0600));
	atexit(drop_queue);
}
static int send_text(long type, const char *text)
{
	out.type = type;
	strcpy(out.text, text);
	return msgsnd(queue, &out, strlen(text), IPC_NOWAIT);
}
#define SEND(type, text) OK(send_text(type, text))
/* Receives without waiting; the text, or the errno's name. */
static const char *receive(long type, int flags)
{
	memset(&in, 0, 64);
	ssize_t n = msgrcv(queue, &in, sizeof(in.text), type, flags | IPC_NOWAIT);
	if (n < 0)
		return errno_name(errno);
	in.text[n] = 0;
	return in.text;
}
#define GETS(type, flags, text) STREQ(receive(type, flags), text)

static struct msqid_ds status(void)
{
	struct msqid_ds ds;
	MUST(msgctl(queue, IPC_STAT, &ds));
	return ds;
}
/* How many bytes the queue may hold. */
static inline void set_room(unsigned long bytes)
{
	struct msqid_ds ds = status();
	ds.msg_qbytes = bytes;
	OK(msgctl(queue, IPC_SET, &ds));
}
