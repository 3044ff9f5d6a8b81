#include "kernel/ipc/mq/levels.h"
#include "kernel/ipc/mq/queue.h"
#include "kernel/lib/hash.h"

static u32 highest_bit(u64 word)
{
	return 63 - (u32)__builtin_clzll(word);
}
static u64 bits_below(u64 word, u32 n)
{
	return word & (BIT(n) - 1);
}

struct levels *levels_new(u64 messages)
{
	enum { FEWEST_BITS = 4, MOST_BITS = 15 };
	u32 bits = FEWEST_BITS;
	while (bits < MOST_BITS && BIT(bits) < messages)
		bits++;
	struct levels *l = port_alloc(sizeof *l + BIT(bits) * sizeof l->bucket[0]);
	if (l)
		l->bits = bits;
	return l;
}

static struct mq_message *const *bucket_of(const struct levels *l, u32 priority)
{
	return &l->bucket[hash_bits(priority, l->bits)];
}
/* => what points to the first message of the priority in its chain, or to the chain's end. */
static struct mq_message **slot_of(struct levels *l, u32 priority)
{
	struct mq_message **slot = (struct mq_message **)bucket_of(l, priority);
	while (*slot && (*slot)->priority != priority)
		slot = &(*slot)->chain;
	return slot;
}

struct mq_message *levels_first(const struct levels *l, u32 priority)
{
	struct mq_message *m = *bucket_of(l, priority);
	while (m && m->priority != priority)
		m = m->chain;
	return m;
}

u32 levels_below(const struct levels *l, u32 priority)
{
	u32 low = priority / 64, mid = low / 64;
	u64 word = bits_below(l->low[low], priority % 64);
	if (!word) {
		word = bits_below(l->mid[mid], low % 64);
		if (!word) {
			mid = highest_bit(bits_below(l->top, mid));
			word = l->mid[mid];
		}
		low = mid * 64 + highest_bit(word);
		word = l->low[low];
	}
	return low * 64 + highest_bit(word);
}

void levels_add(struct levels *l, struct mq_message *m)
{
	u32 p = m->priority;
	struct mq_message **slot = (struct mq_message **)bucket_of(l, p);
	m->chain = *slot;
	*slot = m;
	l->low[p / 64] |= BIT(p % 64);
	l->mid[p / 4096] |= BIT(p / 64 % 64);
	l->top |= BIT(p / 4096);
}

void levels_replace(struct levels *l, struct mq_message *first, struct mq_message *m)
{
	struct mq_message **slot = slot_of(l, m->priority);
	DEBUG_ASSERT(*slot == first);
	m->chain = first->chain;
	*slot = m;
}

void levels_del(struct levels *l, struct mq_message *m)
{
	u32 p = m->priority;
	struct mq_message **slot = slot_of(l, p);
	DEBUG_ASSERT(*slot == m);
	*slot = m->chain;
	if ((l->low[p / 64] &= ~BIT(p % 64)))
		return;
	if (!(l->mid[p / 4096] &= ~BIT(p / 64 % 64)))
		l->top &= ~BIT(p / 4096);
}
