/*
 * A user-space address: a newtype, so that it cannot be dereferenced by accident. Read and written
 * only through the copy functions of the world (arch/uaccess.h in the kernel, port.h in the IPC module).
 */
#pragma once
#include "kernel/lib/compiler.h"

typedef struct {
	u64 addr;
} uptr_t;

#define UPTR(a)   ((uptr_t){(u64)(a)})
#define UPTR_NULL ((uptr_t){0})
static inline bool uptr_null(uptr_t p)
{
	return p.addr == 0;
}
static inline uptr_t uptr_add(uptr_t p, u64 n)
{
	return (uptr_t){p.addr + n};
}
