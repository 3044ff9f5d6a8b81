/* Where to resume when the kernel faults on a user address: one entry for each such instruction. */
#include "arch/x86_64/internal.h"
#include "kernel/lib/string.h"

extern struct fault_entry fault_table_start[], fault_table_end[];
_Static_assert(sizeof(struct fault_entry) == 24, "USER_FAULT in arch/uaccess.h");
extern char *const smap_patch_start[], *const smap_patch_end[];

/* At boot, while rodata is still writable. Shell sort: the linker leaves runs that are sorted already. */
void fault_table_init(void)
{
	struct fault_entry *t = fault_table_start;
	size_t n = fault_table_end - fault_table_start, gap = 1;
	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3) {
		for (size_t i = gap; i < n; i++) {
			struct fault_entry e = t[i];
			size_t j = i;
			for (; j >= gap && t[j - gap].insn > e.insn; j -= gap)
				t[j] = t[j - gap];
			t[j] = e;
		}
	}
}

u64 fault_table_find(u64 insn, bool *out_nofault)
{
	size_t low = 0, high = fault_table_end - fault_table_start;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (fault_table_start[middle].insn < insn)
			low = middle + 1;
		else
			high = middle;
	}
	const struct fault_entry *e = &fault_table_start[low];
	if (e == fault_table_end || e->insn != insn)
		return 0;
	*out_nofault = e->nofault;
	return e->fixup;
}

/* User accesses stand between two 3-byte nops (USER_OPEN and USER_CLOSE), told apart by their last byte. */
void smap_patch(void)
{
	if (!cpu_features.smap)
		return;
	for (char *const *p = smap_patch_start; p < smap_patch_end; p++)
		memcpy(*p, (*p)[2] == 0 ? "\x0f\x01\xcb" : "\x0f\x01\xca", 3);
}
