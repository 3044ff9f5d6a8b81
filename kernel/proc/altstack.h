/* Alternate signal stacks, sigaltstack(2): state of the current thread alone. */
#pragma once
#include "abi/signal.h"
#include "kernel/proc/task.h"

/* Is sp on t's alternate stack? Never with SS_AUTODISARM: then the stack may be used afresh at any time. */
static inline bool altstack_holds(const struct task *t, u64 sp)
{
	return !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_base &&
	       sp - t->altstack_base <= t->altstack_size;
}

/* What sigaltstack(2) reports and a signal frame remembers, for a thread whose stack pointer is sp. */
static inline void altstack_save(struct sigaltstack_abi *out, u64 sp)
{
	const struct task *t = task_current();
	u32 mode = !t->altstack_size ? SS_DISABLE : altstack_holds(t, sp) ? SS_ONSTACK : 0;

	out->sp = t->altstack_base;
	out->flags = (s32)(mode | (t->altstack_flags & SS_AUTODISARM));
	out->pad = 0;
	out->size = t->altstack_size;
}
/* sigaltstack(2). => 0, -EINVAL (flags), -ENOMEM (too small), -EPERM (in use). */
MUST_CHECK int altstack_set(const struct sigaltstack_abi *s, u64 sp);
/* sigreturn: puts back what a frame remembers; errors are ignored, as Linux. */
static inline void altstack_restore(const struct sigaltstack_abi *s, u64 sp)
{
	const struct task *t = task_current();

	if (t->altstack_base != s->sp || t->altstack_size != s->size ||
	    t->altstack_flags != (u32)s->flags)
		(void)!altstack_set(s, sp);
}
/* A handler starts: SS_AUTODISARM takes effect. */
static inline void altstack_disarm(void)
{
	struct task *t = task_current();

	if (!(t->altstack_flags & SS_AUTODISARM))
		return;
	t->altstack_base = t->altstack_size = 0;
	t->altstack_flags = SS_DISABLE;
}
