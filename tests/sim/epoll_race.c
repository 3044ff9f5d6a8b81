/*
 * epoll where notices, waits, changes, and the ends of instances and files race, in every interleaving.
 *
 * The invariant: what became ready is reported to somebody, or still found by the next wait; and nobody is left asleep
 * who could report it.
 */
#include "abi/poll.h"
#include "kernel/ipc/event/epoll.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000 };

static struct test_file file;
static struct epoll_source *source;
static struct epoll *ep;

struct wait {
	struct epoll *ep;
	u32 max;
	u64 timeout; /* ns; 0: none */
	s64 result;
	struct epoll_event got[2];
};

static void world_new(u32 events)
{
	struct epoll_event e = {events, 7};
	epoll_init();
	test_file_init(&file);
	ep = epoll_new();
	ep->self.what = (struct port_watched){.instance = ep};
	source = epoll_source_new((struct port_watched){.file = &file});
	if (events)
		CHECK_EQ(epoll_add(ep, source, 3, &e), 0);
}
static void close_file(void *arg)
{
	epoll_source_release(TAKE(source));
}
static void close_instance(void *arg)
{
	struct epoll *mine = TAKE(ep);
	epoll_source_release(&mine->self);
	epoll_release(mine);
}
static void world_end(void)
{
	if (source)
		close_file(NULL);
	if (ep)
		close_instance(NULL);
	CHECK_EQ(test_epoll_watches(), 0);
}

static void wait(void *arg)
{
	struct wait *w = arg;
	w->result = epoll_wait(w->ep ? w->ep : ep, UPTR((uintptr_t)w->got), w->max ? w->max : 1,
	                       w->timeout ? sim_now() + w->timeout : PORT_FOREVER);
}
static s64 wait_now(struct epoll *on)
{
	struct epoll_event got[2];
	return epoll_wait(on, UPTR((uintptr_t)got), 2, 0);
}
static void set_ready(void *arg)
{
	test_file_set(&file, POLLIN);
}

SIM(epoll_notice_meets_wait)
{
	world_new(POLLIN);
	struct wait w = {0};
	sim_preemptions(4);
	sim_spurious(1);
	sim_spawn(wait, &w);
	sim_spawn(set_ready, NULL);
	sim_run();
	CHECK_EQ(w.result, 1);
	CHECK_EQ(w.got[0].data, 7);
	CHECK_EQ(w.got[0].events, POLLIN);
	world_end();
}

/* Either the wait reports the edge, or it is still there. */
SIM(epoll_edge_survives_timeout_and_signal)
{
	world_new(POLLIN | EPOLLET);
	struct wait w = {.timeout = SECOND};
	sim_preemptions(3);
	sim_signal_anytime(sim_spawn(wait, &w));
	sim_spawn(set_ready, NULL);
	sim_run();
	s64 rest = wait_now(ep);
	CHECK_EQ(rest, w.result == 1 ? 0 : 1);
	sim_outcome(w.result == 1 ? 0 : w.result == 0 ? 1 : 2, BIT(0) | BIT(1) | BIT(2));
	world_end();
}

/* One edge, two waiters, one of whom may give up: it is reported once. */
SIM(epoll_edge_goes_to_one_of_two)
{
	world_new(POLLIN | EPOLLET);
	struct wait a = {.timeout = SECOND}, b = {.timeout = 2ull * SECOND};
	sim_preemptions(1);
	sim_spawn(wait, &a);
	sim_spawn(wait, &b);
	sim_spawn(set_ready, NULL);
	sim_run();
	CHECK_EQ(a.result + b.result + wait_now(ep), 1);
	world_end();
}

/* Level triggered: everybody who waits learns of it. */
SIM(epoll_level_reaches_both)
{
	world_new(POLLIN);
	struct wait a = {0}, b = {0};
	sim_preemptions(3);
	sim_spawn(wait, &a);
	sim_spawn(wait, &b);
	sim_spawn(set_ready, NULL);
	sim_run();
	CHECK_EQ(a.result, 1);
	CHECK_EQ(b.result, 1);
	world_end();
}

