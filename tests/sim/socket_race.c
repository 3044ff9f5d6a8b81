/*
 * Local sockets where sending, receiving, closing, connecting, signals and faults race, in every interleaving.
 *
 * The invariants: bytes come once, in order, or are lost with a socket that was closed; a file on board ends as the
 * receiver's or is closed; nobody sleeps on when what he waits for is there or can no longer come; all memory is
 * given back (the runner checks).
 */
#include <string.h>
#include "abi/signal.h"
#include "kernel/ipc/socket/rights.h"
#include "tests/port/files.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000 };

/* --- A world of two files, each a socket --- */

static struct port_file *file[2];

static struct socket *at(int i)
{
	return port_file_socket(file[i]);
}
static struct port_file *file_new(enum socket_type type)
{
	struct socket *s = socket_new(type);
	CHECK(s != NULL);
	return test_file_new(s);
}
static void pair_new(enum socket_type type)
{
	socket_init();
	file[0] = file_new(type);
	file[1] = file_new(type);
	socket_pair(at(0), at(1));
}
static void close_file(int i)
{
	if (file[i])
		port_file_put(TAKE(file[i]));
}
static void world_end(void)
{
	close_file(0);
	close_file(1);
	CHECK_EQ(test_files_open, 0);
	CHECK_EQ(test_files_in_flight, 0);
}

struct call {
	int end; /* which file */
	u32 size;
	u64 timeout; /* 0: does not wait; PORT_FOREVER */
	struct port_file *carry, *got;
	bool peek;
	ssize result;
	char buf[16];
};

static u64 until(const struct call *c)
{
	return c->timeout == PORT_FOREVER || !c->timeout ? c->timeout : sim_now() + c->timeout;
}

static void do_send(struct call *c)
{
	struct port_io io = {c->buf, c->size};
	struct socket_outgoing out = {.deadline = until(c)};
	if (c->carry) {
		out.rights = socket_rights_new(1);
		if (!out.rights) {
			c->result = -ENOMEM;
			return;
		}
		port_file_get(c->carry);
		out.rights->files[out.rights->count++] = c->carry;
	}
	c->result = socket_send(at(c->end), &io, &out);
}
static void do_receive(struct call *c)
{
	struct port_io io = {c->buf, c->size};
	struct socket_incoming in = {.deadline = until(c), .peek = c->peek};
	c->result = socket_receive(at(c->end), &io, &in);
	if (c->result >= 0 && in.rights) {
		c->got = in.rights->files[0];
		port_file_get(c->got);
	}
	if (c->result >= 0)
		socket_incoming_put(&in);
}

/* As a system call does: the file stays open while it lasts. */
static void with_file(struct call *c, void (*fn)(struct call *c))
{
	struct port_file *f = file[c->end];
	if (!f) {
		c->result = -EBADF;
		return;
	}
	port_file_get(f);
	fn(c);
	port_file_put(f);
}
static void send(void *arg)
{
	with_file(arg, do_send);
}
static void receive(void *arg)
{
	with_file(arg, do_receive);
}
static void close_end(void *arg)
{
	close_file(*(int *)arg);
}

static int zero = 0, one = 1;

/* --- Streams --- */

SIM(socket_reader_and_writer_meet)
{
	pair_new(SOCKET_STREAM);
	struct call s = {.end = 0, .size = 3, .timeout = PORT_FOREVER, .buf = "abc"};
	struct call r = {.end = 1, .size = 8, .timeout = PORT_FOREVER};
	sim_spurious(1);
	sim_spawn(receive, &r);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(s.result, 3);
	CHECK_EQ(r.result, 3);
	CHECK_EQ(memcmp(r.buf, "abc", 3), 0);
	world_end();
}

SIM(socket_two_readers_share_two_pieces)
{
	pair_new(SOCKET_STREAM);
	struct call s[2] = {{.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "a"},
	                    {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "b"}};
	struct call r[2] = {{.end = 1, .size = 1, .timeout = PORT_FOREVER},
	                    {.end = 1, .size = 1, .timeout = PORT_FOREVER}};
	sim_preemptions(2);
	sim_spawn(receive, &r[0]);
	sim_spawn(receive, &r[1]);
	sim_spawn(send, &s[0]);
	sim_spawn(send, &s[1]);
	sim_run();
	CHECK_EQ(r[0].result, 1);
	CHECK_EQ(r[1].result, 1);
	CHECK_EQ(r[0].buf[0] + r[1].buf[0], 'a' + 'b');
	world_end();
}

/* The writer waits for the limit, the reader takes what is there: the wake-up is not lost. */
SIM(socket_full_writer_is_woken)
{
	pair_new(SOCKET_STREAM);
	struct call first = {.end = 0, .size = 1, .buf = "a"};
	socket_set_send_limit(at(0), 4);
	send(&first);
	CHECK_EQ(first.result, 1);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "b"};
	struct call r[2] = {{.end = 1, .size = 1, .timeout = PORT_FOREVER},
	                    {.end = 1, .size = 1, .timeout = PORT_FOREVER}};
	sim_spawn(send, &s);
	sim_spawn(receive, &r[0]);
	sim_spawn(receive, &r[1]);
	sim_preemptions(2);
	sim_run();
	CHECK_EQ(s.result, 1);
	CHECK_EQ(r[0].buf[0] + r[1].buf[0], 'a' + 'b');
	world_end();
}

