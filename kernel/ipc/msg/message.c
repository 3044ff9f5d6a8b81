/*
 * The bytes of a message. A message that fits a page with its header is one allocation; a larger one goes on in
 * pages. Above half a page the first piece is a page too: pages are not zeroed for us.
 */
#include "kernel/ipc/msg/queue.h"
#include "kernel/lib/string.h"

struct msg_page {
	struct msg_page *next;
	u8 text[PORT_PAGE_SIZE - sizeof(struct msg_page *)];
};
enum { FIRST_MAX = PORT_PAGE_SIZE - sizeof(struct msg), SMALL_MAX = PORT_PAGE_SIZE / 2 };

static u64 first_part(u64 size)
{
	return MIN(size, (u64)FIRST_MAX);
}
static u64 page_part(u64 left)
{
	return MIN(left, (u64)sizeof(((struct msg_page *)0)->text));
}

static struct msg *first_new(u64 size)
{
	bool on_page = sizeof(struct msg) + size > SMALL_MAX;
	struct msg *m = on_page ? port_page_alloc() : port_alloc(sizeof *m + size);
	if (m) {
		m->size = size;
		m->more = NULL;
		m->on_page = on_page;
	}
	return m;
}

static NOINLINE void pages_free(struct msg_page *p)
{
	while (p) {
		struct msg_page *next = p->next;
		port_page_free(p);
		p = next;
	}
}

void msg_free(struct msg *m)
{
	if (!m)
		return;
	if (unlikely(m->more))
		pages_free(m->more);
	if (m->on_page)
		port_page_free(m);
	else
		port_free(m);
}

struct msg *msg_new_empty(u64 size)
{
	AUTO_PUT(msg) m = first_new(size);
	if (!m)
		return NULL;
	struct msg_page **link = &m->more;
	for (u64 at = first_part(size); at < size; link = &(*link)->next) {
		struct msg_page *p = port_page_alloc();
		if (!p)
			return NULL;
		p->next = NULL;
		*link = p;
		at += page_part(size - at);
	}
	return TAKE(m);
}

static NOINLINE int pages_copy_in(struct msg *m, uptr_t from)
{
	u64 at = first_part(m->size);
	for (struct msg_page *p = m->more; p; p = p->next) {
		u64 n = page_part(m->size - at);
		TRY(port_copy_in(p->text, uptr_add(from, at), n));
		at += n;
	}
	return 0;
}

struct msg *msg_new(s64 type, uptr_t text, u64 size)
{
	struct msg *m = likely(size <= FIRST_MAX) ? first_new(size) : msg_new_empty(size);
	if (unlikely(!m))
		return err_ptr(-ENOMEM);
	m->typed.type = type;
	int err = port_copy_in(m->text, text, first_part(size));
	if (unlikely(m->more) && !err)
		err = pages_copy_in(m, text);
	if (likely(!err))
		return m;
	msg_free(m);
	return err_ptr(err);
}

static NOINLINE int pages_copy_out(const struct msg *m, uptr_t to, u64 end)
{
	u64 at = first_part(m->size);
	for (const struct msg_page *p = m->more; p && at < end; p = p->next) {
		u64 n = page_part(end - at);
		TRY(port_copy_out(uptr_add(to, at), p->text, n));
		at += n;
	}
	return 0;
}

int msg_copy_out(const struct msg *m, uptr_t to, u64 n)
{
	TRY(port_copy_out(to, m->text, first_part(n)));
	return likely(!m->more) ? 0 : pages_copy_out(m, to, n);
}

void msg_fill(struct msg *to, const struct msg *from)
{
	to->typed.type = from->typed.type;
	to->size = from->size;
	memcpy(to->text, from->text, first_part(from->size));
	struct msg_page *p = to->more;
	for (const struct msg_page *f = from->more; f; f = f->next, p = p->next)
		memcpy(p->text, f->text, sizeof p->text);
}
