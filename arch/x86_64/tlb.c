/*
 * Translation look-aside buffers. A processor that loads a root sets its bit in the address space's
 * active_cpus first (locked, hence ordered before its table walks), so a flusher that changed an entry
 * and then reads the mask misses nobody who could have seen the old one:
 *
 *	flusher				processor
 *	entry = new			active_cpus |= me	(locked)
 *	full barrier			CR3 = root
 *	read active_cpus		walk: reads entry
 */
#include "arch/cpu.h"
#include "arch/pagetable.h"

/* Beyond this many pages refilling all is cheaper than naming each. */
enum { FLUSH_PAGES_MAX = 32 };

void tlb_flush_local(phys_t root, u64 start, u64 end)
{
	u64 cr3 = cr3_read();

	if (pte_phys(cr3) != root)
		return;
	if ((end - start) >> PAGE_SHIFT > FLUSH_PAGES_MAX) {
		cr3_write(cr3);
		return;
	}
	for (u64 at = start; at < end; at += PAGE_SIZE)
		__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
}

static void flush_all_here(void *unused)
{
	cr3_write(cr3_read());
}

void tlb_flush_kernel(void)
{
	u64 all = cpu_count >= MAX_CPUS ? ~0ull : BIT(cpu_count) - 1;

	ipi_call(all, flush_all_here, NULL);
}
