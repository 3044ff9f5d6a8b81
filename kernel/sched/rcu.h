/*
 * Deferred reclamation. The kernel is not preemptible, so a reader is any stretch of code that does
 * not block: rcu_read_lock() costs nothing. A grace period has passed when every processor has
 * switched threads, idled or been seen in user space.
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "kernel/lib/list.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};
static inline void rcu_read_lock(void)
{
	compiler_barrier();
}
static inline void rcu_read_unlock(void)
{
	compiler_barrier();
}
/* fn(head) runs in thread context after a grace period, without locks; it must not block. Any thread context. Never fails. */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head));
void rcu_synchronize(void); /* sleeps for a grace period */
void rcu_init_cpu(void);
void rcu_advance(void); /* softirq: moves grace periods on, runs what is due */
#define rcu_dereference(p) load_acquire(&(p))
#define rcu_assign(p, v)   store_release(&(p), v)
