/* Time: the TSC and the local APIC timer, both calibrated against the PIT; the battery clock. */
#include "arch/clock.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/bug.h"

enum { PIT_HZ = 1193182, PIT_CHANNEL_2 = 0x42, PIT_COMMAND = 0x43, PIT_GATE = 0x61 };
enum { CALIBRATION_PIT_TICKS = PIT_HZ / 100 /* 10 ms */, CALIBRATION_TRIES = 8 };

struct clock_scale clock_scale;
static u64 rtc_seconds;

/* One moment on all three clocks, and how long the look took. */
struct sample {
	u64 cycles, width;
	u32 pit, lapic;
};

static void pit_start(void)
{
	outb(PIT_GATE, (inb(PIT_GATE) & ~2) | 1); /* gate on, speaker off */
	outb(PIT_COMMAND, 0xb0); /* channel 2, both bytes, mode 0: counts down once */
	outb(PIT_CHANNEL_2, 0xff);
	outb(PIT_CHANNEL_2, 0xff);
}
static u32 pit_elapsed(void)
{
	outb(PIT_COMMAND, 0x80); /* latch */
	u32 low = inb(PIT_CHANNEL_2);
	return 0xffff - (low | (u32)inb(PIT_CHANNEL_2) << 8);
}

/* The narrowest of several looks: a virtual machine may lose the processor between two reads. */
static struct sample sample_clocks(void)
{
	struct sample best = {.width = UINT64_MAX};
	for (int i = 0; i < 5; i++) {
		struct sample s;
		u64 before = clock_cycles();
		s.pit = pit_elapsed();
		s.lapic = lapic_timer_count();
		s.width = clock_cycles() - before;
		s.cycles = before + s.width / 2;
		if (s.width < best.width)
			best = s;
	}
	return best;
}

/* What went by on the TSC and the local APIC timer in `ns` by the PIT. */
struct interval {
	u64 ns, cycles, lapic, hz;
};

static struct interval measure(void)
{
	pit_start();
	lapic_timer_start_counting();
	struct sample a = sample_clocks();
	while (pit_elapsed() < a.pit + CALIBRATION_PIT_TICKS)
		cpu_relax();
	struct sample b = sample_clocks();
	struct interval i = {.ns = (u64)(b.pit - a.pit) * 1000000000 / PIT_HZ,
	                     .cycles = b.cycles - a.cycles,
	                     .lapic = b.lapic - a.lapic};
	if (!i.ns || !i.cycles)
		panic("clock: the PIT or the TSC does not count");
	i.hz = mul_div_u64(i.cycles, 1000000000, i.ns);
	return i;
}

/* The PIT's counter wraps after 55 ms. A host that takes the processor away for that long makes the TSC look too
 * fast, never too slow: measured until two agree within a thousandth, and else the slowest of all is taken. */
static void calibrate(void)
{
	struct interval best = measure();
	for (int i = 0; i < CALIBRATION_TRIES; i++) {
		struct interval next = measure();
		u64 low = MIN(best.hz, next.hz), high = MAX(best.hz, next.hz);
		if (next.hz < best.hz)
			best = next;
		if (high - low < low / 1000)
			break;
	}
	clock_scale.mult = mul_div_u64(best.ns, 1ull << CLOCK_SHIFT, best.cycles);
	clock_scale.hz = best.hz;
	lapic_calibrate(best.lapic, best.ns);
}

static u8 cmos(u8 reg)
{
	outb(0x70, reg | 0x80);
	return inb(0x71);
}
struct cmos_time {
	u8 second, minute, hour, day, month, year, century;
};
static struct cmos_time cmos_read(void)
{
	while (cmos(10) & 0x80)
		cpu_relax();
	return (struct cmos_time){cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9), cmos(0x32)};
}
static u8 from_bcd(u8 v)
{
	return (u8)((v & 15) + (v >> 4) * 10);
}

/* Days since 1970-01-01 of a Gregorian date, with years that begin in March so that leap days come last. */
static u64 days_since_1970(u64 year, u64 month, u64 day)
{
	if (month < 3) {
		year--;
		month += 12;
	}
	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 + day -
	       719469;
}

enum { CMOS_HOUR_PM = 0x80, CMOS_MODE_24_HOURS = 2, CMOS_MODE_BINARY = 4 };

static u64 rtc_read(void)
{
	struct cmos_time t = cmos_read();
	u8 mode = cmos(11), *field = &t.second;
	bool pm = t.hour & CMOS_HOUR_PM;
	t.hour &= ~CMOS_HOUR_PM;
	for (size_t i = 0; !(mode & CMOS_MODE_BINARY) && i < sizeof(t); i++)
		field[i] = from_bcd(field[i]);
	if (!(mode & CMOS_MODE_24_HOURS))
		t.hour = t.hour % 12 + (pm ? 12 : 0);
	/* Machines without a century register answer nonsense there. */
	u64 century = t.century == 19 || t.century == 21 ? t.century : 20;
	return days_since_1970(century * 100 + t.year, t.month, t.day) * 86400 + t.hour * 3600u +
	       t.minute * 60u + t.second;
}

void clock_init(void)
{
	calibrate();
	clock_scale.base_cycles = clock_cycles();
	rtc_seconds = rtc_read();
}

u64 clock_rtc_seconds(void)
{
	return rtc_seconds;
}

void delay_us(u64 us)
{
	u64 end = clock_cycles() + us * clock_scale.hz / 1000000;
	while (clock_cycles() < end)
		cpu_relax();
}
