/*
 * Local sockets where sending, receiving, closing, connecting, signals and faults race, in every interleaving.
 *
 * The invariants: bytes come once, in order, or are lost with a socket that was closed; nobody sleeps on when what he waits for is there or can no longer come; all memory is
 * given back (the runner checks).
 */
#include "abi/signal.h"
#include "tests/sim/socket_world.h"

enum { SECOND = 1000000000 };

/* --- Streams --- */

/* One byte comes beside one that is there: two readers get one each. => the sum of what they got. */
static int sender_and_two_readers(struct call *s)
{
	struct call r[2] = {{.end = 1, .size = 1, .timeout = PORT_FOREVER},
	                    {.end = 1, .size = 1, .timeout = PORT_FOREVER}};
	sim_spawn(send, s);
	sim_spawn(receive, &r[0]);
	sim_spawn(receive, &r[1]);
	sim_preemptions(2);
	sim_run();
	CHECK_EQ(s->result, 1);
	CHECK_EQ(r[0].result + r[1].result, 2);
	return r[0].buf[0] + r[1].buf[0];
}

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
	CHECK_EQ(sender_and_two_readers(&s), 'a' + 'b');
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
	struct call s = {.end = 0, .size = 1, .timeout = PORT_FOREVER, .buf = "f"};
	CHECK_EQ(sender_and_two_readers(&s), 'f' + 'f');
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
