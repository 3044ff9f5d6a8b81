#include "kernel/sync/spinlock.h"

void spin_lock2(struct spinlock *a, struct spinlock *b)
{
	struct spinlock *first = a < b ? a : b, *second = a < b ? b : a;

	spin_lock(first);
	if (first == second)
		return;
	lockdep_acquire_nested(second, lockdep_class_of(second));
	raw_spin_lock(&second->raw);
}

void spin_unlock2(struct spinlock *a, struct spinlock *b)
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}
