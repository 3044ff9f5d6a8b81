/* Copies between kernel and user memory whose size is not a small constant. */
#include "arch/uaccess.h"

/*
 * Words, then the odd bytes. A fault among the words retries byte by byte from where they stopped, so
 * that what could be copied was copied and the count is exact. => bytes left.
 */
#define COPY_CORE(nofault)                                                                         \
	USER_OPEN                                                                                  \
	"1:\trep movsq\n\t"                                                                        \
	"mov %k[tail], %%ecx\n"                                                                    \
	"2:\trep movsb\n"                                                                          \
	"3:\t" USER_CLOSE ".pushsection .text.fixup, \"ax\"\n"                                     \
	"4:\tlea (%q[tail], %%rcx, 8), %%rcx\n\t" USER_OPEN                                        \
	"jmp 2b\n\t.popsection\n\t" USER_FAULT("1b", "4b", nofault)                                \
		USER_FAULT("2b", "3b", nofault)

static size_t copy_core(void *dst, const void *src, size_t n)
{
	size_t left = n >> 3, tail = n & 7;
	__asm__ volatile(COPY_CORE("0")
	                 : "+c"(left), "+D"(dst), "+S"(src)
	                 : [tail] "r"(tail)
	                 : "memory");
	return left;
}

size_t copy_from_user_partial(void *dst, uptr_t src, size_t n)
{
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	return likely(user_range_ok(src, n)) ? copy_core(dst, (void *)src.addr, n) : n;
}

size_t copy_to_user_partial(uptr_t dst, const void *src, size_t n)
{
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	return likely(user_range_ok(dst, n)) ? copy_core((void *)dst.addr, src, n) : n;
}

int clear_user(uptr_t dst, size_t n)
{
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	if (!user_range_ok(dst, n))
		return -EFAULT;
	size_t left = n >> 3, tail = n & 7;
	void *to = (void *)dst.addr;
	__asm__ volatile(USER_OPEN "1:\trep stosq\n\t"
	                           "mov %k[tail], %%ecx\n"
	                           "2:\trep stosb\n"
	                           "3:\t" USER_CLOSE ".pushsection .text.fixup, \"ax\"\n"
	                           "4:\tlea (%q[tail], %%rcx, 8), %%rcx\n\t" USER_OPEN
	                           "jmp 2b\n\t.popsection\n\t" USER_FAULT("1b", "4b", "0")
	                                   USER_FAULT("2b", "3b", "0")
	                 : "+c"(left), "+D"(to)
	                 : [tail] "r"(tail), "a"(0)
	                 : "memory");
	return left ? -EFAULT : 0;
}

static ALWAYS_INLINE bool has_zero_byte(u64 w)
{
	return (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
}

/* Eight bytes at a time until a word has the NUL or cannot be read. => bytes copied, none of them NUL. */
static size_t strncpy_words(char *dst, u64 src, size_t max)
{
	size_t n = 0;
	user_open();
	for (; n + 8 <= max; n += 8) {
		u64 w;
		USER_LOAD_(u64, &w, src + n, fault, "0");
		if (has_zero_byte(w))
			break;
		*(u64 *)(dst + n) = w;
	}
	user_close();
fault:
	return n;
}

ssize strncpy_from_user(char *dst, uptr_t src, size_t size)
{
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	if (src.addr >= USER_END)
		return -EFAULT;
	size_t max = MIN(size, (size_t)(USER_END - src.addr));
	size_t n = strncpy_words(dst, src.addr, max);
	user_open();
	for (; n < max; n++) {
		USER_LOAD_(char, dst + n, src.addr + n, fault, "0");
		if (!dst[n]) {
			user_close();
			return (ssize)n;
		}
	}
	user_close();
	return max == size ? -ENAMETOOLONG : -EFAULT;
fault:
	return -EFAULT;
}

int user_cmpxchg_u32_nofault(uptr_t p, u32 expected, u32 desired, u32 *out_old)
{
	if (p.addr > USER_END - sizeof(u32))
		return -EFAULT;
	u32 old = expected;
	__asm__ volatile goto(USER_OPEN "1:\tlock cmpxchg %2, %1\n\t" USER_CLOSE USER_FAULT(
				      "1b", "%l[fault]", "1")
	                      : "+a"(old), "+m"(*(volatile u32 *)p.addr)
	                      : "r"(desired)
	                      : "memory"
	                      : fault);
	*out_old = old;
	return 0;
fault:
	return -EFAULT;
}
