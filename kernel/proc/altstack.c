#include "arch/sigframe.h"
#include "kernel/proc/altstack.h"

int altstack_set(const struct sigaltstack_abi *s, u64 sp)
{
	struct task *t = task_current();
	u32 mode = (u32)s->flags & ~SS_AUTODISARM;

	if (altstack_holds(t, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (t->altstack_base == s->sp && t->altstack_size == s->size &&
	    t->altstack_flags == (u32)s->flags)
		return 0;
	if (mode == SS_DISABLE) {
		t->altstack_base = t->altstack_size = 0;
	} else {
		/* Linux takes less than the CPU's frame needs, down to the historic minimum. */
		if (s->size < MINSIGSTKSZ)
			return -ENOMEM;
		t->altstack_base = s->sp;
		t->altstack_size = s->size;
	}
	t->altstack_flags = (u32)s->flags;
	return 0;
}
