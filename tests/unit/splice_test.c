/* Bytes that move between pipes: against a model, in threads, and when memory runs out. */
#include <string.h>
#include "tests/unit/pipe.h"

static ssize put(struct pipe *p, const u8 *data, size_t n)
{
	struct port_io io = {.base = (char *)data, .left = n};
	return pipe_write(p, &io, PIPE_NONBLOCK);
}
static ssize get(struct pipe *p, u8 *data, size_t n)
{
	struct port_io io = {.base = (char *)data, .left = n};
	return pipe_read(p, &io, PIPE_NONBLOCK);
}

/* Something else that a pipe is filled from or drained to: a string of bytes with an end. */
struct bytes {
	struct pipe_other other;
	u8 *at;
	size_t left;
	ssize error; /* when nothing is left */
};
static ssize bytes_give(const struct pipe_other *o, void *to, size_t n)
{
	struct bytes *b = container_of(o, struct bytes, other);
	n = MIN(n, b->left);
	if (!n)
		return b->error;
	memcpy(to, b->at, n);
	b->at += n;
	b->left -= n;
	return (ssize)n;
}
static ssize bytes_take(const struct pipe_other *o, void *from, size_t n)
{
	struct bytes *b = container_of(o, struct bytes, other);
	n = MIN(n, b->left);
	if (!n)
		return b->error;
	memcpy(b->at, from, n);
	b->at += n;
	b->left -= n;
	return (ssize)n;
}

/* A pipe is a string. */
enum { MODEL_MAX = 400000, STEP_MAX = 9000 };
struct model {
	struct pipe *p;
	u8 *bytes;
	size_t n;
};
static void model_push(struct model *m, const u8 *bytes, size_t n)
{
	ASSERT(m->n + n <= MODEL_MAX);
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}
static void model_pop(struct model *m, size_t n)
{
	memmove(m->bytes, m->bytes + n, m->n - n);
	m->n -= n;
}
static void check_taken(struct model *m, const u8 *got, ssize n)
{
	CHECK(n <= (ssize)m->n);
	CHECK(n <= 0 || !memcmp(got, m->bytes, (size_t)n));
	CHECK(n != -EAGAIN || !m->n);
	if (n > 0)
		model_pop(m, (size_t)n);
}

static void model_step(struct model *m, struct model *other, u8 *buf, u8 *next)
{
	size_t n = 1 + host_random(host_random(2) ? STEP_MAX : 50);
	ssize did;
	switch (host_random(7)) {
	case 0:
		for (size_t i = 0; i < n; i++)
			buf[i] = (*next)++;
		did = put(m->p, buf, n);
		*next -= (u8)(n - (size_t)MAX(did, (ssize)0));
		if (did > 0)
			model_push(m, buf, (size_t)did);
		break;
	case 1: check_taken(m, buf, get(m->p, buf, n)); break;
	case 2:
		did = pipe_splice(m->p, other->p, n, PIPE_NONBLOCK);
		if (did > 0) {
			model_push(other, m->bytes, (size_t)did);
			model_pop(m, (size_t)did);
		}
		break;
	case 3:
		did = pipe_tee(m->p, other->p, n, PIPE_NONBLOCK);
		CHECK(did != 0 && did <= (ssize)MIN(n, m->n));
		if (did > 0)
			model_push(other, m->bytes, (size_t)did);
		break;
	case 4: {
		struct bytes from = {.other.move = bytes_give, .at = buf, .left = n};
		for (size_t i = 0; i < n; i++)
			buf[i] = (*next)++;
		did = pipe_fill(m->p, n, PIPE_NONBLOCK, &from.other);
		if (did > 0)
			model_push(m, buf, (size_t)did);
		break;
	}
	case 5: { /* it takes no more than half, then fails */
		struct bytes to = {
			.other.move = bytes_take, .at = buf, .left = n / 2, .error = -EIO};
		did = pipe_drain(m->p, n, PIPE_NONBLOCK, &to.other);
		CHECK(did != -EIO || n < 2);
		check_taken(m, buf, did);
		break;
	}
	default: (void)!pipe_resize(m->p, (1 + host_random(32)) * PORT_PAGE_SIZE);
	}
	CHECK_EQ(pipe_bytes(m->p), m->n);
}