/* The file is taken back between notice and question, and set again. */
static void set_clear_set(void *arg)
{
	test_file_set(&file, POLLIN);
	test_file_set(&file, 0);
	test_file_set(&file, POLLIN);
}
SIM(epoll_edge_after_a_false_one)
{
	world_new(POLLIN | EPOLLET);
	struct wait w = {0};
	sim_preemptions(4);
	sim_spawn(wait, &w);
	sim_spawn(set_clear_set, NULL);
	sim_run();
	CHECK_EQ(w.result, 1);
	world_end();
}

/* Of two files that become ready, neither is forgotten, whoever reports which. */
static struct test_file second_file;
static void set_second(void *arg)
{
	test_file_set(&second_file, POLLIN);
}
SIM(epoll_two_files_two_waiters)
{
	world_new(POLLIN | EPOLLET);
	test_file_init(&second_file);
	struct epoll_source *second = epoll_source_new((struct port_watched){.file = &second_file});
	struct epoll_event e = {POLLIN | EPOLLET, 8};
	CHECK_EQ(epoll_add(ep, second, 4, &e), 0);
	struct wait a = {0}, b = {0};
	sim_preemptions(1);
	sim_spawn(wait, &a);
	sim_spawn(wait, &b);
	sim_spawn(set_ready, NULL);
	sim_spawn(set_second, NULL);
	sim_run();
	CHECK_EQ(a.result, 1);
	CHECK_EQ(b.result, 1);
	CHECK_EQ(a.got[0].data + b.got[0].data, 15);
	epoll_source_release(second);
	world_end();
}

static void remove_item(void *arg)
{
	s32 *result = arg;
	*result = epoll_remove(ep, source, 3);
}
SIM(epoll_remove_meets_notice_and_wait)
{
	world_new(POLLIN);
	struct wait w = {.timeout = SECOND};
	s32 removed;
	sim_preemptions(2);
	sim_spawn(wait, &w);
	sim_spawn(set_ready, NULL);
	sim_spawn(remove_item, &removed);
	sim_run();
	CHECK_EQ(removed, 0);
	CHECK_EQ(wait_now(ep), 0);
	sim_outcome((unsigned)w.result, BIT(0) | BIT(1));
	world_end();
}

static void want_input(void *arg)
{
	struct epoll_event e = {POLLIN | EPOLLET, 9};
	CHECK_EQ(epoll_change(ep, source, 3, &e), 0);
}
SIM(epoll_change_meets_notice)
{
	world_new(POLLOUT | EPOLLET);
	struct wait w = {0};
	sim_spawn(wait, &w);
	sim_spawn(set_ready, NULL);
	sim_spawn(want_input, NULL);
	sim_preemptions(2);
	sim_run();
	CHECK_EQ(w.result, 1);
	CHECK_EQ(w.got[0].data, 9);
	world_end();
}

static void add_item(void *arg)
{
	struct epoll_event e = {POLLIN | EPOLLET, 5};
	CHECK_EQ(epoll_add(ep, source, 3, &e), 0);
}
SIM(epoll_add_meets_notice)
{
	world_new(0);
	struct wait w = {0};
	sim_preemptions(3);
	sim_spawn(wait, &w);
	sim_spawn(set_ready, NULL);
	sim_spawn(add_item, NULL);
	sim_run();
	CHECK_EQ(w.result, 1);
	world_end();
}

SIM(epoll_file_and_instance_end_together)
{
	world_new(POLLIN);
	sim_spawn(close_file, NULL);
	sim_spawn(close_instance, NULL);
	sim_run();
	world_end();
}

SIM(epoll_file_ends_while_it_is_reported)
{
	world_new(POLLIN);
	struct wait w = {.timeout = SECOND};
	test_file_set(&file, POLLIN);
	sim_spawn(wait, &w);
	sim_spawn(close_file, NULL);
	sim_run();
	CHECK_EQ(wait_now(ep), 0);
	sim_outcome((unsigned)w.result, BIT(0) | BIT(1));
	world_end();
}

