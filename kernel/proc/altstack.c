#include "arch/sigframe.h"
#include "kernel/proc/altstack.h"

void altstack_save(struct sigaltstack_abi *out, u64 sp)
{
	const struct task *t = task_current();
	u32 mode = !t->altstack_size ? SS_DISABLE : altstack_holds(t, sp) ? SS_ONSTACK : 0;

	*out = (struct sigaltstack_abi){
		.sp = t->altstack_base,
		.flags = (s32)(mode | (t->altstack_flags & SS_AUTODISARM)),
		.size = t->altstack_size,
	};
}

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

void altstack_restore(const struct sigaltstack_abi *s, u64 sp)
{
	(void)!altstack_set(s, sp);
}

void altstack_disarm(void)
{
	struct task *t = task_current();

	if (!(t->altstack_flags & SS_AUTODISARM))
		return;
	t->altstack_base = t->altstack_size = 0;
	t->altstack_flags = SS_DISABLE;
}
