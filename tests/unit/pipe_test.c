/* Pipes: what moves, in what pieces, and what happens at the edges. */
#include <stdlib.h>
#include <string.h>
#include "abi/poll.h"
#include "abi/signal.h"
#include "tests/unit/pipe.h"

static ssize put(struct pipe *p, const char *data, size_t n, u32 flags)
{
	struct port_io io = {.base = (char *)data, .left = n};
	return pipe_write(p, &io, flags);
}
static ssize get(struct pipe *p, char *data, size_t n, u32 flags)
{
	struct port_io io = {.base = data, .left = n};
	return pipe_read(p, &io, flags);
}

/* A stream of any pieces is the stream of bytes that was written. */
TEST(pipe_keeps_the_stream_whole)
{
	struct pipe *p = open_pipe();
	char out[9000], in[9000];
	u8 next_out = 0, next_in = 0;

	for (u32 round = 0; round < 2000; round++) {
		size_t n = host_random(4) ? host_random(50) : host_random(sizeof out);
		for (size_t i = 0; i < n; i++)
			out[i] = (char)(u8)(next_out + i);
		ssize wrote = put(p, out, n, PIPE_NONBLOCK);
		CHECK(wrote >= 0 || wrote == -EAGAIN);
		CHECK(n > PIPE_BUF || wrote <= 0 || wrote == (ssize)n);
		next_out += wrote > 0 ? wrote : 0;
		ssize got = get(p, in, host_random(sizeof in), PIPE_NONBLOCK);
		for (ssize i = 0; i < got; i++)
			CHECK_EQ((u8)in[i], next_in++);
	}
	CHECK_EQ((u8)(next_in + pipe_bytes(p)), next_out);
	close_pipe(p);
}

TEST(pipe_small_writes_share_a_page)
{
	struct pipe *p = open_pipe();
	ssize wrote = 0;
	while (put(p, "abcd", 4, PIPE_NONBLOCK) == 4)
		wrote += 4;
	CHECK_EQ(wrote, PIPE_SLOTS * 4096);
	close_pipe(p);
}

TEST(pipe_packets_keep_their_bounds)
{
	struct pipe *p = open_pipe();
	char in[8];
	CHECK_EQ(put(p, "first", 5, PIPE_PACKET), 5);
	CHECK_EQ(put(p, "second", 6, PIPE_PACKET), 6);
	CHECK_EQ(get(p, in, 3, 0), 3);
	CHECK(!memcmp(in, "fir", 3));
	CHECK_EQ(get(p, in, 8, 0), 6);
	CHECK(!memcmp(in, "second", 6));
	close_pipe(p);
}

TEST(pipe_without_readers_or_writers)
{
	struct pipe *p = open_pipe();
	char in[4];
	CHECK_EQ(put(p, "xy", 2, 0), 2);
	CHECK(!pipe_close(p, PIPE_WRITE));
	CHECK_EQ(pipe_events(p, PIPE_READ, 0), POLLIN | POLLRDNORM | POLLHUP);
	CHECK_EQ(get(p, in, 4, 0), 2);
	CHECK_EQ(get(p, in, 4, 0), 0);
	CHECK_EQ(pipe_events(p, PIPE_READ, 0), POLLHUP);
	CHECK(pipe_close(p, PIPE_READ));
	pipe_free(p);

	p = open_pipe();
	CHECK(!pipe_close(p, PIPE_READ));
	CHECK_EQ(put(p, "xy", 2, 0), -EPIPE);
	CHECK_EQ(host_raised(SIGPIPE), 1);
	CHECK_EQ(put(p, "", 0, 0), 0);
	CHECK(pipe_events(p, PIPE_WRITE, 0) & POLLERR);
	CHECK(pipe_close(p, PIPE_WRITE));
	pipe_free(p);
}

TEST(pipe_resizes_with_its_contents)
{
	struct pipe *p = open_pipe();
	char page[4096] = {0}, in[4096];

	CHECK_EQ(pipe_capacity(p), PIPE_SLOTS * 4096);
	for (char c = 1; c <= 3; c++) {
		page[0] = c;
		CHECK_EQ(put(p, page, sizeof page, 0), 4096);
	}
	CHECK_EQ(pipe_resize(p, 2 * 4096), -EBUSY);
	CHECK_EQ(pipe_resize(p, 3 * 4096), 4 * 4096);
	CHECK_EQ(pipe_resize(p, 0), -EBUSY);
	CHECK_EQ(pipe_resize(p, 1ull << 32), -EINVAL);
	host_self()->capabilities = 0;
	CHECK_EQ(pipe_resize(p, 2 << 20), -EPERM);
	host_self()->capabilities = UINT64_MAX;
	CHECK_EQ(pipe_resize(p, 2 << 20), 2 << 20);
	for (char c = 1; c <= 3; c++) {
		CHECK_EQ(get(p, in, sizeof in, 0), 4096);
		CHECK_EQ(in[0], c);
	}
	close_pipe(p);
}

