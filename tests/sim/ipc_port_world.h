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
#include "tests/port/watch.h"
#include "tests/port/world.h"
