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
void altstack_save(struct sigaltstack_abi *out, u64 sp);
/* sigaltstack(2). => 0, -EINVAL (flags), -ENOMEM (too small), -EPERM (in use). */
MUST_CHECK int altstack_set(const struct sigaltstack_abi *s, u64 sp);
void altstack_restore(const struct sigaltstack_abi *s,
                      u64 sp); /* sigreturn: errors are ignored, as Linux */
void altstack_disarm(void);    /* a handler starts: SS_AUTODISARM takes effect */
