#include "kernel/dev/random.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/dev/chacha.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/uio.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"

static struct {
	struct spinlock lock;
	struct blake2s hash; /* [l] everything mixed in so far */
	u32 generation;      /* [a] changes with every mix; 0: never seeded */
} pool = {.lock = SPINLOCK_INIT(LEAF)};

enum { RESEED_NS_SHIFT = 36 }; /* about every 69 seconds */

struct generator {
	u32 key[CHACHA_KEY_WORDS];
	u64 epoch; /* clock_mono_ns() >> RESEED_NS_SHIFT of the last seed */
	u32 generation;
	u32 left;                                    /* unread bytes at the end of buf */
	u8 buf[CHACHA_BLOCK - CHACHA_KEY_WORDS * 4]; /* for small draws */
};
PERCPU(struct generator, generator);

static void pool_mix_locked(const void *buf, size_t n)
{
	blake2s_update(&pool.hash, buf, n);
	u32 next = pool.generation + 1;
	store_relaxed(&pool.generation, next ? next : 1);
}

void random_mix(const void *buf, size_t n)
{
	GUARD(spin)(&pool.lock);
	pool_mix_locked(buf, n);
}

/* What the machine can say now; cheap, so that it is mixed in at every seed. */
static void pool_stir_locked(void)
{
	u64 now[3] = {clock_cycles()};
	if (!arch_random_u64(&now[1]) || !arch_random_u64(&now[2]))
		now[2] = clock_cycles();
	blake2s_update(&pool.hash, now, sizeof now);
}

/* A copy of the pool's state is finished, never the pool itself, and a label keeps key and future state apart. */
static void generator_seed(struct generator *g, u64 epoch)
{
	GUARD(spin)(&pool.lock);
	pool_stir_locked();
	struct blake2s copy = pool.hash;
	u32 label[2] = {0x6b657921, cpu_id()};
	blake2s_update(&copy, label, sizeof label);
	blake2s_final(&copy, (u8 *)g->key);
	blake2s_update(&pool.hash, label, sizeof label);
	memset(&copy, 0, sizeof copy);
	compiler_barrier();
	g->generation = pool.generation;
	g->epoch = epoch;
	g->left = 0;
}

static struct generator *generator_ready(void)
{
	struct generator *g = this_cpu_ptr(generator);
	u64 epoch = clock_mono_ns() >> RESEED_NS_SHIFT;
	if (unlikely(g->generation != load_relaxed(&pool.generation) || g->epoch != epoch))
		generator_seed(g, epoch);
	return g;
}

/* One block: its head becomes the next key, its tail is output. */
static void generator_refill(struct generator *g)
{
	u8 block[CHACHA_BLOCK];
	chacha_block(g->key, 0, block);
	memcpy(g->key, block, sizeof g->key);
	memcpy(g->buf, block + sizeof g->key, sizeof g->buf);
	memset(block, 0, sizeof block);
	compiler_barrier();
	g->left = sizeof g->buf;
}

static void generator_take(struct generator *g, u8 *out, size_t n)
{
	u8 *from = g->buf + sizeof g->buf - g->left;
	memcpy(out, from, n);
	memset(from, 0, n);
	g->left -= n;
}

void random_bytes(void *buf, size_t n)
{
	struct generator *g = generator_ready();
	u8 *out = buf;
	if (n > sizeof g->buf) {
		/* Large draws stream under a key of their own, which dies with this frame. */
		u32 key[CHACHA_KEY_WORDS];
		generator_refill(g);
		generator_take(g, (u8 *)key, sizeof key);
		for (u64 counter = 0; n; counter++) {
			u8 block[CHACHA_BLOCK];
			size_t part = MIN(n, sizeof block);
			chacha_block(key, counter, block);
			memcpy(out, block, part);
			out += part;
			n -= part;
		}
		memset(key, 0, sizeof key);
		compiler_barrier();
		return;
	}
	if (g->left < n)
		generator_refill(g);
	generator_take(g, out, n);
}

u64 random_u64(void)
{
	u64 x;
	random_bytes(&x, sizeof x);
	return x;
}

u64 random_below(u64 bound)
{
	/* Lemire's method: the high half of x * bound is uniform once the few biased low halves are drawn again. */
	u64 reject = -bound % bound;
	for (;;) {
		unsigned __int128 product = (unsigned __int128)random_u64() * bound;
		if ((u64)product >= reject)
			return (u64)(product >> 64);
	}
}

ssize random_to_uio(struct uio *io)
{
	ssize done = 0;
	while (io->left) {
		u8 block[256];
		size_t part = MIN(io->left, sizeof block);
		random_bytes(block, part);
		size_t copied = uio_put(io, block, part);
		memset(block, 0, sizeof block);
		compiler_barrier();
		done += copied;
		if (copied < part)
			return done ? done : -EFAULT;
		if (done % PAGE_SIZE == 0) {
			if (signal_pending())
				break;
			cond_resched();
		}
	}
	return done;
}

/* The TSC's low bits between loops of varying memory traffic: the only source on a bare machine. */
static void pool_mix_jitter(void)
{
	u64 samples[64];
	volatile u8 scratch[256] = {0};
	u64 last = clock_cycles();
	for (unsigned i = 0; i < ARRAY_SIZE(samples); i++) {
		for (u64 spin = last & 31; spin < 64; spin++)
			scratch[(last + spin * 67) & 255] += (u8)spin;
		u64 now = clock_cycles();
		samples[i] = now ^ (now - last) << 32;
		last = now;
	}
	random_mix(samples, sizeof samples);
}

void random_init(void)
{
	blake2s_init(&pool.hash);
	u64 machine[18] = {clock_rtc_seconds(), clock_cycles()};
	for (unsigned i = 2; i < ARRAY_SIZE(machine); i++)
		if (!arch_random_u64(&machine[i]))
			machine[i] = clock_cycles();
	random_mix(machine, sizeof machine);
	pool_mix_jitter();
}
