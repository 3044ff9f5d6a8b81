/*
 * The hosted world of the IPC module: a thread is a pthread, a lock a pthread mutex, user memory is memory.
 * For unit tests and stress under the sanitizers.
 */
#pragma once
#include <pthread.h>
#include "kernel/lib/list.h"

struct port_lock {
	pthread_mutex_t mutex;
	u32 class;
};
struct port_mutex {
	struct port_lock lock;
};
#include "tests/port/watch.h"
#include "tests/port/world.h"
