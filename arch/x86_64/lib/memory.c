#include "kernel/lib/string.h"

/*
 * The string instructions beat loops in size and, from some tens of bytes on, in time. Written as asm so that the compiler
 * cannot turn a loop back into a call of the function that it stands in.
 */
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	void *d = dst;
	size_t words = n / 8;

	n &= 7;
	__asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

/* dst lies above src and they overlap: from the end down. */
static void copy_backward(u8 *dst, const u8 *src, size_t n)
{
	u8 *d = dst + n - 1;
	const u8 *s = src + n - 1;

	__asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

void *memmove(void *dst, const void *src, size_t n)
{
	/* Wraps to a huge number when dst lies below src. */
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	copy_backward(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;
	size_t words = n / 8;
	u64 value = (u8)c * 0x0101010101010101ull;

	n &= 7;
	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(value) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(value) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n >= 8 && *(const u64 *)x == *(const u64 *)y; n -= 8)
		x += 8, y += 8;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
