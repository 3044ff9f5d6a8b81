/*
 * Random numbers (random(7)): one pool, hashed with BLAKE2s, that seeds a ChaCha20 generator on each
 * processor. A generator erases its key with its own output before it gives any away (fast key
 * erasure), so that what was handed out cannot be recomputed from what is in memory later.
 *
 * Seed: RDSEED or RDRAND where the processor has them, the jitter of the TSC, the battery clock, and
 * whatever user space writes to /dev/random. The pool counts as ready from boot on: a machine without
 * any of these would be as predictable after waiting, and programs that block at boot help nobody.
 *
 * Locking: the pool has a LEAF lock. Generators belong to their processor and need none, since the
 * kernel is not preemptible and interrupt handlers draw no numbers. Nothing here can fail or sleep.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct uio;

void random_init(void); /* boot, before anything draws */
void random_bytes(void *buf, size_t n);
u64 random_u64(void);
static inline u32 random_u32(void)
{
	return (u32)random_u64();
}
/* => uniform in [0, bound), bound > 0. */
u64 random_below(u64 bound);
/* Mixes bytes into the pool; every generator reseeds before its next output. */
void random_mix(const void *buf, size_t n);
/* read(2) of the random devices and getrandom(2): all of io; a pending signal cuts it short after each
 * full page only, so that small requests are never interrupted (getrandom(2)). => bytes, or -EFAULT. */
ssize random_to_uio(struct uio *io);
