/* What the unit tests of pipes share. */
#pragma once
#include "kernel/ipc/pipe/pipe.h"
#include "tests/host/host.h"

static inline struct pipe *open_pipe(void)
{
	struct pipe *p = pipe_new();
	ASSERT(p);
	pipe_open_both(p);
	return p;
}
static inline void close_pipe(struct pipe *p)
{
	CHECK(pipe_close(p, PIPE_READ | PIPE_WRITE));
	pipe_free(p);
}
