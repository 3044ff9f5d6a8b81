/* Texts that are longer than a page. */
#include "kernel/ipc/text.h"
#include "kernel/lib/string.h"

struct ipc_text_page {
	struct ipc_text_page *next;
	u8 bytes[PORT_PAGE_SIZE - sizeof(struct ipc_text_page *)];
};
enum { PAGE_BYTES = sizeof(((struct ipc_text_page *)0)->bytes) };

/* --- pieces: a text as a sequence of them, wherever it is --- */

struct piece {
	u8 *bytes;
	u64 room; /* may be more than the text has */
	struct ipc_text_page *next;
};

static struct piece piece_first(const struct ipc_text *t, size_t at)
{
	u8 *behind = (u8 *)t->bytes;
	switch (t->kind) {
	case TEXT_INLINE: return (struct piece){behind, UINT64_MAX, NULL};
	case TEXT_BLOCK: return (struct piece){t->block, UINT64_MAX, NULL};
	case TEXT_PAGES: return (struct piece){behind, ipc_text_first(at), t->pages};
	}
	UNREACHABLE();
}

/* n bytes of the piece are done. */
static void piece_advance(struct piece *p, u64 n)
{
	p->bytes += n;
	p->room -= n;
	if (!p->room)
		*p = (struct piece){p->next->bytes, PAGE_BYTES, p->next->next};
}

/* --- making --- */

void ipc_text_free_large(struct ipc_text *t)
{
	if (t->kind == TEXT_BLOCK) {
		port_block_free(t->block);
		return;
	}
	for (struct ipc_text_page *p = t->pages, *next; p; p = next) {
		next = p->next;
		port_page_free(p);
	}
}

/* => a message whose text has memory for `size` bytes in one block, or NULL. */
static void *new_block(size_t at, u64 size)
{
	u8 *block = port_block_alloc();
	void *msg = block ? port_buffer_alloc(at + sizeof(struct ipc_text)) : NULL;
	if (unlikely(!msg)) {
		port_block_free(block);
		return NULL;
	}
	*ipc_text_of(msg, at) =
		(struct ipc_text){.size = (u32)size, .kind = TEXT_BLOCK, .block = block};
	return msg;
}

static void *new_pages(size_t at, u64 size)
{
	void *msg = port_buffer_alloc(PORT_PAGE_SIZE);
	if (!msg)
		return NULL;
	struct ipc_text *t = ipc_text_of(msg, at);
	*t = (struct ipc_text){.size = (u32)size, .kind = TEXT_PAGES};
	for (u64 have = ipc_text_first(at); have < size; have += PAGE_BYTES) {
		struct ipc_text_page *p = port_page_alloc();
		if (!p) {
			ipc_text_free(msg, at);
			return NULL;
		}
		p->next = t->pages;
		t->pages = p;
	}
	return msg;
}

void *ipc_text_new_large(size_t at, uptr_t from, u64 size)
{
	void *msg = size <= PORT_BLOCK_SIZE ? new_block(at, size) : NULL;
	if (!msg && !(msg = new_pages(at, size)))
		return err_ptr(-ENOMEM);
	struct piece p = piece_first(ipc_text_of(msg, at), at);
	for (u64 left = size, n; left; left -= n) {
		n = MIN(left, p.room);
		if (unlikely(port_copy_in(p.bytes, from, n))) {
			ipc_text_free(msg, at);
			return err_ptr(-EFAULT);
		}
		if (likely(n == left))
			break;
		piece_advance(&p, n);
		from = uptr_add(from, n);
	}
	return msg;
}

/* --- copying --- */

int ipc_text_out_large(const void *msg, size_t at, uptr_t to, u64 n)
{
	struct piece p = piece_first(ipc_text_of(msg, at), at);
	for (u64 part; n > (part = p.room); n -= part) {
		TRY(port_copy_out(to, p.bytes, part));
		piece_advance(&p, part);
		to = uptr_add(to, part);
	}
	return port_copy_out(to, p.bytes, n);
}

void ipc_text_fill(void *to, const void *from, size_t at)
{
	struct ipc_text *t = ipc_text_of(to, at);
	const struct ipc_text *f = ipc_text_of(from, at);
	struct piece d = piece_first(t, at), s = piece_first(f, at);
	for (u64 left = f->size, n; left; left -= n) {
		n = MIN(left, MIN(d.room, s.room));
		memcpy(d.bytes, s.bytes, n);
		if (n == left)
			break;
		piece_advance(&d, n);
		piece_advance(&s, n);
	}
	t->size = f->size;
}
