/* poll(2), select(2): events and structures of the Linux x86-64 ABI. */
#pragma once
#include "abi/types.h"

enum {
	POLLIN = 1,
	POLLPRI = 2,
	POLLOUT = 4,
	POLLERR = 8,
	POLLHUP = 16,
	POLLNVAL = 32,
	POLLRDNORM = 64,
	POLLRDBAND = 128,
	POLLWRNORM = 256,
	POLLWRBAND = 512,
	POLLMSG = 1024,
	POLLRDHUP = 0x2000
};

struct pollfd {
	s32 fd;
	s16 events, revents;
};
_Static_assert(sizeof(struct pollfd) == 8, "poll(2)");
