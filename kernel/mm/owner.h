/*
 * What memory management asks of the rooms above it about the current process: its limits, its rights,
 * and references to open files, which it holds but does not know. Defined in kernel/proc/mm_owner.c.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct file;
enum vm_limit { VM_LIMIT_AS, VM_LIMIT_DATA, VM_LIMIT_STACK, VM_LIMIT_MEMLOCK };
u64 vm_owner_limit(enum vm_limit which); /* bytes, UINT64_MAX: none */
bool vm_owner_may_lock(void);            /* CAP_IPC_LOCK */
bool vm_owner_may_map_low(void);         /* CAP_SYS_RAWIO: below vm.mmap_min_addr */
void vm_owner_file_get(struct file *f);
void vm_owner_file_put(struct file *f);
/* No memory for a fault of the current thread: kills the process that has most, and waits a little.
 * => true: try again; false: that is the current process, or nobody is left. Sleeps; no lock held. */
bool vm_owner_out_of_memory(void);
