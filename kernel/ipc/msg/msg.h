/*
 * System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 *
 * What it is. A queue holds typed messages, oldest first. A receiver asks for the oldest of all, of one type, of
 * any type but one, or for the oldest of the lowest type up to a bound. A full queue blocks senders, one
 * without a fitting message blocks receivers.
 *
 * Files: this one is what the rest of the system calls; queue.h is how a queue looks inside.
 *	send.c	  msgsnd, and completing receivers	receive.c msgrcv, and completing senders
 *	waiters.c who waits, and who is next		queue.c	  making, removing queues
 *	ctl.c	  msgctl				../text.c the bytes of a message
 *	../typed.c oldest by type
 *
 * Objects and lifetimes
 *	struct msg_queue	an ipc_object (kernel/ipc/ipc.h).
 *	struct msg		one allocation up to a page, pages chained beyond. Owned by the sender until it
 *				is queued, by the queue, then by the receiver, who frees it.
 *	struct msg_sender, struct msg_receiver	a sleeping call, on the sleeper's stack.
 *
 * The way of a message
 *
 *	msgsnd: copied in, no lock held
 *	   | lock                 no room: IPC_NOWAIT -EAGAIN; else sleep among the senders ------+
 *	   v                                                                                      |
 *	a receiver waits for such a message?                                                      |
 *	   | yes: handed over, receiver woken with it      buffer too small: receiver gets -E2BIG,|
 *	   | no: queued                                      the next one is asked                |
 *	   v                                                                                      |
 *	msgrcv: lock, find, take out ---> room: sleeping senders whose message fits now,          |
 *	   | unlock                        oldest first, are completed by the receiver <----------+
 *	   v
 *	copied out, freed. The copy faults: back to its place in the queue, or to who waits for it; -EFAULT.
 *
 * So at any time with the lock free: no message in the queue fits a waiting receiver, and no waiting
 * sender's message fits the queue. A newcomer that can go need not look at those who sleep.
 *
 * Who is next. Receivers: the one that waits longest among those that the message serves, whatever they asked
 * for. Senders: the one that waits longest among those whose message fits. Both are found in O(log n).
 *
 * Locking: queue->obj.lock (MSG_QUEUE) inside a read section; no allocation, user copy, or wake-up under it.
 *
 * What can fail: the errnos of the man pages in Linux's order. Interrupted calls restart only when no handler ran
 * (-ERESTARTNOHAND), so a program sees EINTR even under SA_RESTART, signal(7).
 */
#pragma once
#include "abi/msg.h"
#include "kernel/ipc/ipc.h"

struct ipc_namespace;

/* msgget(2). => id or -errno. */
MUST_CHECK s32 msg_get(struct ipc_namespace *ns, ipc_key_t key, u32 flags);

/* msgsnd(2): flags: IPC_NOWAIT. => 0 or -EINVAL, -EFAULT, -ENOMEM, -EACCES, -EIDRM, -EAGAIN, -ERESTARTNOHAND. */
MUST_CHECK int msg_send(struct ipc_namespace *ns, ipc_id_t id, s64 type, uptr_t text, u64 size,
                        u32 flags, u64 deadline);
/* msgrcv(2) into a struct msgbuf at `buf`: type, then text. => bytes of text, or -EINVAL, -EFAULT, -ENOMEM,
 * -EACCES, -EIDRM, -ENOMSG, -E2BIG, -EAGAIN (deadline), -ERESTARTNOHAND. */
MUST_CHECK s64 msg_receive(struct ipc_namespace *ns, ipc_id_t id, uptr_t buf, u64 size, s64 type,
                           u32 flags, u64 deadline);

/* msgctl(2), one function for each shape of command. => 0 or a value, or -errno. */
MUST_CHECK int msg_stat(struct ipc_namespace *ns, ipc_id_t id, struct msqid_ds *out);
MUST_CHECK int msg_stat_index(struct ipc_namespace *ns, s32 index, enum ipc_stat_check check,
                              struct msqid_ds *out);
MUST_CHECK int msg_set(struct ipc_namespace *ns, ipc_id_t id, const struct msqid_ds *in);
MUST_CHECK int msg_remove(struct ipc_namespace *ns, ipc_id_t id);
/* IPC_INFO: limits; MSG_INFO: three of them replaced by what is in use. => highest used index. */
enum msg_info_kind { MSG_INFO_LIMITS, MSG_INFO_USED };
int msg_info(struct ipc_namespace *ns, enum msg_info_kind kind, struct msginfo *out);

/* /proc/sysvipc/msg, line by line, as sem_proc_line(). */
#define MSG_PROC_HEADER                                                                            \
	"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid "  \
	"     stime      rtime      ctime\n"
enum { MSG_PROC_LINE = 192 };
int msg_proc_line(struct ipc_namespace *ns, u32 *index, char *buf, size_t size);

/* Removes all queues; the namespace has no users left. */
void msg_ns_teardown(struct ipc_namespace *ns);
