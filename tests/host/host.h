/*
 * The hosted world, as its tests see it.
 *
 * Every pthread that calls the module is a thread of a process of its own: host_self() is its identity, to be
 * changed at will. A new thread starts as root, in the namespace and with the pid that host_spawn() gives it.
 *
 * Lock ranks are checked at each lock; taking one out of order, sleeping with a spinning lock held, or in a
 * read section, ends the run with both names. What port_defer() holds back is freed when no read
 * section is open; the runner checks that each test leaves no allocation behind.
 */
#pragma once
#include "kernel/ipc/ns.h"
#include "kernel/lib/test.h"

struct host_identity {
	s32 pid;
	u32 priority; /* [a] base, for futexes */
	u32 euid, egid;
	u32 groups[4], group_count;
	u64 capabilities; /* bit PORT_CAP_* */
	u32 urgency;      /* port_urgency() */
	struct ipc_namespace *ns;
	struct sem_undo_list *undo;
};
struct host_identity *host_self(void);

struct host_thread;
struct host_identity *host_identity(struct host_thread *t); /* of another */
u32 host_boost(struct host_thread *t);                      /* what it was lent */
struct host_thread *host_thread_self(void);
/* Runs body(arg) in a new thread of a new process, in the caller's namespace. */
struct host_thread *host_spawn(void (*body)(void *arg), void *arg);
/* The process ends: its SEM_UNDO list is put, its PI futexes are left. Then the thread. */
void host_join(struct host_thread *t);
/* Makes port_park() in t return PORT_SIGNAL once. */
void host_signal(struct host_thread *t);
/* Waits until t sleeps in port_park(). */
void host_wait_asleep(struct host_thread *t);
unsigned host_raised(int sig); /* port_raise() calls of this thread, and forgets them */

/* The n-th allocation from now in this thread fails (0: none); likewise user copies. */
void host_fail_allocation(unsigned n);
void host_fail_copy(unsigned n);
bool host_fault_happened(void);
#define HOST_EACH_FAULT(set_fault) EACH_FAULT(set_fault, host_fault_happened)

/* Frees what is deferred; no read section is open. */
void host_settle(void);
long host_live_allocations(void);

/* A repeatable random number below n. The seed is printed at the start of a run. */
u32 host_random(u32 n);