TEST(splice_moves_what_strings_would)
{
	u8 *buf = port_alloc(STEP_MAX), next = 0;
	struct model m[2];
	for (int i = 0; i < 2; i++)
		m[i] = (struct model){open_pipe(), port_alloc(MODEL_MAX), 0};
	for (u32 round = 0; round < 20000; round++) {
		u32 which = host_random(2);
		model_step(&m[which], &m[!which], buf, &next);
	}
	for (int i = 0; i < 2; i++) {
		close_pipe(m[i].p);
		port_free(m[i].bytes);
	}
	port_free(buf);
}

TEST(splice_without_memory)
{
	u8 data[10000] = {1, 2, 3}, out[10000];
	struct pipe *p = open_pipe();
	HOST_EACH_FAULT(host_fail_allocation)
	{
		struct bytes from = {.other.move = bytes_give, .at = data, .left = sizeof data};
		ssize n = pipe_fill(p, sizeof data, 0, &from.other), rest = n;
		CHECK(n == -ENOMEM || n == 4096 || n == 8192 || n == sizeof data);
		CHECK_EQ(p->promised, 0);
		while (rest > 0)
			rest -= get(p, out, sizeof out);
		CHECK(n < 0 || !memcmp(out, data, 1));
		CHECK_EQ(pipe_bytes(p), 0);
	}
	close_pipe(p);
}

/* writer -> first -> second -> third, each link a thread. */
enum { STREAM = 300000 };
static struct pipe *chain[3];

static void write_stream(void *arg)
{
	u8 out[5000];
	for (u32 sent = 0; sent < STREAM;) {
		size_t n = MIN((u32)sizeof out, STREAM - sent);
		for (size_t i = 0; i < n; i++)
			out[i] = (u8)((sent + i) * 7);
		struct port_io io = {.base = (char *)out, .left = n};
		ssize did = pipe_write(chain[0], &io, 0);
		CHECK(did > 0);
		sent += (u32)did;
	}
	(void)pipe_close(chain[0], PIPE_WRITE);
}
static void move_stream(void *arg)
{
	ssize n;
	while ((n = pipe_splice(chain[0], chain[1], 3000, 0)) > 0)
		;
	CHECK_EQ(n, 0);
	(void)pipe_close(chain[1], PIPE_WRITE);
}
static ssize write_on(const struct pipe_other *o, void *from, size_t n)
{
	struct port_io io = {.base = from, .left = n};
	return pipe_write(chain[2], &io, 0);
}
static void drain_stream(void *arg)
{
	struct pipe_other to = {.move = write_on};
	ssize n;
	while ((n = pipe_drain(chain[1], 10000, 0, &to)) > 0)
		;
	CHECK_EQ(n, 0);
	(void)pipe_close(chain[2], PIPE_WRITE);
}
TEST(splice_carries_a_stream_through_threads)
{
	for (int i = 0; i < 3; i++)
		chain[i] = open_pipe();
	struct host_thread *t[] = {host_spawn(write_stream, NULL), host_spawn(move_stream, NULL),
	                           host_spawn(drain_stream, NULL)};
	u8 in[7000];
	u32 received = 0;
	ssize n;
	do {
		struct port_io io = {.base = (char *)in, .left = sizeof in};
		n = pipe_read(chain[2], &io, 0);
		for (ssize i = 0; i < n; i++, received++)
			if (in[i] != (u8)(received * 7))
				test_fail(__FILE__, __LINE__, "wrong byte at %u", received);
	} while (n > 0);
	CHECK_EQ(received, STREAM);
	for (int i = 0; i < 3; i++)
		host_join(t[i]);
	for (int i = 0; i < 3; i++) {
		CHECK(pipe_close(chain[i], PIPE_READ));
		pipe_free(chain[i]);
	}
}
