#include "kernel/sync/lockdep.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/log.h"
#include "kernel/sched/thread.h"
#include "kernel/lib/symbols.h"

#if DEBUG_BUILD
enum lock_kind { S, P };
static const struct lock_rule {
	const char *name;
	u16 rank;
	u8 kind;
} rules[] = {
#define LOCK_CLASS(name_, rank_, kind_, what) {#name_, rank_, kind_},
	LOCK_CLASSES(LOCK_CLASS)
#undef LOCK_CLASS
};

/* NULL before the first thread exists: boot takes locks, alone. */
static struct lockdep_state *state_current(void)
{
	struct thread *t = thread_current();

	return t ? &t->lockdep : NULL;
}

/* Locks are released in any order, so the highest rank need not be the last. */
static const struct held_lock *highest(const struct lockdep_state *s)
{
	const struct held_lock *top = NULL;

	for (u32 i = 0; i < s->depth; i++)
		if (!top || rules[s->held[i].class].rank >= rules[top->class].rank)
			top = &s->held[i];
	return top;
}

static const char *site_name(const void *site, u64 *out_offset)
{
	const char *name = symbol_find((u64)site, out_offset);

	*out_offset = name ? (u64)site - *out_offset : (u64)site;
	return name ? name : "";
}

static NORETURN COLD void report_order(u32 class, const void *site, const struct held_lock *top)
{
	u64 offset, top_offset;
	const char *name = site_name(site, &offset), *top_name = site_name(top->site, &top_offset);

	panic("lock order: ranks must rise (kernel/lib/lock_class.h): %s (rank %u) taken at %s+0x%llx (%p) while holding %s (rank %u) taken at %s+0x%llx (%p)",
	      rules[class].name, rules[class].rank, name, (unsigned long long)offset, site,
	      rules[top->class].name, rules[top->class].rank, top_name,
	      (unsigned long long)top_offset, top->site);
}

static void acquire(const void *lock, u32 class, const void *site, bool nested)
{
	struct lockdep_state *s = state_current();
	const struct held_lock *top;

	if (!s)
		return;
	top = highest(s);
	if (top && (rules[class].rank < rules[top->class].rank ||
	            (rules[class].rank == rules[top->class].rank && !nested)))
		report_order(class, site, top);
	if (s->depth == LOCKDEP_DEPTH)
		panic("lock order: more than %d locks held at %p", LOCKDEP_DEPTH, site);
	s->held[s->depth++] = (struct held_lock){lock, site, class};
}

void lockdep_acquire(const void *lock, u32 class)
{
	acquire(lock, class, __builtin_return_address(0), false);
}

void lockdep_acquire_nested(const void *lock, u32 class)
{
	acquire(lock, class, __builtin_return_address(0), true);
}

void lockdep_acquire_at(const void *lock, u32 class, const void *site)
{
	acquire(lock, class, site, false);
}

void lockdep_release(const void *lock)
{
	struct lockdep_state *s = state_current();

	if (!s)
		return;
	for (u32 i = s->depth; i-- > 0;) {
		if (s->held[i].lock != lock)
			continue;
		for (s->depth--; i < s->depth; i++)
			s->held[i] = s->held[i + 1];
		return;
	}
	panic("lock order: a lock released that this thread does not hold");
}

bool lockdep_holds(const void *lock)
{
	const struct lockdep_state *s = state_current();

	for (u32 i = 0; s && i < s->depth; i++)
		if (s->held[i].lock == lock)
			return true;
	return !s;
}

void lockdep_assert_may_sleep(const char *site)
{
	const struct lockdep_state *s = state_current();

	for (u32 i = 0; s && i < s->depth; i++) {
		const struct held_lock *h = &s->held[i];
		u64 offset;
		const char *name = site_name(h->site, &offset);

		if (rules[h->class].kind == P)
			panic("may sleep at %s while holding %s taken at %s+0x%llx (%p)", site,
			      rules[h->class].name, name, (unsigned long long)offset, h->site);
	}
}

void lockdep_print_held(void)
{
	const struct lockdep_state *s = state_current();

	for (u32 i = 0; s && i < s->depth; i++) {
		u64 offset;
		const char *name = site_name(s->held[i].site, &offset);

		log_warn("  holds %s %p taken at %s+0x%llx", rules[s->held[i].class].name,
		         s->held[i].lock, name, (unsigned long long)offset);
	}
}
#endif
