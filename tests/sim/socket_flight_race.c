/*
 * Files on board of messages, in every interleaving: what was sent ends as the receiver's or is closed, cycles of sockets
 * are collected and nothing else is, and every failure of memory or of a copy leaves all that whole.
 */
#include "tests/sim/socket_world.h"

static void put_in(int from, struct port_file *carry)
{
	struct call c = {.end = from, .size = 1, .buf = "x", .carry = carry};
	send(&c);
	CHECK_EQ(c.result, 1);
}

/* Each end in the queue of the other; then both are closed, by two at once. */
SIM(socket_cycle_is_collected_whoever_closes_last)
{
	pair_new(SOCKET_STREAM);
	put_in(0, file[0]);
	put_in(1, file[1]);
	sim_spawn(close_end, &zero);
	sim_spawn(close_end, &one);
	sim_run();
	socket_collect();
	world_end();
}

/* A socket that can be received is not garbage, although nothing but a queue refers to it while the search goes on. */
SIM(socket_search_races_receiving)
{
	struct port_file *inner;
	pair_new(SOCKET_STREAM);
	struct port_file *a = file_new(SOCKET_STREAM), *b = file_new(SOCKET_STREAM);
	socket_pair(port_file_socket(a), port_file_socket(b));
	put_in(0, b);
	port_file_put(b); /* now only in the queue of file[1] */
	inner = b;
	struct call r = {.end = 1, .size = 1, .timeout = PORT_FOREVER, .peek = sim_choose(2)};
	sim_spawn(receive, &r);
	sim_spawn((void (*)(void *))socket_collect, NULL);
	sim_spawn(close_end, &zero);
	sim_preemptions(2);
	sim_run();
	CHECK_EQ(r.result, 1);
	CHECK(r.got == inner);
	CHECK(!port_file_socket(inner)->dead);
	port_file_put(r.got);
	port_file_put(a);
	world_end();
}

/* Receiving from one socket of a would-be cycle, closing it, and a search: the CVE-2021-0920 of Linux. */
static void peek_and_close(void *arg)
{
	struct call *c = arg;
	receive(c);
	close_end(&one);
}
SIM(socket_search_races_peeking_and_closing)
{
	pair_new(SOCKET_STREAM);
	struct port_file *a = file_new(SOCKET_STREAM), *b = file_new(SOCKET_STREAM);
	socket_pair(port_file_socket(a), port_file_socket(b));
	put_in(0, b); /* b in the queue of file[1] */
	struct call back = {.size = 1, .buf = "y", .carry = file[1]};
	struct port_file *keep = file[0];
	file[0] = a;
	send(&back); /* file[1] in the queue of b */
	CHECK_EQ(back.result, 1);
	file[0] = keep;
	port_file_put(b);
	struct call r = {.end = 1, .size = 1, .timeout = PORT_FOREVER, .peek = true};
	sim_spawn(peek_and_close, &r);
	sim_spawn((void (*)(void *))socket_collect, NULL);
	sim_preemptions(3);
	sim_run();
	CHECK(r.got == b);
	CHECK(!port_file_socket(b)->dead);
	/* Still whole: what was in its queue can be received. */
	CHECK_EQ(socket_unread(port_file_socket(b)), 1);
	port_file_put(r.got);
	port_file_put(a);
	socket_collect();
	world_end();
}

/* --- Faults --- */

static void everything(void)
{
	struct port_file *pipe = test_file_new(NULL);
	struct call s = {.end = 0, .size = 3, .buf = "abc", .carry = pipe},
		    r = {.end = 1, .size = 8};
	send(&s);
	receive(&r);
	CHECK(s.result == 3 || s.result == -ENOBUFS || s.result == -ENOMEM || s.result == -EFAULT);
	if (s.result == 3)
		CHECK(r.result == 3 || r.result == -EFAULT);
	else
		CHECK_EQ(r.result, -EAGAIN);
	if (r.got)
		port_file_put(r.got);
	port_file_put(pipe);
}
static void every_fault(enum socket_type type)
{
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		socket_init();
		struct socket *a = socket_new(type), *b = socket_new(type);
		if (a && b) {
			file[0] = test_file_new(a);
			file[1] = test_file_new(b);
			socket_pair(a, b);
			everything();
			world_end();
		} else {
			if (a)
				socket_close(a);
			if (b)
				socket_close(b);
		}
	}
	SIM_EACH_FAULT(sim_fail_copy)
	{
		pair_new(type);
		everything();
		world_end();
	}
}
SIM(socket_stream_survives_every_fault)
{
	every_fault(SOCKET_STREAM);
}
SIM(socket_datagrams_survive_every_fault)
{
	every_fault(SOCKET_DGRAM);
}
