/* What the simulation tests of local sockets share: a world of two files, each a socket, and calls as tasks. */
#pragma once
#include <string.h>
#include "kernel/ipc/socket/rights.h"
#include "tests/port/files.h"
#include "tests/sim/sim.h"

/* --- A world of two files, each a socket --- */

static struct port_file *file[2];

static inline struct socket *at(int i)
{
	return port_file_socket(file[i]);
}
static inline struct port_file *file_new(enum socket_type type)
{
	struct socket *s = socket_new(type);
	CHECK(s != NULL);
	return test_file_new(s);
}
static inline void pair_new(enum socket_type type)
{
	socket_init();
	file[0] = file_new(type);
	file[1] = file_new(type);
	socket_pair(at(0), at(1));
}
static inline void close_file(int i)
{
	if (file[i])
		port_file_put(TAKE(file[i]));
}
static inline void world_end(void)
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

static inline u64 until(const struct call *c)
{
	return c->timeout == PORT_FOREVER || !c->timeout ? c->timeout : sim_now() + c->timeout;
}

static inline void do_send(struct call *c)
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
static inline void do_receive(struct call *c)
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
static inline void with_file(struct call *c, void (*fn)(struct call *c))
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
static inline void send(void *arg)
{
	with_file(arg, do_send);
}
static inline void receive(void *arg)
{
	with_file(arg, do_receive);
}
static inline void close_end(void *arg)
{
	close_file(*(int *)arg);
}

static int UNUSED zero = 0, UNUSED one = 1;
