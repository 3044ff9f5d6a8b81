/*
 * Futexes with priority inheritance, futex(2): the word holds the owner's tid, and while somebody sleeps for it
 * the owner runs at the highest priority among the sleepers, as do those whom the owner itself sleeps for.
 *
 *	word			taken and released in user space while nobody sleeps
 *	0			free
 *	tid			owned
 *	tid | FUTEX_WAITERS	owned, and the kernel passes it on at FUTEX_UNLOCK_PI
 *	... | FUTEX_OWNER_DIED	its last owner died with it
 *
 * Objects and lifetimes
 *	struct pi_word		a word with sleepers, in a tree by key; made by the first sleeper, gone with the last.
 *				It hangs in the list of what its owner holds (struct port_pi of the thread).
 *	struct pi_waiter	on the sleeper's stack
 * The lock is handed over: the one who unlocks writes the next owner's tid into the word. When an owner dies its address
 * space does not help, so the next owner, woken, writes the word itself; until then the pi_word stays (fixing).
 *
 * Locking: one lock (FUTEX_PI) for all of it, since chains of owners cross all words; only contended locks come here.
 * A thread found by its tid is attached under the lock, and leaves through futex_pi_exit() before its memory goes.
 *
 * What can fail: -EFAULT, -EINVAL (not aligned; the kernel knows another owner), -ENOMEM, and what is said below.
 */
#pragma once
#include "kernel/ipc/futex/futex.h"
#include "kernel/lib/rbtree.h"

void futex_pi_init(void);
/* => 0 owned; -EDEADLK: it or a chain of owners is ours; -ESRCH: no such owner; -ETIMEDOUT; -EINTR. */
MUST_CHECK int futex_pi_lock(uptr_t word, enum futex_scope scope, u64 deadline);
/* => also -EAGAIN: owned by somebody else. */
MUST_CHECK int futex_pi_trylock(uptr_t word, enum futex_scope scope);
/* => 0; -EPERM: not ours. */
MUST_CHECK int futex_pi_unlock(uptr_t word, enum futex_scope scope);
/* The calling thread leaves its address space, after futex_robust_exit(): what it holds goes to the next.
 * dying: it will own nothing again. */
void futex_pi_exit(bool dying);
