/* The kernel log and the console that it shares with the tty. */
#include "kernel/lib/log.h"
#include "arch/boot.h"
#include "arch/clock.h"
#include "arch/console.h"
#include "arch/cpu.h"
#include "arch/spinlock.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

enum { LINE_SIZE = 512, CONSOLE_PIECE = 64 };

/*
 * A raw lock with interrupts off, not a struct spinlock: it is taken in interrupt context too, and by the lock
 * checker itself when it reports. In a panic nobody waits for it.
 */
static struct raw_spinlock lock;
static bool quiet, unlocked; /* [a] */
static char ring[LOG_SIZE];  /* [l] byte i of all that was logged is at i % LOG_SIZE */
static u64 ring_end;         /* [l] */

static u64 log_lock(void)
{
	u64 flags = irq_save();
	if (!load_relaxed(&unlocked))
		raw_spin_lock(&lock);
	return flags;
}
static void log_unlock(u64 flags)
{
	if (!load_relaxed(&unlocked))
		raw_spin_unlock(&lock);
	irq_restore(flags);
}

void log_set_quiet(void)
{
	store_relaxed(&quiet, true);
}
void log_enter_panic(void)
{
	store_relaxed(&unlocked, true);
}

static void ring_put(const char *s, size_t n)
{
	for (; n; n--)
		ring[ring_end++ % LOG_SIZE] = *s++;
}

/* Terminals want a carriage return before each line feed. */
static void console_put_lines(const char *s, size_t n)
{
	const char *feed;
	while ((feed = memchr(s, '\n', n))) {
		serial_write(s, feed - s);
		serial_write("\r\n", 2);
		n -= feed + 1 - s;
		s = feed + 1;
	}
	serial_write(s, n);
}

static PRINTF_LIKE(2, 0) void log_line(bool show, const char *fmt, va_list ap)
{
	char line[LINE_SIZE];
	u64 us = clock_scale.mult ? clock_mono_ns() / 1000 : 0;
	int n = scnprintf(line, sizeof(line), "[%5llu.%06llu] ", (unsigned long long)us / 1000000,
	                  (unsigned long long)us % 1000000);
	int whole = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	n += MIN(whole, (int)sizeof(line) - n - 2);
	line[n++] = '\n';
	u64 flags = log_lock();
	ring_put(line, n);
	if (show)
		console_put_lines(line, n);
	log_unlock(flags);
}

void log_info(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(!load_relaxed(&quiet), fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(true, fmt, ap);
	va_end(ap);
}

/* Tests print TAP, which wants its lines bare. */
void log_bare(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	u64 flags = log_lock();
	console_put_lines(line, MIN(n, (int)sizeof(line) - 1));
	log_unlock(flags);
}

/* In pieces, so that interrupts do not wait for all of a long write. */
void console_write(const char *s, size_t n)
{
	while (n) {
		size_t piece = MIN(n, (size_t)CONSOLE_PIECE);
		u64 flags = log_lock();
		serial_write(s, piece);
		log_unlock(flags);
		s += piece;
		n -= piece;
	}
}

size_t log_read(u64 *pos, char *buf, size_t n)
{
	size_t got = 0;
	u64 flags = log_lock();
	if (ring_end > LOG_SIZE && *pos < ring_end - LOG_SIZE)
		*pos = ring_end - LOG_SIZE;
	while (got < n && *pos < ring_end)
		buf[got++] = ring[(*pos)++ % LOG_SIZE];
	log_unlock(flags);
	return got;
}

u64 log_end(void)
{
	u64 flags = log_lock();
	u64 end = ring_end;
	log_unlock(flags);
	return end;
}
