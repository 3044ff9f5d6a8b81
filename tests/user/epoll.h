/* What the epoll programs share. */
#pragma once
#include "harness.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static inline int epoll_new(void)
{
	return MUST(epoll_create1(0));
}
static inline int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = {.events = events, .data.u64 = data};
	return epoll_ctl(ep, op, fd, &e);
}
static inline int add(int ep, int fd, uint32_t events)
{
	return ctl(ep, EPOLL_CTL_ADD, fd, events, (uint64_t)fd);
}
static inline int mod(int ep, int fd, uint32_t events)
{
	return ctl(ep, EPOLL_CTL_MOD, fd, events, (uint64_t)fd);
}
static inline int del(int ep, int fd)
{
	return epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
}
/* => the events of the only descriptor that is ready now; 0: none; -1: several. */
static inline int64_t ready(int ep, int fd)
{
	struct epoll_event e[4];
	int n = epoll_wait(ep, e, 4, 0);
	if (n != 1)
		return n ? -1 : 0;
	EQ(e[0].data.u64, fd);
	return e[0].events;
}
static inline int event_new(void)
{
	return MUST(eventfd(0, EFD_NONBLOCK));
}
static inline void event_set(int e)
{
	uint64_t one = 1;
	EQ(write(e, &one, 8), 8);
}
static inline void event_take(int e)
{
	uint64_t value;
	EQ(read(e, &value, 8), 8);
}
static inline int polled(int fd, short events)
{
	struct pollfd one = {fd, events, 0};
	poll(&one, 1, 0);
	return one.revents;
}
