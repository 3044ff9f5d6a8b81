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

struct clock_scale { u64 base_cycles; u32 mult; u32 shift; u64 hz; }; /* [I] ns = (cycles - base) * mult >> shift */
extern struct clock_scale clock_scale;

/* Nanoseconds since boot, monotonic over all processors. */
u64 clock_mono_ns(void);
/* Seconds since 1970 that the battery clock showed at boot. */
u64 clock_rtc_seconds(void);
/* This processor's timer interrupt at `mono_ns` (the past: at once); UINT64_MAX: none. */
void clock_set_alarm(u64 mono_ns);
