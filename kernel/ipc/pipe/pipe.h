/*
 * Pipes and FIFOs, pipe(7), fifo(7).
 *
 * A pipe is a ring of page buffers. A write fills fresh slots, or appends to the last one; a read
 * empties the oldest. A write of up to PIPE_BUF (one page) fits one slot or the free end of the last, so it is
 * never interleaved with another; longer ones may be. In packet mode (O_DIRECT) each slot is a packet,
 * and a read takes one packet and drops what it has no room for.
 *
 * Files: pipe.c reads and writes, ends.c opens and closes, size.c makes and measures, wait.c sleeps, splice.c moves
 * between a pipe and something else.
 *
 * Objects and lifetimes
 *	struct pipe	made by pipe_new(). Its owner (the world's files, or a FIFO's inode) frees it with
 *			pipe_free() when no end is open any more.
 *	end		an open file's share: counted by pipe_open_*() and pipe_close().
 *
 *	          writer: slots filled                            no writers left
 *	EMPTY <----------------------------> HAS DATA ... FULL    ----------------> reads drain, then 0
 *	  | reader sleeps in `reading`          | writer sleeps in `writing`
 *	  +-- woken by a write                  +-- woken by a read that frees     no readers left
 *	                                            a slot                         ---> SIGPIPE, EPIPE
 *	A woken thread looks again, and wakes the next of its kind when something is left for it.
 *	While splice.c has slots taken out, an empty pipe without writers has not ended yet.
 *
 * Locking: pipe->io, a sleeping lock, protects everything; it is held while data is copied from or to
 * user memory, which keeps transfers in order, and released while a thread waits for the other side.
 * Polling reads `head`, `tail` and the counts without it: a change is announced after it was made.
 *
 * What can fail: -EFAULT (nothing of the failing page's worth is consumed or written), -ENOMEM, -EAGAIN,
 * -EPIPE, -ERESTARTSYS; all only when nothing was transferred, else the count is returned.
 */
#pragma once
#include "kernel/ipc/port.h"
#include "kernel/lib/list.h"

enum {
	PIPE_BUF = 4096,
	PIPE_SLOTS = 16,         /* default capacity: 64 KiB */
	PIPE_MAX_SIZE = 1 << 20, /* default of /proc/sys/fs/pipe-max-size */
};

enum pipe_slot_kind {
	SLOT_BYTES,  /* what is written next may go behind it */
	SLOT_SEALED, /* what is behind it on the page is another pipe's */
	SLOT_PACKET,
};
struct pipe_slot {
	void *page; /* reference */
	u16 offset, length;
	u8 kind;
	bool shared; /* other slots have had the page, too */
};

struct pipe {
	struct port_mutex io;
	struct pipe_slot *slots; /* [io] */
	u32 mask;                /* [io] number of slots - 1, a power of two less one */
	u32 head, tail;          /* [io, a] slots filled, slots emptied, ever */
	u32 promised;            /* [io, a] slots that splice.c has taken out or is about to fill */
	u32 taken,
		settled; /* [io, a] slots taken out ever, and those that came back or were used up */
	u32 readers, writers;           /* [io, a] open ends */
	u32 readers_ever, writers_ever; /* [io, a] opens so far: what a FIFO's open waits for */
	void *spare;                  /* [io] one page, so that small transfers allocate nothing */
	struct list reading, writing; /* [io] struct pipe_waiter, FIFO */
	struct list opening;          /* [io] FIFO openers that wait for the other side */
	u32 waiting;                  /* [io] waiters in the three lists */
	struct port_pollq read_poll, write_poll;
	struct port_user *user; /* [I] reference: pays for the slots */
	bool nameless;          /* [I] of pipe(2): an open by way of /proc never waits */
	struct pipe_slot first_slots[PIPE_SLOTS];
};

/* => a pipe without open ends, or NULL: no memory, or its user has too many pipes. */
MUST_CHECK struct pipe *pipe_new(void);
void pipe_free(struct pipe *p); /* no end open */

enum pipe_ends { PIPE_READ = 1, PIPE_WRITE = 2 };
enum pipe_flags { PIPE_NONBLOCK = 1, PIPE_PACKET = 2 };

/* pipe(2): opens both ends, never waits. */
void pipe_open_both(struct pipe *p);
/* open(2) of a FIFO: waits for the other side as fifo(7) says; of what pipe(2) made, without. => 0, -ENXIO,
 * -ERESTARTSYS; when it fails the end is not open. *out_seen: writers_ever of a reader that did not wait, for pipe_poll(); else 0. */
MUST_CHECK int pipe_open_fifo(struct pipe *p, u32 ends, u32 flags, u32 *out_seen);
/* => true when no end is open now; a FIFO's data is gone then. */
bool pipe_close(struct pipe *p, u32 ends);

/* read(2), write(2) as pipe(7) says; PIPE_NONBLOCK. The caller holds its end open. => bytes; 0 read: the end; when nothing
 * was moved -EAGAIN, -ERESTARTSYS, -EFAULT, and of a write -ENOMEM or -EPIPE. A broken pipe raises SIGPIPE. */
MUST_CHECK ssize pipe_read(struct pipe *p, struct port_io *io, u32 flags);
MUST_CHECK ssize pipe_write(struct pipe *p, struct port_io *io, u32 flags);
/* => POLL* events of an open file with these ends. Any context. */
u32 pipe_events(const struct pipe *p, u32 ends, u32 seen);
u64 pipe_bytes(struct pipe *p); /* FIONREAD */

/* F_GETPIPE_SZ, F_SETPIPE_SZ. => capacity in bytes; -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
u32 pipe_capacity(struct pipe *p);
MUST_CHECK s64 pipe_resize(struct pipe *p, u64 size);
extern u32 pipe_max_size; /* [a] /proc/sys/fs/pipe-max-size: beyond it needs CAP_SYS_RESOURCE */
extern u64 pipe_user_pages_soft, pipe_user_pages_hard; /* [a] .../pipe-user-pages-*; 0: no limit */

/* What a pipe is filled from or drained to: moves up to n bytes. May sleep. => bytes, or -errno. */
struct pipe_other {
	ssize (*move)(const struct pipe_other *o, void *bytes, size_t n);
};
/* Waits for the first free slot, then reads what fits; likewise for the first data. PIPE_NONBLOCK.
 * => bytes, 0 at the end, -EAGAIN, -ERESTARTSYS, -ENOMEM, -EPIPE (with SIGPIPE), or what `move` says. */
MUST_CHECK ssize pipe_fill(struct pipe *p, size_t len, u32 flags, const struct pipe_other *from);
MUST_CHECK ssize pipe_drain(struct pipe *p, size_t len, u32 flags, const struct pipe_other *to);
/* Moves, or doubles, up to len bytes between two different pipes. Likewise. */
MUST_CHECK ssize pipe_splice(struct pipe *in, struct pipe *out, size_t len, u32 flags);
MUST_CHECK ssize pipe_tee(struct pipe *in, struct pipe *out, size_t len, u32 flags);
