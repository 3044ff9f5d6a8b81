/*
 * A pipe while something is spliced into it or out of it, in every interleaving: no byte is lost or doubled, no promise of
 * a slot outlives its call, nobody who could go on sleeps.
 */
#include "abi/poll.h"
#include "kernel/ipc/pipe/pipe.h"
#include "tests/sim/sim.h"

static struct pipe *pipe, *second;

static void world_new(void)
{
	struct pipe *a = pipe_new(), *b = pipe_new();
	pipe = MIN(a, b); /* two are locked in order of address: every schedule begins alike */
	second = MAX(a, b);
	pipe_open_both(pipe);
	pipe_open_both(second);
	CHECK_EQ(pipe_resize(pipe, PORT_PAGE_SIZE), PORT_PAGE_SIZE); /* one slot */
	CHECK_EQ(pipe_resize(second, PORT_PAGE_SIZE), PORT_PAGE_SIZE);
}
static void world_end(void)
{
	CHECK_EQ(pipe->promised, 0);
	CHECK(pipe_close(pipe, PIPE_READ | PIPE_WRITE));
	CHECK(pipe_close(second, PIPE_READ | PIPE_WRITE));
	pipe_free(pipe);
	pipe_free(second);
}

struct call {
	struct pipe *p;
	char text[8];
	size_t size;
	ssize result;
};
static void write_text(void *arg)
{
	struct call *c = arg;
	struct port_io io = {.base = c->text, .left = c->size};
	c->result = pipe_write(c->p, &io, 0);
}
static void read_text(void *arg)
{
	struct call *c = arg;
	struct port_io io = {.base = c->text, .left = c->size};
	c->result = pipe_read(c->p, &io, 0);
}

struct other {
	struct pipe_other other;
	char text[8];
	size_t done;
	ssize refuse; /* this many calls go well */
	ssize result;
};
static ssize give(const struct pipe_other *o, void *to, size_t n)
{
	struct other *s = container_of(o, struct other, other);
	port_step();
	*(char *)to = s->text[s->done++];
	return 1;
}
static ssize take(const struct pipe_other *o, void *from, size_t n)
{
	struct other *s = container_of(o, struct other, other);
	port_step();
	if (s->refuse-- <= 0)
		return -EIO;
	s->text[s->done++] = *(char *)from;
	return 1;
}
static void fill(void *arg)
{
	struct other *s = arg;
	s->result = pipe_fill(pipe, 1, 0, &s->other);
}
static void drain(void *arg)
{
	struct other *s = arg;
	s->result = pipe_drain(pipe, 2, 0, &s->other);
}

SIM(splice_fill_among_writers_and_readers)
{
	world_new();
	struct other from = {.other.move = give, .text = "s"};
	struct call w = {.p = pipe, .text = "w", .size = 1};
	struct call r[2] = {{.p = pipe, .size = 1}, {.p = pipe, .size = 1}};
	sim_preemptions(2);
	sim_spawn(fill, &from);
	sim_spawn(write_text, &w);
	sim_spawn(read_text, &r[0]);
	sim_spawn(read_text, &r[1]);
	sim_run();
	CHECK_EQ(from.result, 1);
	CHECK_EQ(w.result, 1);
	CHECK_EQ(r[0].result + r[1].result, 2);
	CHECK_EQ(r[0].text[0] + r[1].text[0], 's' + 'w');
	world_end();
}

/* What could not be written comes back to its place. */
SIM(splice_drain_that_fails_among_readers)
{
	world_new();
	struct call w = {.p = pipe, .text = "ab", .size = 2};
	write_text(&w);
	struct other to = {.other.move = take, .refuse = 1};
	struct call r = {.p = pipe, .size = 1};
	sim_spawn(drain, &to);
	sim_spawn(read_text, &r);
	sim_run();
	CHECK_EQ(r.result, 1);
	CHECK(to.result == 1);
	CHECK_EQ(r.text[0] + to.text[0], 'a' + 'b');
	CHECK_EQ(pipe_bytes(pipe), 0);
	world_end();
}

/* While the only slot is out, the end of the writers is not the end of the data. */
static void close_writer(void *arg)
{
	(void)pipe_close(pipe, PIPE_WRITE);
}
SIM(splice_drain_that_fails_hides_no_data_from_a_reader_at_the_end)
{
	world_new();
	struct call w = {.p = pipe, .text = "a", .size = 1};
	write_text(&w);
	struct other to = {.other.move = take};
	struct call r = {.p = pipe, .size = 1};
	sim_preemptions(3);
	sim_spawn(drain, &to);
	sim_spawn(close_writer, NULL);
	sim_spawn(read_text, &r);
	sim_run();
	CHECK_EQ(r.result, 1);
	CHECK_EQ(r.text[0], 'a');
	CHECK(to.result == -EIO || to.result == 0);
	pipe_open_both(pipe);
	world_end();
}