SIM(socket_time_out_and_signal_race_the_message)
{
	pair_new(SOCKET_STREAM);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "a"};
	struct call r = {.end = 1, .size = 1, .timeout = SECOND};
	sim_signal_anytime(sim_spawn(receive, &r));
	sim_spawn(send, &s);
	sim_preemptions(3);
	sim_run();
	CHECK_EQ(s.result, 1);
	if (r.result == 1) {
		CHECK_EQ(socket_unread(at(1)), 0);
		sim_outcome(0, 7);
	} else {
		CHECK_EQ(socket_unread(at(1)), 1);
		sim_outcome(r.result == -EAGAIN ? 1 : 2, 7);
	}
	world_end();
}

/* A reader that is woken and then gives up in favour of a signal leaves the byte to the other one. */
SIM(socket_wake_up_is_passed_on)
{
	pair_new(SOCKET_STREAM);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "a"};
	struct call r[2] = {{.end = 1, .size = 1, .timeout = PORT_FOREVER},
	                    {.end = 1, .size = 1, .timeout = PORT_FOREVER}};
	sim_preemptions(1);
	sim_signal_anytime(sim_spawn(receive, &r[0]));
	sim_signal_anytime(sim_spawn(receive, &r[1]));
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ((r[0].result == 1) + (r[1].result == 1) + (int)socket_unread(at(1)), 1);
	world_end();
}

static void send_against_close(enum socket_type type)
{
	pair_new(type);
	struct port_file *pipe = test_file_new(NULL);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "a", .carry = pipe};
	sim_spawn(send, &s);
	sim_spawn(close_end, &one);
	sim_preemptions(3);
	sim_run();
	CHECK(s.result == 1 || s.result < 0);
	port_file_put(pipe);
	world_end();
}
SIM(socket_stream_is_closed_while_files_are_sent)
{
	send_against_close(SOCKET_STREAM);
}
SIM(socket_packets_are_closed_while_files_are_sent)
{
	send_against_close(SOCKET_SEQPACKET);
}
SIM(socket_datagrams_are_closed_while_files_are_sent)
{
	send_against_close(SOCKET_DGRAM);
}

SIM(socket_sleepers_hear_of_the_close)
{
	pair_new(SOCKET_STREAM);
	struct call first = {.end = 0, .size = 1, .buf = "a"};
	socket_set_send_limit(at(0), 4);
	send(&first);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "b"};
	struct call r = {.end = 0, .size = 1, .timeout = PORT_FOREVER};
	sim_spawn(send, &s);
	sim_spawn(receive, &r);
	sim_spawn(close_end, &one);
	sim_preemptions(3);
	sim_run();
	/* What was unread resets the connection: one of the two is told so. */
	CHECK(s.result < 0);
	CHECK(r.result == -ECONNRESET || r.result == 0);
	CHECK(s.result == -ECONNRESET || s.result == -EPIPE);
	world_end();
}

static void shut_down(void *arg)
{
	socket_shutdown(at(0), SOCKET_SHUT_BOTH);
}
SIM(socket_sleepers_hear_of_the_shutdown)
{
	pair_new(SOCKET_STREAM);
	struct call r[2] = {{.end = 0, .size = 1, .timeout = PORT_FOREVER},
	                    {.end = 1, .size = 1, .timeout = PORT_FOREVER}};
	sim_spawn(receive, &r[0]);
	sim_spawn(receive, &r[1]);
	sim_spawn(shut_down, NULL);
	sim_preemptions(3);
	sim_run();
	CHECK_EQ(r[0].result, 0);
	CHECK_EQ(r[1].result, 0);
	world_end();
}

/* --- Connections --- */

static const u8 address[] = {1, 0, 0, 'x'};
static const struct socket_key key = {
	.type = SOCKET_STREAM, .length = sizeof address, .text = address};

static struct socket *find(const struct socket_route *r, u32 type)
{
	struct socket *s = socket_find(&key);
	return s ? s : err_ptr(-ECONNREFUSED);
}
static const struct socket_route route = {find};

static void listener_new(u32 backlog)
{
	socket_init();
	file[0] = file_new(SOCKET_STREAM);
	file[1] = NULL;
	struct socket_name *n = socket_name_new(&key, address, sizeof address, NULL);
	CHECK(n != NULL);
	CHECK_EQ(socket_bind(at(0), n), 0);
	socket_name_put(n);
	CHECK_EQ(socket_listen(at(0), backlog), 0);
}

static void connect(void *arg)
{
	struct call *c = arg;
	struct port_file *mine = file_new(SOCKET_STREAM);
	c->result = socket_connect(port_file_socket(mine), &route, until(c));
	if (!c->result && c->size) {
		struct port_io io = {c->buf, c->size};
		struct socket_outgoing out = {0};
		(void)!socket_send(port_file_socket(mine), &io, &out);
	}
	port_file_put(mine);
}
static void do_accept(struct call *c)
{
	struct socket *s;
	c->result = socket_accept(at(0), until(c), &s);
	if (!c->result)
		port_file_put(test_file_new(s));
}
static void accept(void *arg)
{
	with_file(arg, do_accept);
}