/* A notice travels to an outer instance while the inner one ends. */
static struct epoll *outer;
static void outer_new(u32 events)
{
	struct epoll_event e = {events, 1};
	outer = epoll_new();
	outer->self.what = (struct port_watched){.instance = outer};
	CHECK_EQ(epoll_add(outer, &ep->self, 4, &e), 0);
}
static void close_outer(void *arg)
{
	epoll_source_release(&outer->self);
	epoll_release(TAKE(outer));
}
SIM(epoll_inner_ends_under_a_notice)
{
	world_new(POLLIN);
	outer_new(POLLIN);
	sim_preemptions(4);
	sim_spawn(set_ready, NULL);
	sim_spawn(close_instance, NULL);
	sim_run();
	CHECK_EQ(wait_now(outer), 0);
	close_outer(NULL);
	world_end();
}
SIM(epoll_outer_ends_under_a_notice)
{
	world_new(POLLIN);
	outer_new(POLLIN);
	sim_preemptions(4);
	sim_spawn(set_ready, NULL);
	sim_spawn(close_outer, NULL);
	sim_run();
	CHECK_EQ(wait_now(ep), 1);
	world_end();
}

SIM(epoll_notice_climbs_to_a_sleeper)
{
	world_new(POLLIN);
	outer_new(POLLIN);
	struct wait w = {.ep = outer};
	sim_preemptions(4);
	sim_spawn(wait, &w);
	sim_spawn(set_ready, NULL);
	sim_run();
	CHECK_EQ(w.result, 1);
	CHECK_EQ(w.got[0].data, 1);
	close_outer(NULL);
	world_end();
}

/* Two files of the inner instance at once: the second may find the first on its way up. */
SIM(epoll_two_notices_climb_together)
{
	world_new(POLLIN);
	outer_new(POLLIN | EPOLLET);
	test_file_init(&second_file);
	struct epoll_source *second = epoll_source_new((struct port_watched){.file = &second_file});
	struct epoll_event e = {POLLIN, 8};
	CHECK_EQ(epoll_add(ep, second, 4, &e), 0);
	struct wait w = {.ep = outer};
	sim_preemptions(2);
	sim_spawn(wait, &w);
	sim_spawn(set_ready, NULL);
	sim_spawn(set_second, NULL);
	sim_run();
	CHECK_EQ(w.result, 1);
	epoll_source_release(second);
	close_outer(NULL);
	world_end();
}

/* Both ways round: one of the two edges would close a cycle. */
static s32 edges[2];
static void edge(struct epoll *from, struct epoll *to, s32 *result)
{
	struct epoll_event e = {POLLIN, 0};
	*result = epoll_add(from, &to->self, 5, &e);
}
static void edge_down(void *arg)
{
	edge(outer, ep, &edges[0]);
}
static void edge_up(void *arg)
{
	edge(ep, outer, &edges[1]);
}
SIM(epoll_no_cycle_is_made_from_two_sides)
{
	world_new(POLLIN);
	outer = epoll_new();
	outer->self.what = (struct port_watched){.instance = outer};
	sim_preemptions(4);
	sim_spawn(edge_down, NULL);
	sim_spawn(edge_up, NULL);
	sim_run();
	CHECK_EQ(edges[0] + edges[1], -ELOOP);
	close_outer(NULL);
	world_end();
}

SIM(epoll_add_fails_whole)
{
	world_new(0);
	struct epoll_event e = {POLLIN, 5};
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		s32 err = epoll_add(ep, source, 3, &e);
		CHECK(err == 0 || err == -ENOMEM);
		CHECK_EQ(test_epoll_watches(), err ? 0 : 1);
		CHECK_EQ(epoll_remove(ep, source, 3), err ? -ENOENT : 0);
	}
	world_end();
}

SIM(epoll_report_that_faults_keeps_the_event)
{
	world_new(POLLIN | EPOLLET);
	test_file_set(&file, POLLIN);
	sim_fail_copy(1);
	CHECK_EQ(wait_now(ep), -EFAULT);
	sim_fail_copy(0);
	CHECK_EQ(wait_now(ep), 1);
	CHECK_EQ(wait_now(ep), 0);
	world_end();
}