/* Nor from who asks without the lock: a hang-up alone would say that nothing is left. */
static void drain_again(void *arg)
{
	drain(arg);
	drain(arg);
}
static void poll_reading(void *arg)
{
	u32 *events = arg;
	*events = pipe_events(pipe, PIPE_READ, 0);
}
SIM(splice_drain_that_fails_hides_no_data_from_a_poller_at_the_end)
{
	world_new();
	struct call w = {.p = pipe, .text = "a", .size = 1};
	write_text(&w);
	close_writer(NULL);
	struct other to = {.other.move = take};
	u32 events = 0;
	sim_preemptions(4);
	sim_spawn(drain_again, &to);
	sim_spawn(poll_reading, &events);
	sim_run();
	CHECK(events == 0 || events == (POLLIN | POLLRDNORM | POLLHUP));
	CHECK_EQ(pipe_bytes(pipe), 1);
	pipe_open_both(pipe);
	world_end();
}

/* Two take what there is, and a reader waits for the outcome: it sees the end when nothing came back, and not before. */
SIM(splice_drain_that_succeeds_ends_the_pipe)
{
	world_new();
	struct call w = {.p = pipe, .text = "a", .size = 1};
	write_text(&w);
	struct other to[2] = {{.other.move = take, .refuse = 1}, {.other.move = take, .refuse = 1}};
	struct call r = {.p = pipe, .size = 1};
	sim_preemptions(2);
	sim_spawn(drain, &to[0]);
	sim_spawn(drain, &to[1]);
	sim_spawn(close_writer, NULL);
	sim_spawn(read_text, &r);
	sim_run();
	CHECK_EQ(to[0].result + to[1].result + r.result, 1);
	pipe_open_both(pipe);
	world_end();
}

SIM(splice_drain_frees_a_sleeping_writer)
{
	world_new();
	struct call full = {.p = pipe, .text = "a", .size = 1},
		    w = {.p = pipe, .text = "b", .size = 1};
	write_text(&full);
	CHECK_EQ(pipe_tee(pipe, second, 1, 0),
	         1); /* so that `b` does not fit behind `a`: that page is shared */
	struct other to = {.other.move = take, .refuse = 2};
	sim_preemptions(4);
	sim_spawn(write_text, &w);
	sim_spawn(drain, &to);
	sim_run();
	CHECK_EQ(w.result, 1);
	CHECK_EQ(to.result + (ssize)pipe_bytes(pipe), 2);
	world_end();
}

static void splice_once(void *arg)
{
	struct call *c = arg;
	c->result = pipe_splice(pipe, second, 8, 0);
}
SIM(splice_between_a_writer_and_a_reader)
{
	world_new();
	struct call w = {.p = pipe, .text = "ab", .size = 2}, s = {0}, r = {.p = second, .size = 8};
	sim_preemptions(3);
	sim_spawn(write_text, &w);
	sim_spawn(splice_once, &s);
	sim_spawn(read_text, &r);
	sim_run();
	CHECK_EQ(s.result, 2);
	CHECK_EQ(r.result, 2);
	CHECK_EQ(r.text[1], 'b');
	world_end();
}

/* Two of them want the same bytes: one moves them, the other one waits for more, or for the end. */
SIM(splice_twice_from_one_pipe)
{
	world_new();
	struct call w = {.p = pipe, .text = "ab", .size = 2}, s[2] = {0};
	write_text(&w);
	CHECK_EQ(pipe_resize(second, 2 * PORT_PAGE_SIZE),
	         2 * PORT_PAGE_SIZE); /* room is not the question */
	sim_preemptions(2);
	sim_spawn(splice_once, &s[0]);
	sim_spawn(splice_once, &s[1]);
	sim_spawn(close_writer, NULL);
	sim_run();
	CHECK_EQ(s[0].result + s[1].result, 2);
	CHECK_EQ(pipe_bytes(second), 2);
	CHECK_EQ(pipe->promised, 0);
	CHECK(pipe_close(pipe, PIPE_READ));
	CHECK(pipe_close(second, PIPE_READ | PIPE_WRITE));
	pipe_free(pipe);
	pipe_free(second);
}

SIM(splice_is_interrupted_or_moves_all)
{
	world_new();
	struct call w = {.p = pipe, .text = "ab", .size = 2}, s = {0};
	sim_signal_anytime(sim_spawn(splice_once, &s));
	sim_spawn(write_text, &w);
	sim_preemptions(3);
	sim_run();
	CHECK(s.result == 2 || s.result == -ERESTARTSYS);
	CHECK_EQ(pipe_bytes(second), s.result == 2 ? 2 : 0);
	CHECK_EQ(pipe_bytes(pipe), s.result == 2 ? 0 : 2);
	sim_outcome(s.result == 2, BIT(0) | BIT(1));
	world_end();
}

/*
 * Whoever is woken for what then has to wait for something else must let the next of its kind go on: one wake-up may have been
 * for several. In each of these `second` is what has to be waited for.
 */
