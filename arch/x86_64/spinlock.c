/*
 * The raw spinlock under contention: an MCS queue (Mellor-Crummey and Scott, 1991) whose tail lives in the
 * upper half of the lock word.
 *
 *	word = 0 free | 1 held | tail << 16: processor + 1 and nesting depth of the last waiter
 *
 * Each waiter spins on its own node; the head of the queue spins on the locked byte. raw_spin_trylock() needs
 * the whole word to be 0, so nobody overtakes the queue. A processor waits at most once in thread context,
 * and once more in an interrupt or panic that logs: two nodes.
 *
 * Under a hypervisor there is no queue: a queue hands the lock to a processor that the host may have
 * descheduled, and everyone behind it waits for the host (three quarters of the time of stress-ng --sem-sysv
 * under TCG). There, who runs takes the lock.
 */
#include "arch/spinlock.h"
#include "arch/x86_64/internal.h"

enum { NODES = 4 };
struct waiter {
	struct waiter *next; /* [a] set by the successor */
	u32 is_head;         /* [a] set by the predecessor */
} ALIGNED(CACHE_LINE);
struct waiter_stack {
	struct waiter nodes[NODES];
	u32 depth;
};
PERCPU(struct waiter_stack, spin_waiters);

static struct waiter *waiter_of_tail(u16 tail)
{
	return &cpu_ptr(spin_waiters, tail / NODES - 1)->nodes[tail % NODES];
}

static void wait_until_head(struct waiter *w, u16 before)
{
	store_release(&waiter_of_tail(before)->next, w);
	while (!load_acquire(&w->is_head))
		cpu_relax();
}

/* Takes the lock as head of the queue and makes the next one head. */
static void take_and_pass_on(struct raw_spinlock *l, struct waiter *w, u32 tail)
{
	u32 last = tail << 16;
	while (load_acquire((u8 *)&l->word))
		cpu_relax();
	if (__atomic_compare_exchange_n(&l->word, &last, 1, false, __ATOMIC_ACQUIRE,
	                                __ATOMIC_RELAXED))
		return; /* nobody behind us: the queue is empty again */
	store_relaxed((u8 *)&l->word, 1);
	struct waiter *next;
	while (!(next = load_acquire(&w->next)))
		cpu_relax();
	store_release(&next->is_head, 1);
}

void raw_spin_lock_queued(struct raw_spinlock *l)
{
	struct waiter_stack *stack = this_cpu_ptr(spin_waiters);
	u32 depth = stack->depth++;
	u32 tail = (cpu_id() + 1) * NODES + depth;
	struct waiter *w = &stack->nodes[depth];
	*w = (struct waiter){0};
	u16 before = __atomic_exchange_n((u16 *)&l->word + 1, (u16)tail, __ATOMIC_ACQ_REL);
	if (before)
		wait_until_head(w, before);
	take_and_pass_on(l, w, tail);
	stack->depth--;
}

static void lock_unfair(struct raw_spinlock *l)
{
	do {
		while (load_relaxed(&l->word))
			cpu_relax();
	} while (!raw_spin_trylock(l));
}

void raw_spin_lock_slow(struct raw_spinlock *l)
{
	if (cpu_features.hypervisor)
		lock_unfair(l);
	else
		raw_spin_lock_queued(l);
}