SIM(socket_connect_meets_accept)
{
	listener_new(1);
	struct call c = {.timeout = PORT_FOREVER, .size = 1}, a = {.timeout = PORT_FOREVER};
	sim_spawn(connect, &c);
	sim_spawn(accept, &a);
	sim_preemptions(3);
	sim_run();
	CHECK_EQ(c.result, 0);
	CHECK_EQ(a.result, 0);
	world_end();
}

SIM(socket_connect_races_the_close_of_the_listener)
{
	listener_new(1);
	struct call c = {.timeout = PORT_FOREVER, .size = 1};
	sim_spawn(connect, &c);
	sim_spawn(close_end, &zero);
	sim_preemptions(3);
	sim_run();
	CHECK(c.result == 0 || c.result == -ECONNREFUSED);
	sim_outcome(c.result != 0, 3);
	world_end();
}

SIM(socket_connectors_at_a_full_backlog)
{
	listener_new(0);
	struct call c[2] = {{.timeout = PORT_FOREVER}, {.timeout = PORT_FOREVER}};
	struct call a[2] = {{.timeout = PORT_FOREVER}, {.timeout = PORT_FOREVER}};
	sim_spawn(connect, &c[0]);
	sim_spawn(connect, &c[1]);
	sim_spawn(accept, &a[0]);
	sim_spawn(accept, &a[1]);
	sim_preemptions(1);
	sim_run();
	CHECK_EQ(c[0].result | c[1].result | a[0].result | a[1].result, 0);
	world_end();
}

SIM(socket_connector_that_waits_hears_of_the_close)
{
	listener_new(0);
	struct call c[2] = {{.timeout = PORT_FOREVER}, {.timeout = PORT_FOREVER}};
	sim_spawn(connect, &c[0]);
	sim_spawn(connect, &c[1]);
	sim_spawn(close_end, &zero);
	sim_preemptions(2);
	sim_run();
	CHECK(c[0].result == 0 || c[0].result == -ECONNREFUSED);
	CHECK(c[1].result == 0 || c[1].result == -ECONNREFUSED);
	CHECK(c[0].result || c[1].result);
	world_end();
}

/* --- Datagrams --- */

static void fill(int from, int n)
{
	while (n--) {
		struct call c = {.end = from, .size = 1, .buf = "f"};
		send(&c);
		CHECK_EQ(c.result, 1);
	}
}
/* 0 sends to 1, who sends to nobody; one more message fills the queue. */
static void one_way_new(void)
{
	socket_dgram_backlog = 0;
	pair_new(SOCKET_DGRAM);
	CHECK_EQ(socket_connect(at(1), NULL, 0), 0);
	socket_dgram_backlog = SOCKET_DGRAM_BACKLOG;
}

SIM(socket_sender_waits_for_the_receivers_queue)
{
	one_way_new();
	fill(0, 1);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER};
	struct call r[2] = {{.end = 1, .size = 1, .timeout = PORT_FOREVER},
	                    {.end = 1, .size = 1, .timeout = PORT_FOREVER}};
	sim_spawn(send, &s);
	sim_spawn(receive, &r[0]);
	sim_spawn(receive, &r[1]);
	sim_preemptions(2);
	sim_run();
	CHECK_EQ(s.result, 1);
	CHECK_EQ(r[0].result + r[1].result, 2);
	world_end();
}

SIM(socket_sender_that_waits_hears_of_the_close)
{
	one_way_new();
	fill(0, 1);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER};
	sim_spawn(send, &s);
	sim_spawn(close_end, &one);
	sim_run();
	CHECK_EQ(s.result, -ECONNREFUSED);
	world_end();
}

/* What comes between the reader's look at the queue and his sleep is seen. */
SIM(socket_datagram_comes_while_the_reader_lies_down)
{
	pair_new(SOCKET_DGRAM);
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER};
	struct call r = {.end = 1, .size = 1, .timeout = PORT_FOREVER};
	sim_spawn(receive, &r);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(r.result, 1);
	world_end();
}

static void disconnect(void *arg)
{
	CHECK_EQ(socket_connect(at(0), NULL, 0), 0);
}
static void ask(void *arg)
{
	(void)socket_events(at(0), true);
}
/* A poller of a throttled socket is in the list of the receiver, who may take messages or close, while the socket
 * changes its peer or closes. */
SIM(socket_throttled_poller_races_everything)
{
	one_way_new();
	fill(0, 1);
	struct call r = {.end = 1, .size = 1};
	sim_spawn(ask, NULL);
	sim_spawn(receive, &r);
	sim_spawn(disconnect, NULL);
	sim_spawn(close_end, &one);
	sim_preemptions(2);
	sim_run();
	world_end();
}

/* --- Files on board, cycles --- */

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
