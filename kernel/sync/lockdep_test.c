#include "kernel/sync/lockdep.h"
#include "kernel/lib/test.h"
#include "kernel/sync/spinlock.h"

#if DEBUG_BUILD
TEST(lockdep_knows_what_is_held)
{
	static struct spinlock low = SPINLOCK_INIT(TASKLIST), high = SPINLOCK_INIT(LEAF);
	static struct spinlock pair[2] = {SPINLOCK_INIT(SEM_SET), SPINLOCK_INIT(SEM_SET)};

	spin_lock(&low);
	spin_lock2(&pair[1], &pair[0]);
	spin_lock(&high);
	CHECK(lockdep_holds(&low) && lockdep_holds(&high) && lockdep_holds(&pair[1]));
	/* In any order. */
	spin_unlock(&low);
	CHECK(!lockdep_holds(&low) && lockdep_holds(&high));
	spin_unlock2(&pair[0], &pair[1]);
	spin_unlock(&high);
	CHECK(!lockdep_holds(&high) && !lockdep_holds(&pair[0]));
	spin_lock2(&low, &low);
	spin_unlock2(&low, &low);
	CHECK(!lockdep_holds(&low));
	lockdep_assert_may_sleep(LOCKDEP_HERE);
}
#endif
