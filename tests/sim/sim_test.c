/*
 * The simulation's own tests: it plays every interleaving, once each, and finds what it must find.
 */
#include "tests/sim/sim.h"

static int shared_count;

static void increment_torn(void *arg)
{
	int seen = shared_count;
	port_step();
	shared_count = seen + 1;
}

SIM(torn_increments_lose_one_in_some_schedule)
{
	shared_count = 0;
	sim_spawn(increment_torn, NULL);
	sim_spawn(increment_torn, NULL);
	sim_run();
	sim_outcome(shared_count, BIT(1) | BIT(2));
}

static struct port_lock lock;

static void increment_locked(void *arg)
{
	port_lock(&lock);
	increment_torn(NULL);
	port_unlock(&lock);
}

SIM(locked_increments_lose_none)
{
	shared_count = 0;
	port_lock_init(&lock, LOCK_CLASS_SEM_SET);
	for (int i = 0; i < 3; i++)
		sim_spawn(increment_locked, NULL);
	sim_run();
	CHECK_EQ(shared_count, 3);
}

static bool flag;

static void wait_for_flag(void *arg)
{
	while (!flag)
		CHECK_EQ(port_park(PORT_FOREVER, PORT_UNINTERRUPTIBLE), PORT_WOKEN);
}

static void raise_flag(void *waiter)
{
	flag = true;
	port_step();
	port_unpark(waiter);
}

SIM(park_by_token_loses_no_wake_up)
{
	flag = false;
	sim_spurious(1);
	sim_spawn(raise_flag, sim_spawn(wait_for_flag, NULL));
	sim_run();
	CHECK(flag);
}

static void park_once(void *arg)
{
	sim_outcome(port_park(sim_now() + 5, PORT_INTERRUPTIBLE),
	            BIT(PORT_WOKEN) | BIT(PORT_TIMEOUT) | BIT(PORT_SIGNAL));
}

SIM(a_sleep_ends_in_each_of_its_ways)
{
	struct sim_task *sleeper = sim_spawn(park_once, NULL);
	sim_signal_anytime(sleeper);
	sim_spawn(raise_flag, sleeper);
	sim_run();
}

static bool freed;
static struct port_defer garbage;
static void note_freed(struct port_defer *d)
{
	freed = true;
}

static void read_twice(void *arg)
{
	port_read_lock();
	bool before = freed;
	port_step();
	CHECK_EQ(freed, before);
	port_read_unlock();
}
static void retire(void *arg)
{
	port_defer(&garbage, note_freed);
}

SIM(nothing_is_freed_under_a_reader)
{
	freed = false;
	sim_spawn(read_twice, NULL);
	sim_spawn(retire, NULL);
	sim_run();
	port_step();
	CHECK(freed);
}

SIM(each_allocation_fails_once)
{
	unsigned rounds = 0, complete = 0;
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		void *a = port_alloc(8), *b = a ? port_alloc(8) : NULL;
		rounds++;
		complete += a && b;
		port_free(a);
		port_free(b);
	}
	CHECK_EQ(rounds, 3);
	CHECK_EQ(complete, 1);
}
