/*
 * Time from the TSC, calibrated at boot; one-shot interrupt from the local APIC.
 */
#pragma once
#include "kernel/lib/compiler.h"

static ALWAYS_INLINE u64 clock_cycles(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

enum { CLOCK_SHIFT = 32 };
struct clock_scale { /* [I] ns = (cycles - base) * mult >> CLOCK_SHIFT, the product 128 bits wide */
	u64 base_cycles;
	u64 mult;
	u64 hz;
};
extern struct clock_scale clock_scale;

/* a * b >> shift, the product 128 bits wide. asm: a 128-bit variable would make compilers align the stack. */
static ALWAYS_INLINE u64 mul_shift_u64(u64 a, u64 b, const unsigned shift)
{
	u64 low, high;
	__asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b));
	return low >> shift | high << (64 - shift);
}
static ALWAYS_INLINE u64 clock_cycles_to_ns(u64 cycles)
{
	return mul_shift_u64(cycles, clock_scale.mult, CLOCK_SHIFT);
}
/* => a * b / c by way of 128 bits; the quotient must fit into 64. */
static ALWAYS_INLINE u64 mul_div_u64(u64 a, u64 b, u64 c)
{
	u64 low, high, rest;
	__asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b));
	__asm__("divq %4" : "=a"(low), "=d"(rest) : "0"(low), "1"(high), "rm"(c));
	return low;
}
/* Nanoseconds since boot, monotonic over all processors. */
static ALWAYS_INLINE u64 clock_mono_ns(void)
{
	return clock_cycles_to_ns(clock_cycles() - clock_scale.base_cycles);
}
/* Seconds since 1970 that the battery clock showed at monotonic time 0. */
u64 clock_rtc_seconds(void);
/* This processor's timer interrupt at `mono_ns` (the past: at once); UINT64_MAX: none. */
void clock_set_alarm(u64 mono_ns);
