#include "kernel/lib/bug.h"
#include "kernel/mm/slab.h"
#include "kernel/mm/vm_internal.h"

void mm_init(void)
{
	page_init();
	slab_init();
	vmap_init();
	aspace_init();
	zero_page = page_alloc(0, PAGE_ZERO);
	if (!zero_page)
		panic("no memory for the zero page");
}
