/*
 * Futexes with priority inheritance, futex(2): the word holds the owner's tid, and while somebody sleeps for it
 * the owner runs at the highest priority among the sleepers, as do those for whom the owner itself sleeps.
 *
 *	word			taken and released in user space while nobody sleeps
 *	0			free
 *	tid			owned
 *	tid | FUTEX_WAITERS	owned, and the kernel passes it on at FUTEX_UNLOCK_PI
 *	... | FUTEX_OWNER_DIED	its last owner died with it
 *
 * Objects and lifetimes. Nothing is ever allocated, and no call fails for lack of memory:
 *	struct pi_waiter	on the sleeper's stack
 *	struct pi_word		a word with sleepers: owner, and sleepers by priority. Hangs in the bucket of its key in
 *				the hash that all futexes share. It lives inside the record of one of its sleepers, the host;
 *				when that one leaves, the state moves into the record of the first of those who stay.
 *	struct port_pi		in each thread: the words it owns, ordered by what they lend it, and its own sleep
 *
 * The lock is handed over: the one who unlocks writes the next owner's tid into the word, and the woken thread owns it
 * without looking at anything again. When an owner dies its address space does not help: the next owner, woken,
 * writes the word itself; until it has, it stands in the pi_word as `fixer`, and is its last possible host.
 *
 *	          futex_pi_lock                          unlock, owner's death
 *	(none) -----------------> PENDING in pi_word -------------------------> DECIDED 0, owner
 *	   |                       ^    |
 *	   | futex_pi_wait_requeue |    +-- deadline -ETIMEDOUT, signal -EINTR, the chain is a circle -EDEADLK
 *	   v                       |
 *	PENDING as plain sleeper --+ futex_pi_requeue: takes the word for the first, queues the others
 *	   +-- deadline, signal
 *
 * Locking: no lock is global. A pi_word, its sleepers' places and its owner change under the bucket's lock
 * (FUTEX_BUCKET). What a thread holds, what it was lent, and for what it sleeps change under that thread's own lock (FUTEX_PI),
 * taken inside. So:
 *	bucket locked			who owns the word, who sleeps for it, in what order
 *		thread locked		at most one: the owner's or one sleeper's; its account, its boost
 *			run queue	port_boost()
 * A chain of owners is walked one link at a time, never holding the locks of two:
 *
 *	thread T	lock T: for which word does it sleep, in which bucket? unlock
 *	its word	lock that bucket, lock T: does it still? Put it in its place by its priority of now. unlock T
 *			lock the owner: its account of the word; note for what it sleeps. unlock both; T = owner
 *
 * What a walker saw may change behind it; but whoever changes what a thread lends starts a walk of its own after
 * its change, and each link is computed from what holds under the locks, so the last walker leaves every link right.
 * Two threads that close a circle from both ends each queue first and walk then: at least one meets its own word.
 *
 * A sleeper lets go of nothing, so a chain is true as long as those in it sleep on. A link therefore names one sleep of its thread
 * (port_pi.sleeps), and the first is noted as the new sleeper joins, under the locks. Looking later what the owner sleeps for
 * would be wrong: it may have unlocked and come back, behind us, for the same word or for one of ours:
 *
 *	A (owner)			B, C (sleep for the word)
 *					C joins: A owns it
 *	unlock: B owns it
 *	lock: sleeps for it
 *					C walks from A: "it sleeps for our word". No circle: B owns it
 *
 * Only who is in the circle itself gives up; others that sleep for a word of it sleep on.
 * Threads stay in memory through the read section; records of sleepers are touched only under the lock that their
 * owner needs to leave.
 *
 * What can fail: -EFAULT, -EINVAL (not aligned; plain sleepers on the word, or the word names another owner than the
 * kernel knows), and what is said below.
 */
#pragma once
#include "kernel/ipc/futex/futex.h"

void futex_pi_thread_init(struct port_pi *p);
/* => 0 owned; -EDEADLK: it or a chain of owners is ours; -ESRCH: no such owner; -ETIMEDOUT; -EINTR. */
MUST_CHECK int futex_pi_lock(uptr_t word, enum futex_scope scope, u64 deadline);
/* => also -EAGAIN: owned by somebody else. */
MUST_CHECK int futex_pi_trylock(uptr_t word, enum futex_scope scope);
/* => 0; -EPERM: not ours. */
MUST_CHECK int futex_pi_unlock(uptr_t word, enum futex_scope scope);
/* FUTEX_WAIT_REQUEUE_PI: sleeps while m->from is *m->expected, until futex_pi_requeue() to m->to and the lock there are ours.
 * => 0 owned; -EAGAIN: the word differs, or a signal came after the move; -EINTR: before it; -ETIMEDOUT. */
MUST_CHECK int futex_pi_wait_requeue(const struct futex_move *m, u64 deadline);
/* FUTEX_CMP_REQUEUE_PI: the first sleeper of m->from gets the lock m->to if that is free; it, if it does not, and m->move
 * more sleep for it. m->wake must be 1. => how many; -EAGAIN: *m->from differs; -EDEADLK; -ESRCH. */
MUST_CHECK int futex_pi_requeue(const struct futex_move *m);
/* The base priority of t has changed. Read section. */
void futex_pi_priority_changed(struct port_thread *t);
/* The calling thread leaves its address space, after futex_robust_exit(): what it holds goes to the next.
 * dying: it will own nothing again. */
void futex_pi_exit(bool dying);
