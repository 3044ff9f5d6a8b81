/* Buffer pages with references, for both test worlds. */
#include <stdlib.h>
#include <string.h>
#include "kernel/ipc/port.h"

struct counted_page {
	char bytes[PORT_PAGE_SIZE];
	u32 references; /* [a] */
};

void *port_page_alloc(void)
{
	struct counted_page *page = port_alloc(sizeof *page);
	if (!page)
		return NULL;
	memset(page->bytes, 0xa5, PORT_PAGE_SIZE);
	page->references = 1;
	return page;
}
void port_page_get(void *page)
{
	__atomic_add_fetch(&((struct counted_page *)page)->references, 1, __ATOMIC_RELAXED);
}
void port_page_free(void *page)
{
	if (!__atomic_sub_fetch(&((struct counted_page *)page)->references, 1, __ATOMIC_ACQ_REL))
		port_free(page);
}
void port_page_free_sole(void *page)
{
	if (__atomic_load_n(&((struct counted_page *)page)->references, __ATOMIC_ACQUIRE) != 1)
		abort();
	port_free(page);
}
