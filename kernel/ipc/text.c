/* Texts that are longer than a page. */
#include "kernel/ipc/text.h"
#include "kernel/lib/string.h"

struct ipc_text_page {
	struct ipc_text_page *next;
	u8 bytes[PORT_PAGE_SIZE - sizeof(struct ipc_text_page *)];
};

static u64 first_part(size_t at, u64 size)
{
	return MIN(size, ipc_text_first(at));
}
static u64 page_part(u64 left)
{
	return MIN(left, (u64)sizeof(((struct ipc_text_page *)0)->bytes));
}

void ipc_text_free_pages(struct ipc_text_page *p)
{
	while (p) {
		struct ipc_text_page *next = p->next;
		port_page_free(p);
		p = next;
	}
}

/* => false: no memory; what was chained so far is t's. */
static bool add_pages(struct ipc_text *t, u64 size)
{
	struct ipc_text_page **link = &t->more;
	for (u64 left = size; left; link = &(*link)->next) {
		struct ipc_text_page *p = port_page_alloc();
		if (!p)
			return false;
		p->next = NULL;
		*link = p;
		left -= page_part(left);
	}
	return true;
}

void *ipc_text_new_empty(size_t at, u64 size)
{
	u64 first = first_part(at, size);
	void *msg = port_buffer_alloc(at + sizeof(struct ipc_text) + first);
	if (!msg)
		return NULL;
	struct ipc_text *t = ipc_text_of(msg, at);
	t->size = size;
	t->more = NULL;
	if (add_pages(t, size - first))
		return msg;
	ipc_text_free(msg, at);
	return NULL;
}

static int copy_in(struct ipc_text *t, size_t at, uptr_t from)
{
	u64 done = first_part(at, t->size);
	TRY(port_copy_in(t->bytes, from, done));
	for (struct ipc_text_page *p = t->more; p; p = p->next) {
		u64 n = page_part(t->size - done);
		TRY(port_copy_in(p->bytes, uptr_add(from, done), n));
		done += n;
	}
	return 0;
}

void *ipc_text_new_large(size_t at, uptr_t from, u64 size)
{
	void *msg = ipc_text_new_empty(at, size);
	if (!msg)
		return err_ptr(-ENOMEM);
	int err = copy_in(ipc_text_of(msg, at), at, from);
	if (!err)
		return msg;
	ipc_text_free(msg, at);
	return err_ptr(err);
}

int ipc_text_out_large(const void *msg, size_t at, uptr_t to, u64 n)
{
	const struct ipc_text *t = ipc_text_of(msg, at);
	u64 done = first_part(at, n);
	TRY(port_copy_out(to, t->bytes, done));
	for (const struct ipc_text_page *p = t->more; p && done < n; p = p->next) {
		u64 part = page_part(n - done);
		TRY(port_copy_out(uptr_add(to, done), p->bytes, part));
		done += part;
	}
	return 0;
}

void ipc_text_fill(void *to, const void *from, size_t at)
{
	struct ipc_text *t = ipc_text_of(to, at);
	const struct ipc_text *f = ipc_text_of(from, at);
	t->size = f->size;
	memcpy(t->bytes, f->bytes, first_part(at, f->size));
	struct ipc_text_page *p = t->more;
	for (const struct ipc_text_page *q = f->more; q; q = q->next, p = p->next)
		memcpy(p->bytes, q->bytes, sizeof p->bytes);
}
