/*
 * The simulation's types for kernel/ipc/port.h. See tests/sim/sim.h.
 */
#pragma once
#include "kernel/lib/list.h"

struct sim_task;
struct port_lock {
	struct sim_task *owner;
	u32 class;
	u64 age; /* of locks that are taken together, the older one first */
};
struct port_mutex {
	struct port_lock lock; /* may be held while parked; otherwise the same thing here */
};
struct port_defer {
	struct port_defer *next;
	void (*fn)(struct port_defer *d);
};
struct port_io {
	char *base;
	size_t left;
};
#include "tests/port/watch.h"
