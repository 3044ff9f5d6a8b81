/*
 * Runs in user space. The time arithmetic is that of arch/clock.h; what cannot be answered here asks the kernel.
 */
#include "abi/syscalls.h"
#include "abi/time.h"
#include "kernel/sched/vdso.h"

#define NS_PER_SEC 1000000000ull
enum { CLOCK_SHIFT = 32 }; /* arch/clock.h */

/* The page before the image; placed by vdso.lds. */
extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct abi_timespec *ts);
int __vdso_clock_getres(int clock, struct abi_timespec *res);
int __vdso_gettimeofday(struct abi_timeval *tv, struct abi_timezone *tz);
s64 __vdso_time(s64 *t);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static long syscall_3(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c)
	                 : "rcx", "r11", "memory");
	return result;
}

/* Monotonic time plus, when asked, the wall clock's offset: both of one moment. */
static u64 read_ns(bool wall)
{
	const struct vdso_data *d = &vdso_data;
	u32 sequence, lo, hi;
	u64 ns;

	do {
		/* Pairs with the release stores of clock_write_begin and _end in kernel/sched/vdso.c. */
		sequence = load_acquire(&d->sequence);
		__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
		ns = (u64)((unsigned __int128)(((u64)hi << 32 | lo) - d->base_cycles) * d->mult >>
		           CLOCK_SHIFT);
		if (wall)
			ns += load_relaxed(&d->wall_offset_ns);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (unlikely(sequence & 1 || load_relaxed(&d->sequence) != sequence));
	return ns;
}

int __vdso_clock_gettime(int clock, struct abi_timespec *ts)
{
	u64 ns;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI: ns = read_ns(true); break;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME: ns = read_ns(false); break;
	default: return (int)syscall_3(NR_clock_gettime, clock, (long)ts, 0);
	}
	ts->sec = (s64)(ns / NS_PER_SEC);
	ts->nsec = (s64)(ns % NS_PER_SEC);
	return 0;
}

int __vdso_clock_getres(int clock, struct abi_timespec *res)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		if (res)
			*res = (struct abi_timespec){0, 1};
		return 0;
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		if (res)
			*res = (struct abi_timespec){0, COARSE_RESOLUTION_NS};
		return 0;
	}
	return (int)syscall_3(NR_clock_getres, clock, (long)res, 0);
}

int __vdso_gettimeofday(struct abi_timeval *tv, struct abi_timezone *tz)
{
	u64 ns;

	if (tv) {
		ns = read_ns(true);
		tv->sec = (s64)(ns / NS_PER_SEC);
		tv->usec = (s64)(ns % NS_PER_SEC / 1000);
	}
	if (tz)
		*tz = (struct abi_timezone){vdso_data.minutes_west, vdso_data.dst_time};
	return 0;
}

s64 __vdso_time(s64 *t)
{
	s64 now = (s64)(read_ns(true) / NS_PER_SEC);

	if (t)
		*t = now;
	return now;
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	u32 limit;

	if (!vdso_data.has_cpu_segment)
		return syscall_3(NR_getcpu, (long)cpu, (long)node, 0);
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"((u32)VDSO_CPU_SEGMENT));
	if (cpu)
		*cpu = limit & 0xfff;
	if (node)
		*node = 0;
	return 0;
}

/* The names without a prefix, as glibc of old looked for them. */
#define ALIAS(name)                                                                                \
	extern __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
ALIAS(clock_gettime);
ALIAS(clock_getres);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(getcpu);
