/* The bytes of large messages. */
#include "kernel/ipc/msg/queue.h"
#include "kernel/lib/string.h"

struct msg_page {
	struct msg_page *next;
	u8 text[PORT_PAGE_SIZE - sizeof(struct msg_page *)];
};

static u64 first_part(u64 size)
{
	return MIN(size, (u64)MSG_FIRST_MAX);
}
static u64 page_part(u64 left)
{
	return MIN(left, (u64)sizeof(((struct msg_page *)0)->text));
}

void msg_free_pages(struct msg_page *p)
{
	while (p) {
		struct msg_page *next = p->next;
		port_page_free(p);
		p = next;
	}
}

struct msg *msg_new_empty(u64 size)
{
	AUTO_PUT(msg) m = port_buffer_alloc(sizeof *m + first_part(size));
	if (!m)
		return NULL;
	m->size = size;
	m->more = NULL;
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

static int text_copy_in(struct msg *m, uptr_t from)
{
	u64 at = first_part(m->size);
	TRY(port_copy_in(m->text, from, at));
	for (struct msg_page *p = m->more; p; p = p->next) {
		u64 n = page_part(m->size - at);
		TRY(port_copy_in(p->text, uptr_add(from, at), n));
		at += n;
	}
	return 0;
}

struct msg *msg_new_large(s64 type, uptr_t text, u64 size)
{
	AUTO_PUT(msg) m = msg_new_empty(size);
	if (!m)
		return err_ptr(-ENOMEM);
	m->typed.type = type;
	int err = text_copy_in(m, text);
	return err ? err_ptr(err) : TAKE(m);
}

int msg_copy_out_large(const struct msg *m, uptr_t to, u64 n)
{
	u64 at = first_part(n);
	TRY(port_copy_out(to, m->text, at));
	for (const struct msg_page *p = m->more; p && at < n; p = p->next) {
		u64 part = page_part(n - at);
		TRY(port_copy_out(uptr_add(to, at), p->text, part));
		at += part;
	}
	return 0;
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
