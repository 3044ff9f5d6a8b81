/*
 * The bytes of a message, in both families of queues.
 *
 * The struct that describes a message ends with a struct ipc_text. Both and the bytes are one allocation while they fit
 * a page; a longer text goes on in a chain of pages. Made and filled before any lock is taken, so that sending
 * cannot fail once it has begun.
 *
 *	struct x_msg { ...; struct ipc_text text; };
 *	+--------+------+--------------+     +------+---------------+
 *	| x_msg  | more | first bytes  | --> | next | up to a page  | --> ...
 *	+--------+------+--------------+     +------+---------------+
 *
 * Owner: whoever owns the message. Locking: none; a message is filled by its sender alone, then only read.
 */
#pragma once
#include "kernel/ipc/port.h"

struct ipc_text_page;
struct ipc_text {
	u64 size; /* [I] bytes */
	struct ipc_text_page *more;
	u8 bytes[];
};

/* How much of a text stands in the first page, when it begins `at` bytes into its message. */
static ALWAYS_INLINE u64 ipc_text_first(size_t at)
{
	return PORT_PAGE_SIZE - at - sizeof(struct ipc_text);
}

/* All with no lock held. `at`: offset of the text in its message; `msg`: the message.
 * ipc_text_new_empty => a message with memory for a text of `size` bytes, nothing else filled in, or NULL. */
MUST_CHECK void *ipc_text_new_empty(size_t at, u64 size);
MUST_CHECK void *ipc_text_new_large(size_t at, uptr_t from, u64 size);
MUST_CHECK int ipc_text_out_large(const void *msg, size_t at, uptr_t to, u64 n);
void ipc_text_free_pages(struct ipc_text_page *p);
/* Copies the text of `from`, for which `to` has the memory. A lock may be held. */
void ipc_text_fill(void *to, const void *from, size_t at);

static ALWAYS_INLINE struct ipc_text *ipc_text_of(const void *msg, size_t at)
{
	return (struct ipc_text *)((uintptr_t)msg + at);
}
static ALWAYS_INLINE void ipc_text_free(void *msg, size_t at)
{
	struct ipc_text *t = ipc_text_of(msg, at);
	if (unlikely(t->more))
		ipc_text_free_pages(t->more);
	port_buffer_free(msg);
}
/* => a message whose text is filled, and nothing else; or err_ptr -EFAULT, -ENOMEM. */
MUST_CHECK static ALWAYS_INLINE void *ipc_text_new(size_t at, uptr_t from, u64 size)
{
	if (unlikely(size > ipc_text_first(at)))
		return ipc_text_new_large(at, from, size);
	void *msg = port_buffer_alloc(at + sizeof(struct ipc_text) + size);
	if (unlikely(!msg))
		return err_ptr(-ENOMEM);
	struct ipc_text *t = ipc_text_of(msg, at);
	t->size = size;
	t->more = NULL;
	if (likely(!port_copy_in(t->bytes, from, size)))
		return msg;
	port_buffer_free(msg);
	return err_ptr(-EFAULT);
}
/* The first n <= size bytes to the user. => 0 or -EFAULT. */
MUST_CHECK static ALWAYS_INLINE int ipc_text_out(const void *msg, size_t at, uptr_t to, u64 n)
{
	const struct ipc_text *t = ipc_text_of(msg, at);
	return likely(!t->more) ? port_copy_out(to, t->bytes, n)
	                        : ipc_text_out_large(msg, at, to, n);
}
