/* msgctl(2). */
#include "kernel/ipc/msg/queue.h"
#include "kernel/lib/printf.h"

static void fill_stat(const struct msg_queue *q, struct msqid_ds *out)
{
	*out = (struct msqid_ds){
		.msg_stime = q->stime,
		.msg_rtime = q->rtime,
		.msg_ctime = q->ctime,
		.msg_cbytes = q->bytes,
		.msg_qnum = q->count,
		.msg_qbytes = q->max_bytes,
		.msg_lspid = q->send_pid,
		.msg_lrpid = q->receive_pid,
	};
	ipc_perm_get(&q->obj, &out->msg_perm);
}

int msg_stat(struct ipc_namespace *ns, ipc_id_t id, struct msqid_ds *out)
{
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	TRY(msg_lock(q, q ? ipc_permit(&q->obj, IPC_READ) : -EINVAL));
	fill_stat(q, out);
	msg_unlock(q);
	return 0;
}

int msg_stat_index(struct ipc_namespace *ns, s32 index, enum ipc_stat_check check,
                   struct msqid_ds *out)
{
	struct ipc_object *o = NULL;
	port_read_lock();
	int err = ipc_ids_stat(&ns->msg, index, check, &o);
	TRY(ipc_object_enter(o, err));
	fill_stat(container_of(o, struct msg_queue, obj), out);
	int id = o->id.n;
	ipc_object_leave(o);
	return id;
}

/* Who was admitted under the old permissions has to ask again; more room may let senders go. */
static void reconsider(struct msg_queue *q, struct ipc_wake_list *wakes)
{
	struct msg_receiver *r;
	q->permissions++;
	while ((r = msg_receiver_any(q))) {
		msg_receiver_del(q, r);
		ipc_waiter_decide(&r->wait, MSG_ASK_AGAIN, wakes);
	}
	msg_settle_senders(q, wakes);
}

int msg_set(struct ipc_namespace *ns, ipc_id_t id, const struct msqid_ds *in)
{
	struct ipc_wake_list wakes = {0};
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	int err = q ? ipc_permit_control(&q->obj) : -EINVAL;
	/* Linux hands the size on as an int: its upper half is lost, its sign spreads. */
	u64 max_bytes = (u64)(s32)in->msg_qbytes;
	if (!err && (u32)max_bytes > (u32)load_relaxed(&ns->msg_mnb) &&
	    !port_capable(PORT_CAP_SYS_RESOURCE))
		err = -EPERM;
	TRY(msg_lock(q, err));
	err = ipc_perm_set(&q->obj, &in->msg_perm);
	if (!err) {
		q->max_bytes = max_bytes;
		q->ctime = port_real_seconds();
		reconsider(q, &wakes);
	}
	msg_unlock_wake(q, &wakes);
	return err;
}

/* Sums are only ever asked for: no message pays for keeping them. */
static void info_used(struct ipc_namespace *ns, struct msginfo *out)
{
	u64 bytes = 0, count = 0;
	struct ipc_object *o;
	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->msg, &i)); i++) {
		const struct msg_queue *q = container_of(o, struct msg_queue, obj);
		bytes += load_relaxed(&q->bytes);
		count += load_relaxed(&q->count);
	}
	port_read_unlock();
	out->msgmap = (s32)MIN(count, (u64)INT32_MAX);
	out->msgtql = (s32)MIN(bytes, (u64)INT32_MAX);
	GUARD(port)(&ns->msg.lock);
	out->msgpool = (s32)ns->msg.in_use;
}

int msg_info(struct ipc_namespace *ns, enum msg_info_kind kind, struct msginfo *out)
{
	*out = (struct msginfo){
		.msgpool = MSGPOOL,
		.msgmap = MSGMNB,
		.msgmax = load_relaxed(&ns->msg_max),
		.msgmnb = load_relaxed(&ns->msg_mnb),
		.msgmni = (s32)load_relaxed(&ns->msg.max_objects),
		.msgssz = MSGSSZ,
		.msgtql = MSGMNB,
		.msgseg = MSGSEG,
	};
	if (kind == MSG_INFO_USED)
		info_used(ns, out);
	return ipc_ids_highest(&ns->msg);
}

int msg_proc_line(struct ipc_namespace *ns, u32 *index, char *buf, size_t size)
{
	port_read_lock();
	struct msg_queue *q = (struct msg_queue *)ipc_ids_next(&ns->msg, index);
	struct msqid_ds ds;
	s32 id = 0;
	if (q) {
		GUARD(port)(&q->obj.lock);
		fill_stat(q, &ds);
		id = q->obj.id.n;
	}
	port_read_unlock();
	if (!q)
		return 0;
	return snprintf(
		buf, size,
		"%10d %10d  %4o  %10llu %10llu %5u %5u %5u %5u %5u %5u %10llu %10llu %10llu\n",
		ds.msg_perm.key, id, ds.msg_perm.mode, (unsigned long long)ds.msg_cbytes,
		(unsigned long long)ds.msg_qnum, ds.msg_lspid, ds.msg_lrpid, ds.msg_perm.uid,
		ds.msg_perm.gid, ds.msg_perm.cuid, ds.msg_perm.cgid,
		(unsigned long long)ds.msg_stime, (unsigned long long)ds.msg_rtime,
		(unsigned long long)ds.msg_ctime);
}
