/*
 * System V semaphore sets: semget(2), semop(2), semctl(2).
 *
 * What it is. A set is an array of counters. An operation is an array of changes (sembuf): +n, -n, or
 * 0 "wait for zero". It happens completely or not at all, in array order; one that cannot proceed sleeps,
 * unless the change that blocks it says IPC_NOWAIT.
 *
 * Files: this one is what the rest of the system calls; set.h is how a set looks inside.
 *	op.c	 semop: try, commit, or sleep		read this first
 *	settle.c completing sleepers after a change
 *	queue.c	 who waits for one semaphore
 *	undo.c	 SEM_UNDO
 *	ctl.c	 semctl					set.c	making, finding, removing sets
 *
 * Objects and lifetimes
 *	struct sem_set		an ipc_object (kernel/ipc/ipc.h); values and pids in packed arrays behind it.
 *	struct sem_waiter	one sleeping operation, on the sleeper's stack.
 *	struct sem_queue	who waits for one semaphore; made when somebody first sleeps there, lives
 *				as long as the set.
 *	struct sem_undo		what to give back to one set when a process ends (undo.c).
 *
 * The way of a semop (names are functions; the bracketed ones are in op.c and settle.c)
 *
 *	sem_op_single, sem_op_many: find the set (read section), [vet]: EINVAL, EFBIG, EACCES; lock
 *	   |
 *	   v                 an operation says no: IPC_NOWAIT, ERANGE
 *	[apply] in array order ------------------------------------> rolled back: -EAGAIN, -ERANGE
 *	   | all fit                  \ blocked
 *	   v                           v rolled back
 *	[note_pids], otime          sem_watch: queue at the ONE semaphore that blocks now
 *	   |                           | unlock, ipc_wait: sleep
 *	   v                           |
 *	sem_settle: complete           +-- another thread's sem_settle tries it again when that semaphore
 *	   sleepers that now can       |      got what it wants: done: result 0; blocked elsewhere: watch
 *	   |                           |      there; impossible: -EAGAIN, -ERANGE
 *	   v unlock                    +-- IPC_RMID: -EIDRM
 *	ipc_wake_flush: return 0       +-- deadline: -EAGAIN; signal: -EINTR: leaves the queue
 *
 * One operation, nobody asleep: that is all of sem_op_single, some seventy instructions. One operation
 * among sleepers that wait with one operation each: sem_settle_one_unlock. Everything else: sem_settle_marked.
 *
 * Who is completed, and when. Exactly as on Linux: after every change first all operations that only wait
 * for zero and now can; then, of the others, the one that has waited longest among those that can proceed
 * (first come, first served, but a later one that can go does not wait for an earlier one that cannot);
 * and again until nobody can. Each completed operation is a change itself. What differs is only how they
 * are found: an operation watches the one semaphore that blocks it, with the value that it needs there;
 * while that condition is false the operation cannot succeed, so nobody needs to try it. A change looks at
 * the queues of the semaphores that it touched and at no others. The exception are "fragile" waiters,
 * which a change at another semaphore may cause to fail (see settle.c).
 *
 * Locking
 *	read section
 *	    undo list lock (SEM_UNDO)		making an undo entry
 *	        set->obj.lock (SEM_SET)		values, queues, outcomes of waiters, undo entries' adjustments
 *	One pass under one lock; no allocation, user copy, or wake-up under it.
 *
 * What can fail: the errnos of the man pages, detected in Linux's order. ENOMEM only before anything
 * has changed: undo entries and queues are made before the operation commits or sleeps.
 */
#pragma once
#include "abi/sem.h"
#include "kernel/ipc/ipc.h"

struct ipc_namespace;
struct sem_undo_list;

/* semget(2). => id or -errno. */
MUST_CHECK s32 sem_get(struct ipc_namespace *ns, ipc_key_t key, s32 nsems, u32 flags);

/*
 * semop(2), semtimedop(2): n >= 1 operations, copied in by the caller and valid until the call returns.
 * deadline: port_mono_ns() time or PORT_FOREVER. => 0 or -EINVAL (no such set), -EFBIG, -EACCES, -ENOMEM,
 * -EIDRM, -ERANGE, -EAGAIN, -EINTR.
 */
MUST_CHECK int sem_op_single(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op,
                             u64 deadline); /* without SEM_UNDO */
MUST_CHECK int sem_op_single_undo(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op,
                                  u64 deadline);
MUST_CHECK int sem_op_many(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *ops, u32 n,
                           u64 deadline);
static ALWAYS_INLINE MUST_CHECK int sem_op(struct ipc_namespace *ns, ipc_id_t id,
                                           const struct sembuf *ops, u32 n, u64 deadline)
{
	if (unlikely(n != 1))
		return sem_op_many(ns, id, ops, n, deadline);
	if (unlikely(ops->sem_flg & SEM_UNDO))
		return sem_op_single_undo(ns, id, ops, deadline);
	return sem_op_single(ns, id, ops, deadline);
}

/* semctl(2), one function for each shape of command. => 0 or a value, or -errno. */
MUST_CHECK int sem_getval(struct ipc_namespace *ns, ipc_id_t id, s32 num);
MUST_CHECK int sem_getpid(struct ipc_namespace *ns, ipc_id_t id, s32 num);
MUST_CHECK int sem_getncnt(struct ipc_namespace *ns, ipc_id_t id, s32 num);
MUST_CHECK int sem_getzcnt(struct ipc_namespace *ns, ipc_id_t id, s32 num);
MUST_CHECK int sem_setval(struct ipc_namespace *ns, ipc_id_t id, s32 num, s32 value);
MUST_CHECK int sem_getall(struct ipc_namespace *ns, ipc_id_t id, uptr_t out_values);
MUST_CHECK int sem_setall(struct ipc_namespace *ns, ipc_id_t id, uptr_t values);
MUST_CHECK int sem_stat(struct ipc_namespace *ns, ipc_id_t id, struct semid_ds *out);
/* SEM_STAT, SEM_STAT_ANY: by index. => id or -errno. */
MUST_CHECK int sem_stat_index(struct ipc_namespace *ns, s32 index, enum ipc_stat_check check,
                              struct semid_ds *out);
MUST_CHECK int sem_set_perm(struct ipc_namespace *ns, ipc_id_t id, const struct ipc_perm *perm);
MUST_CHECK int sem_remove(struct ipc_namespace *ns, ipc_id_t id);
/* IPC_INFO: limits; SEM_INFO: two of them replaced by what is in use. => highest used index. */
enum sem_info_kind { SEM_INFO_LIMITS, SEM_INFO_USED };
int sem_info(struct ipc_namespace *ns, enum sem_info_kind kind, struct seminfo *out);

/* /proc/sysvipc/sem, line by line. => length of the line of the set at the lowest index >= *index, with
 * *index updated; 0 at the end. SEM_PROC_HEADER is the first line. */
#define SEM_PROC_HEADER                                                                            \
	"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"
enum { SEM_PROC_LINE = 160 };
int sem_proc_line(struct ipc_namespace *ns, u32 *index, char *buf, size_t size);

/* SEM_UNDO lists: shared by CLONE_SYSVSEM, kept over exec; the last put applies what is owed. */
MUST_CHECK int sem_undo_share(struct sem_undo_list **parent, struct sem_undo_list **child);
void sem_undo_put(struct sem_undo_list *list);

/* Removes all sets; the namespace has no users left. */
void sem_ns_teardown(struct ipc_namespace *ns);
