/*
 * The bytes of a message, in both families of queues.
 *
 * The struct that describes a message ends with a struct ipc_text. Where the bytes are:
 *
 *	TEXT_INLINE	behind it, in the same allocation: while both fit a page
 *	TEXT_BLOCK	in one block, up to PORT_BLOCK_SIZE, which is MSGMAX's default: one copy in, one copy out
 *	TEXT_PAGES	the first bytes behind it, the rest in a chain of pages: longer texts, and those for
 *			which no block was to be had, since memory may be there in single pages only
 *
 * All memory is made and filled before any lock is taken, so that sending cannot fail once it has begun.
 *
 *	struct x_msg { ...; struct ipc_text text; };
 *
 * Owner: whoever owns the message. Locking: none; a message is filled by its sender alone, then only read.
 */
#pragma once
#include "kernel/ipc/port.h"

enum ipc_text_kind { TEXT_INLINE, TEXT_BLOCK, TEXT_PAGES };
struct ipc_text_page;
struct ipc_text { /* all [I] */
	u32 size; /* bytes */
	enum ipc_text_kind kind;
	union {
		u8 *block;
		struct ipc_text_page *pages;
	};
	u8 bytes[];
};

/* How much of a text stands in the first page, when it begins `at` bytes into its message. */
static ALWAYS_INLINE u64 ipc_text_first(size_t at)
{
	return PORT_PAGE_SIZE - at - sizeof(struct ipc_text);
}

/* All with no lock held. `at`: offset of the text in its message; `msg`: the message; size: below 2^32. */
MUST_CHECK void *ipc_text_new_large(size_t at, uptr_t from, u64 size);
MUST_CHECK int ipc_text_out_large(const void *msg, size_t at, uptr_t to, u64 n);
void ipc_text_free_large(struct ipc_text *t);
/* Makes the text of `to` equal to that of `from`, which is not larger. A lock may be held. */
void ipc_text_fill(void *to, const void *from, size_t at);

static ALWAYS_INLINE struct ipc_text *ipc_text_of(const void *msg, size_t at)
{
	return (struct ipc_text *)((uintptr_t)msg + at);
}
static ALWAYS_INLINE void ipc_text_free(void *msg, size_t at)
{
	struct ipc_text *t = ipc_text_of(msg, at);
	if (unlikely(t->kind != TEXT_INLINE))
		ipc_text_free_large(t);
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
	t->size = (u32)size;
	t->kind = TEXT_INLINE;
	if (likely(!port_copy_in(t->bytes, from, size)))
		return msg;
	port_buffer_free(msg);
	return err_ptr(-EFAULT);
}
/* The first n <= size bytes to the user. => 0 or -EFAULT. */
MUST_CHECK static ALWAYS_INLINE int ipc_text_out(const void *msg, size_t at, uptr_t to, u64 n)
{
	const struct ipc_text *t = ipc_text_of(msg, at);
	return likely(t->kind == TEXT_INLINE) ? port_copy_out(to, t->bytes, n)
	                                      : ipc_text_out_large(msg, at, to, n);
}
