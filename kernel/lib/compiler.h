/*
 * What the compilers offer, under short names. gcc 12 and clang 14 both build every file.
 */
#pragma once
#include "abi/types.h"

#define likely(x)         __builtin_expect(!!(x), 1)
#define unlikely(x)       __builtin_expect(!!(x), 0)
#define MUST_CHECK        __attribute__((warn_unused_result))
#define NORETURN          __attribute__((noreturn))
#define ALWAYS_INLINE     inline __attribute__((always_inline))
#define NOINLINE          __attribute__((noinline))
#define COLD              __attribute__((cold, noinline))
#define ALIGNED(n)        __attribute__((aligned(n)))
#define SECTION(name)     __attribute__((section(name)))
#define USED              __attribute__((used))
#define UNUSED            __attribute__((unused))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define CACHE_LINE        64

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define MIN(a, b)                                                                                  \
	({                                                                                         \
		__auto_type a_ = (a);                                                              \
		__typeof__(a_) b_ = (b);                                                           \
		a_ < b_ ? a_ : b_;                                                                 \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		__auto_type a_ = (a);                                                              \
		__typeof__(a_) b_ = (b);                                                           \
		a_ > b_ ? a_ : b_;                                                                 \
	})
#define CLAMP(x, lo, hi)     MIN(MAX(x, lo), hi)
#define ROUND_UP(x, align)   (((x) + ((__typeof__(x))(align)-1)) & ~((__typeof__(x))(align)-1))
#define ROUND_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define BIT(n)               (1ull << (n))

/* On the line before a loop of a few instructions that runs often: n rounds for each test of its end. */
#define PRAGMA_(text) _Pragma(#text)
#ifdef __clang__
#define UNROLL(n) PRAGMA_(clang loop unroll_count(n))
#else
#define UNROLL(n) PRAGMA_(GCC unroll n)
#endif

#define CONCAT_(a, b) a##b
#define CONCAT(a, b)  CONCAT_(a, b)

/* Atomics: plain objects, explicit order at each use. */
#define load_relaxed(p)     __atomic_load_n(p, __ATOMIC_RELAXED)
#define load_acquire(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define compiler_barrier()  __asm__ volatile("" ::: "memory")

#ifdef HALYARD_DEBUG
#define DEBUG_BUILD 1
#else
#define DEBUG_BUILD 0
#endif