TEST(pipe_loses_nothing_to_faults)
{
	char in[8];
	HOST_EACH_FAULT(host_fail_allocation)
	{
		struct pipe *p = pipe_new();
		if (!p)
			continue;
		pipe_open_both(p);
		ssize wrote = put(p, "abc", 3, 0);
		CHECK(wrote == 3 || wrote == -ENOMEM);
		CHECK_EQ(pipe_bytes(p), MAX(wrote, 0));
		close_pipe(p);
	}
	HOST_EACH_FAULT(host_fail_copy)
	{
		struct pipe *p = open_pipe();
		ssize wrote = put(p, "abc", 3, 0);
		CHECK(wrote == 3 || wrote == -EFAULT);
		ssize got = get(p, in, 8, PIPE_NONBLOCK);
		CHECK_EQ(pipe_bytes(p), MAX(wrote, 0) - MAX(got, 0));
		close_pipe(p);
	}
}

/* --- Threads --- */

enum { STREAM = 1 << 18 };

static void writer(void *arg)
{
	char out[6000];
	for (u32 sent = 0; sent < STREAM;) {
		size_t n = MIN((u32)(1 + rand() % sizeof out), STREAM - sent);
		for (size_t i = 0; i < n; i++)
			out[i] = (char)(u8)((sent + i) * 7);
		ssize wrote = put(arg, out, n, 0);
		if (wrote < 0)
			break;
		sent += (u32)wrote;
	}
	pipe_close(arg, PIPE_WRITE);
}

TEST(pipe_streams_between_threads)
{
	struct pipe *p = open_pipe();
	struct host_thread *t = host_spawn(writer, p);
	char in[5000];
	u32 received = 0;
	ssize n;

	while ((n = get(p, in, sizeof in, 0)) > 0)
		for (ssize i = 0; i < n; i++, received++)
			if ((u8)in[i] != (u8)(received * 7))
				test_fail(__FILE__, __LINE__, "wrong byte at %u", received);
	CHECK_EQ(n, 0);
	CHECK_EQ(received, STREAM);
	host_join(t);
	CHECK(pipe_close(p, PIPE_READ));
	pipe_free(p);
}

struct reader {
	struct pipe *pipe;
	ssize result;
};
static void read_one(void *arg)
{
	struct reader *r = arg;
	char c;
	r->result = get(r->pipe, &c, 1, 0);
}

/* One write of two bytes serves two readers: the first passes the wake-up on. */
TEST(pipe_wakes_the_next_reader)
{
	struct pipe *p = open_pipe();
	struct reader r[2] = {{.pipe = p}, {.pipe = p}};
	struct host_thread *t[2];
	for (int i = 0; i < 2; i++) {
		t[i] = host_spawn(read_one, &r[i]);
		host_wait_asleep(t[i]);
	}
	CHECK_EQ(put(p, "ab", 2, 0), 2);
	for (int i = 0; i < 2; i++) {
		host_join(t[i]);
		CHECK_EQ(r[i].result, 1);
	}
	close_pipe(p);
}

TEST(pipe_read_is_interrupted)
{
	struct pipe *p = open_pipe();
	struct reader r = {.pipe = p};
	struct host_thread *t = host_spawn(read_one, &r);
	host_wait_asleep(t);
	host_signal(t);
	host_join(t);
	CHECK_EQ(r.result, -ERESTARTSYS);
	close_pipe(p);
}

struct opener {
	struct pipe *pipe;
	u32 ends;
	int result;
};
static void open_end(void *arg)
{
	struct opener *o = arg;
	u32 seen;
	o->result = pipe_open_fifo(o->pipe, o->ends, 0, &seen);
}

TEST(fifo_ends_wait_for_each_other)
{
	struct pipe *p = pipe_new();
	struct opener o = {.pipe = p, .ends = PIPE_READ};
	u32 seen;

	CHECK_EQ(pipe_open_fifo(p, PIPE_WRITE, PIPE_NONBLOCK, &seen), -ENXIO);
	struct host_thread *t = host_spawn(open_end, &o);
	host_wait_asleep(t);
	CHECK_EQ(pipe_open_fifo(p, PIPE_WRITE, 0, &seen), 0);
	host_join(t);
	CHECK_EQ(o.result, 0);
	CHECK(pipe_close(p, PIPE_READ | PIPE_WRITE));

	t = host_spawn(open_end, &o);
	host_wait_asleep(t);
	host_signal(t);
	host_join(t);
	CHECK_EQ(o.result, -ERESTARTSYS);
	CHECK_EQ(p->readers, 0);

	CHECK_EQ(pipe_open_fifo(p, PIPE_READ, PIPE_NONBLOCK, &seen), 0);
	CHECK_EQ(pipe_events(p, PIPE_READ, seen), 0);
	CHECK_EQ(pipe_open_fifo(p, PIPE_WRITE, 0, &seen), 0);
	close_pipe(p);
}
