#include "abi/process.h"
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/proc/rseq.h"
#include "kernel/proc/task.h"

enum { RSEQ_ALIGN = 32, RSEQ_MIN_SIZE = 32 };

static uptr_t area_field(const struct task *t, size_t offset)
{
	return UPTR(t->rseq.ptr + offset);
}

/* cpu_id_start, cpu_id; node_id and mm_cid: one node, and ids as dense as processors. */
static int write_cpu(struct task *t, u32 cpu)
{
	u32 pair[2] = {cpu, cpu}, rest[2] = {0, cpu};

	TRY(copy_to_user(area_field(t, offsetof(struct rseq_abi, cpu_id_start)), pair,
	                 sizeof(pair)));
	TRY(copy_to_user(area_field(t, offsetof(struct rseq_abi, node_id)), rest, sizeof(rest)));
	t->rseq.cpu = cpu;
	return 0;
}

static int write_reset(const struct task *t)
{
	u32 pair[2] = {0, (u32)RSEQ_CPU_ID_UNINITIALIZED}, rest[2] = {0, 0};

	TRY(copy_to_user(area_field(t, offsetof(struct rseq_abi, cpu_id_start)), pair,
	                 sizeof(pair)));
	return copy_to_user(area_field(t, offsetof(struct rseq_abi, node_id)), rest, sizeof(rest));
}

int rseq_register(uptr_t area, u32 len, u32 signature)
{
	struct task *t = task_current();

	if (t->rseq.ptr) {
		if (t->rseq.ptr != area.addr || t->rseq.len != len)
			return -EINVAL;
		return t->rseq.sig != signature ? -EPERM : -EBUSY;
	}
	if (len != RSEQ_MIN_SIZE || area.addr % RSEQ_ALIGN)
		return -EINVAL;
	if (uptr_null(area) || !user_range_ok(area, len))
		return -EFAULT;
	t->rseq.ptr = area.addr;
	t->rseq.len = len;
	t->rseq.sig = signature;
	if (write_cpu(t, cpu_id()) < 0) {
		t->rseq.ptr = 0;
		return -EFAULT;
	}
	thread_set_work(&t->thread, THREAD_WORK_TASK);
	return 0;
}

int rseq_unregister(uptr_t area, u32 len, u32 signature)
{
	struct task *t = task_current();

	if (!t->rseq.ptr || t->rseq.ptr != area.addr || t->rseq.len != len)
		return -EINVAL;
	if (t->rseq.sig != signature)
		return -EPERM;
	TRY(write_reset(t));
	t->rseq.ptr = 0;
	t->rseq.len = t->rseq.sig = 0;
	return 0;
}

/* Leaves the critical section that *regs stands in, if any. => 0 or -errno: the thread has to die. */
static int abort_section(const struct task *t, struct regs *regs)
{
	struct rseq_cs_abi cs;
	u64 where, none = 0;
	u32 signature;
	uptr_t pointer = area_field(t, offsetof(struct rseq_abi, cs));

	TRY(copy_from_user(&where, pointer, sizeof(where)));
	if (!where)
		return 0;
	TRY(copy_from_user(&cs, UPTR(where), sizeof(cs)));
	if (cs.version || cs.start_ip >= USER_END || cs.abort_ip >= USER_END ||
	    cs.start_ip + cs.post_commit_offset < cs.start_ip ||
	    cs.abort_ip - cs.start_ip < cs.post_commit_offset)
		return -EINVAL;
	TRY(copy_from_user(&signature, UPTR(cs.abort_ip - sizeof(u32)), sizeof(u32)));
	if (signature != t->rseq.sig)
		return -EINVAL;
	TRY(copy_to_user(pointer, &none, sizeof(none)));
	if (regs->rip - cs.start_ip < cs.post_commit_offset)
		regs->rip = cs.abort_ip;
	return 0;
}

static void die(struct task *t)
{
	t->rseq.ptr = 0; /* not again on the way through the signal */
	signal_force(t, SIGSEGV, NULL);
}

void rseq_before_handler(struct regs *regs)
{
	struct task *t = task_current();

	if (t->rseq.ptr && abort_section(t, regs) < 0)
		die(t);
}

void rseq_before_return(struct regs *regs)
{
	struct task *t = task_current();

	if (!t->rseq.ptr)
		return;
	/* Writing may fault, sleep and move the thread: then the scheduler has set THREAD_WORK_TASK again. */
	if (abort_section(t, regs) < 0 || (t->rseq.cpu != cpu_id() && write_cpu(t, cpu_id()) < 0))
		die(t);
}
