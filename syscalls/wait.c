#include "abi/process.h"
#include "abi/signal.h"
#include "arch/uaccess.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/task.h"
#include "kernel/proc/wait.h"
#include "syscalls/syscall.h"

enum { O_NONBLOCK_FLAG = 04000 };

SYSCALL4(wait4, int, pid, uptr_t, status, u32, options, uptr_t, usage)
{
	const u32 known = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
	struct wait_request r = {.options = options | WEXITED};
	struct wait_result result;

	if (options & ~known)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1) {
		r.type = P_ALL;
	} else if (pid > 0) {
		r.type = P_PID;
		r.id = pid;
	} else {
		r.type = P_PGID;
		r.id = pid ? -pid : load_relaxed(&process_current()->pgid);
	}
	long found = process_wait(&r, &result);
	if (found > 0 && !uptr_null(status))
		TRY(copy_to_user(status, &result.wait_status, sizeof(s32)));
	if (found > 0 && !uptr_null(usage))
		TRY(copy_to_user(usage, &result.usage, sizeof(result.usage)));
	return found;
}

/* Linux writes these fields one by one and leaves the rest of the user's siginfo alone. */
static int put_siginfo(uptr_t to, const struct wait_result *w, long found)
{
	const struct {
		s32 signo, error, code;
	} head = {found > 0 ? SIGCHLD : 0, 0, found > 0 ? w->code : 0};
	const struct {
		s32 pid;
		u32 uid;
		s32 status;
	} child = {found > 0 ? w->pid : 0, found > 0 ? w->uid : 0, found > 0 ? w->status : 0};

	TRY(copy_to_user(to, &head, sizeof(head)));
	return copy_to_user(uptr_add(to, offsetof(struct siginfo, pid)), &child, sizeof(child));
}

static int decode_target(u32 type, s32 id, struct wait_request *r)
{
	u32 file_flags;

	r->type = type;
	r->id = id;
	switch (type) {
	case P_ALL: return 0;
	case P_PID: return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		if (!id)
			r->id = load_relaxed(&process_current()->pgid);
		return 0;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		r->process = TRY_PTR(pidfd_process_get(id, &file_flags));
		if (file_flags & O_NONBLOCK_FLAG)
			r->options |= WNOHANG;
		return 0;
	default: return -EINVAL;
	}
}

static long wait_for(u32 type, s32 id, u32 options, struct wait_result *result)
{
	const u32 known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
	                  __WCLONE | __WALL;
	struct wait_request r = {.options = options};

	if (options & ~known || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	TRY(decode_target(type, id, &r));
	long found = process_wait(&r, result);
	if (r.process)
		process_put(r.process);
	/* A non-blocking pidfd says EAGAIN where WNOHANG says 0. */
	return !found && r.options & WNOHANG && !(options & WNOHANG) ? -EAGAIN : found;
}

SYSCALL5(waitid, u32, type, int, id, uptr_t, info, u32, options, uptr_t, usage)
{
	struct wait_result result;
	long found = wait_for(type, id, options, &result);

	if (found > 0 && !uptr_null(usage))
		TRY(copy_to_user(usage, &result.usage, sizeof(result.usage)));
	/* Written after a failure, too, all zero: a pointer that is bad comes before any other error. */
	if (!uptr_null(info))
		TRY(put_siginfo(info, &result, found));
	return found < 0 ? found : 0;
}

SYSCALL2(getrusage, int, who, uptr_t, out)
{
	struct task *me = task_current();
	struct process_times times;
	struct rusage_abi usage;

	switch (who) {
	case RUSAGE_SELF: process_times(me->process, &times); break;
	case RUSAGE_THREAD: task_times(me, &times); break;
	case RUSAGE_CHILDREN: {
		struct sighand *s = sighand_lock(me->process);
		times = me->process->children_times;
		sighand_unlock(s);
		break;
	}
	default: return -EINVAL;
	}
	rusage_fill(&usage, &times);
	return copy_to_user(out, &usage, sizeof(usage));
}