enum { TWO_SLOTS = 2 * PORT_PAGE_SIZE };
static char many[TWO_SLOTS];

static ssize read_some(struct pipe *p, size_t n)
{
	struct port_io io = {.base = many, .left = n};
	return pipe_read(p, &io, 0);
}
static ssize write_some(struct pipe *p, const char *text, size_t n)
{
	struct port_io io = {.base = (char *)text, .left = n};
	return pipe_write(p, &io, 0);
}
static ssize move_when_told(const struct pipe_other *o, void *bytes, size_t n)
{
	CHECK_EQ(read_some(second, 1), 1);
	*(char *)bytes = 's';
	return 1;
}
static const struct pipe_other told = {.move = move_when_told};

static void fill_when_told(void *arg)
{
	CHECK_EQ(pipe_fill(pipe, 1, 0, &told), 1);
}
static void read_writer_then_filler(void *arg)
{
	CHECK_EQ(read_some(pipe, TWO_SLOTS), TWO_SLOTS); /* one wake-up, room for both */
	CHECK_EQ(read_some(pipe, 1), 1);
	CHECK_EQ(many[0], 'w');
	CHECK_EQ(write_some(second, "g", 1), 1);
	CHECK_EQ(read_some(pipe, 1), 1);
	CHECK_EQ(many[0], 's');
}
SIM(splice_fill_that_waits_for_its_source_lets_writers_go_on)
{
	world_new();
	CHECK_EQ(pipe_resize(pipe, TWO_SLOTS), TWO_SLOTS);
	CHECK_EQ(write_some(pipe, many, TWO_SLOTS), TWO_SLOTS);
	struct call w = {.p = pipe, .text = "w", .size = 1};
	sim_preemptions(3);
	sim_spawn(fill_when_told, NULL);
	sim_spawn(write_text, &w);
	sim_spawn(read_writer_then_filler, NULL);
	sim_run();
	CHECK_EQ(w.result, 1);
	world_end();
}

static void drain_when_told(void *arg)
{
	CHECK_EQ(pipe_drain(pipe, 1, 0, &told), 1);
}
static void read_one_then_tell(void *arg)
{
	CHECK_EQ(read_some(pipe, 1), 1);
	CHECK_EQ(write_some(second, "g", 1), 1);
}
static void write_two_slots(void *arg)
{
	CHECK_EQ(write_some(pipe, many, TWO_SLOTS), TWO_SLOTS);
}
SIM(splice_drain_that_waits_for_its_sink_lets_readers_go_on)
{
	world_new();
	CHECK_EQ(pipe_resize(pipe, TWO_SLOTS), TWO_SLOTS);
	sim_preemptions(3);
	sim_spawn(drain_when_told, NULL);
	sim_spawn(read_one_then_tell, NULL);
	sim_spawn(write_two_slots, NULL);
	sim_run();
	CHECK_EQ(pipe_bytes(pipe), TWO_SLOTS - 2);
	world_end();
}

static void read_then_make_room(void *arg)
{
	CHECK_EQ(read_some(pipe, 1), 1);
	CHECK_EQ(read_some(second, 1), 1);
	CHECK_EQ(write_some(pipe, "b", 1), 1);
}
SIM(splice_that_waits_for_room_lets_readers_go_on)
{
	world_new();
	struct call w = {.p = pipe, .text = "a", .size = 1}, s = {0};
	CHECK_EQ(write_some(second, many, PORT_PAGE_SIZE), PORT_PAGE_SIZE);
	CHECK_EQ(read_some(second, PORT_PAGE_SIZE - 1), PORT_PAGE_SIZE - 1);
	sim_preemptions(3);
	sim_spawn(splice_once, &s);
	sim_spawn(read_then_make_room, NULL);
	sim_spawn(write_text, &w);
	sim_run();
	CHECK_EQ(s.result, 1);
	CHECK_EQ(w.result, 1);
	world_end();
}

static void take_bytes_then_make_room(void *arg)
{
	CHECK_EQ(read_some(pipe, 1), 1);
	CHECK_EQ(read_some(second, PORT_PAGE_SIZE), PORT_PAGE_SIZE);
	CHECK_EQ(read_some(second, 1), 1);
	CHECK_EQ(many[0], 'w');
	CHECK_EQ(write_some(pipe, "b", 1), 1);
}
SIM(splice_that_waits_for_data_lets_writers_go_on)
{
	world_new();
	struct call w = {.p = second, .text = "w", .size = 1}, s = {0};
	CHECK_EQ(write_some(pipe, "a", 1), 1);
	CHECK_EQ(write_some(second, many, PORT_PAGE_SIZE), PORT_PAGE_SIZE);
	sim_preemptions(3);
	sim_spawn(splice_once, &s);
	sim_spawn(write_text, &w);
	sim_spawn(take_bytes_then_make_room, NULL);
	sim_run();
	CHECK_EQ(s.result, 1);
	CHECK_EQ(w.result, 1);
	world_end();
}
