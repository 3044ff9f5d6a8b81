/* What the programs about POSIX message queues share. The calls are made directly, without a C library between. */
#pragma once
#include "harness.h"
#include <mqueue.h>
#include <sys/resource.h>

#ifndef MQ_PRIO_MAX
#define MQ_PRIO_MAX 32768
#endif

/* A name of this process's own, without the slash that the C library takes off. */
static inline const char *queue_name(const char *what)
{
	static char names[8][48];
	static int next;
	char *name = names[next++ % 8];
	snprintf(name, sizeof names[0], "test-%d-%s", (int)getpid(), what);
	return name;
}

static inline int sys_open(const char *name, int flags, int mode, const struct mq_attr *attr)
{
	return (int)syscall(SYS_mq_open, name, flags, mode, attr);
}
static inline int sys_unlink(const char *name)
{
	return (int)syscall(SYS_mq_unlink, name);
}
static inline int sys_send(int q, const void *text, size_t size, unsigned priority,
                           const struct timespec *until)
{
	return (int)syscall(SYS_mq_timedsend, q, text, size, priority, until);
}
static inline ssize_t sys_receive(int q, void *text, size_t size, unsigned *priority,
                                  const struct timespec *until)
{
	return syscall(SYS_mq_timedreceive, q, text, size, priority, until);
}
static inline int sys_notify(int q, const struct sigevent *event)
{
	return (int)syscall(SYS_mq_notify, q, event);
}
static inline int sys_attr(int q, const struct mq_attr *new, struct mq_attr *old)
{
	return (int)syscall(SYS_mq_getsetattr, q, new, old);
}

/* An unnamed queue: unlinked at once. */
static inline int queue_of(int flags, long messages, long size)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = size};
	const char *name = queue_name("queue");
	int q = MUST(sys_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr));
	OK(sys_unlink(name));
	return q;
}
static inline int queue(int flags)
{
	return queue_of(flags, 10, 64);
}

static inline int send_text(int q, unsigned priority, const char *text)
{
	return sys_send(q, text, strlen(text), priority, NULL);
}
#define SEND(q, priority, text) OK(send_text(q, priority, text))

static char got[8200];
static unsigned got_priority;
/* Receives; the text, or the errno's name. */
static inline const char *receive(int q)
{
	ssize_t n = sys_receive(q, got, sizeof got - 1, &got_priority, NULL);
	if (n < 0)
		return errno_name(errno);
	got[n] = 0;
	return got;
}
#define GETS(q, text) STREQ(receive(q), text)

static inline long messages_in(int q)
{
	struct mq_attr attr;
	MUST(sys_attr(q, NULL, &attr));
	return attr.mq_curmsgs;
}

static inline struct timespec in_ms(long ms)
{
	return time_in_ms(CLOCK_REALTIME, ms);
}
static const struct timespec __attribute__((unused)) long_ago = {1, 0};
