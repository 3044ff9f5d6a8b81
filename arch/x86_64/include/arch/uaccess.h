/*
 * Access to user memory. Every instruction that may fault on a user address stands in the fault
 * table; the fault handler resumes at its fixup. Addresses at or above USER_END fail without access.
 *
 * The plain functions may sleep (demand paging): never while a P lock is held, checked in debug
 * builds. The _nofault ones never sleep and fail with -EFAULT where the page is not present with the
 * needed right: their entries in the table say so, and the fault handler does not try to resolve.
 *
 * SMAP: the kernel may touch user pages only between USER_OPEN and USER_CLOSE, which are nops until
 * boot patches stac and clac in where the processor has them. A fault that resumes at a fixup closes.
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"
#include "kernel/sync/lockdep.h"

#define USER_END 0x00007ffffffff000ull /* TASK_SIZE of Linux x86-64 */

static inline bool user_range_ok(uptr_t p, size_t n)
{
	return n <= USER_END && p.addr <= USER_END - n;
}

#define USER_PATCH_(nop)                                                                           \
	"771:\t.byte " nop "\n\t"                                                                  \
	".pushsection .smap_patch, \"a\"\n\t.quad 771b\n\t.popsection\n\t"
#define USER_OPEN  USER_PATCH_("0x0f, 0x1f, 0x00")
#define USER_CLOSE USER_PATCH_("0x0f, 0x1f, 0x01")
/* nofault: "0" or "1" */
#define USER_FAULT(insn, fixup, nofault)                                                           \
	".pushsection .fault_table, \"a\"\n\t.quad " insn ", " fixup ", " nofault                  \
	"\n\t.popsection\n\t"

/* One access of type T between OPEN and CLOSE, which the caller places; jumps to `fault`. */
#define USER_LOAD_(T, dst, addr, fault, nofault)                                                   \
	do {                                                                                       \
		T value_;                                                                          \
		__asm__ volatile goto("1:\tmov %1, %0\n\t" USER_FAULT("1b", "%l2", nofault)        \
		                      : "=r"(value_)                                               \
		                      : "m"(*(const volatile T *)(addr))                           \
		                      :                                                            \
		                      : fault);                                                    \
		*(T *)(dst) = value_;                                                              \
	} while (0)
#define USER_STORE_(T, addr, src, fault, nofault)                                                  \
	__asm__ volatile goto("1:\tmov %0, %1\n\t" USER_FAULT("1b", "%l2", nofault)                \
	                      :                                                                    \
	                      : "r"(*(const T *)(src)), "m"(*(volatile T *)(addr))                 \
	                      : "memory"                                                           \
	                      : fault)

static ALWAYS_INLINE void user_open(void)
{
	__asm__ volatile(USER_OPEN::: "memory");
}
static ALWAYS_INLINE void user_close(void)
{
	__asm__ volatile(USER_CLOSE::: "memory");
}

/* n is a small constant: straight-line code. OP(T, offset) moves one T; eight words, then what n's low bits say. */
#define USER_WORD_(OP, n, i)                                                                       \
	if ((n) >= 8 * (i) + 8)                                                                    \
	OP(u64, 8 * (i))
#define USER_MOVE_(OP, n)                                                                          \
	USER_WORD_(OP, n, 0);                                                                      \
	USER_WORD_(OP, n, 1);                                                                      \
	USER_WORD_(OP, n, 2);                                                                      \
	USER_WORD_(OP, n, 3);                                                                      \
	USER_WORD_(OP, n, 4);                                                                      \
	USER_WORD_(OP, n, 5);                                                                      \
	USER_WORD_(OP, n, 6);                                                                      \
	USER_WORD_(OP, n, 7);                                                                      \
	if ((n)&4)                                                                                 \
		OP(u32, (n) & ~7ul);                                                               \
	if ((n)&2)                                                                                 \
		OP(u16, (n) & ~3ul);                                                               \
	if ((n)&1)                                                                                 \
	OP(u8, (n) & ~1ul)

static ALWAYS_INLINE int user_load_inline(char *dst, u64 addr, size_t n)
{
	user_open();
#define OP(T, o) USER_LOAD_(T, dst + (o), addr + (o), fault, "0")
	USER_MOVE_(OP, n);
#undef OP
	user_close();
	return 0;
fault:
	return -EFAULT;
}
static ALWAYS_INLINE int user_store_inline(u64 addr, const char *src, size_t n)
{
	user_open();
#define OP(T, o) USER_STORE_(T, addr + (o), src + (o), fault, "0")
	USER_MOVE_(OP, n);
#undef OP
	user_close();
	return 0;
fault:
	return -EFAULT;
}

/* The general cases; the partial ones => bytes NOT copied, as read(2) and write(2) need for their results. */
MUST_CHECK size_t copy_from_user_partial(void *dst, uptr_t src, size_t n);
MUST_CHECK size_t copy_to_user_partial(uptr_t dst, const void *src, size_t n);
MUST_CHECK int clear_user(uptr_t dst, size_t n);

enum { USER_INLINE_MAX = 64 };

/* => 0 or -EFAULT; on failure dst may be partly written. */
MUST_CHECK static ALWAYS_INLINE int copy_from_user(void *dst, uptr_t src, size_t n)
{
	if (!__builtin_constant_p(n) || n > USER_INLINE_MAX)
		return copy_from_user_partial(dst, src, n) ? -EFAULT : 0;
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	if (unlikely(src.addr > USER_END - n))
		return -EFAULT;
	return user_load_inline(dst, src.addr, n);
}
MUST_CHECK static ALWAYS_INLINE int copy_to_user(uptr_t dst, const void *src, size_t n)
{
	if (!__builtin_constant_p(n) || n > USER_INLINE_MAX)
		return copy_to_user_partial(dst, src, n) ? -EFAULT : 0;
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	if (unlikely(dst.addr > USER_END - n))
		return -EFAULT;
	return user_store_inline(dst.addr, src, n);
}

/* => length without the NUL, -EFAULT, or -ENAMETOOLONG when no NUL within size bytes. */
MUST_CHECK ssize strncpy_from_user(char *dst, uptr_t src, size_t size);

MUST_CHECK static inline int user_load_u32_nofault(uptr_t p, u32 *out)
{
	if (unlikely(p.addr > USER_END - sizeof(u32)))
		return -EFAULT;
	user_open();
	USER_LOAD_(u32, out, p.addr, fault, "1");
	user_close();
	return 0;
fault:
	return -EFAULT;
}
/* => 0 and the old value in *out_old (exchanged when it equals expected), or -EFAULT. */
MUST_CHECK int user_cmpxchg_u32_nofault(uptr_t p, u32 expected, u32 desired, u32 *out_old);
