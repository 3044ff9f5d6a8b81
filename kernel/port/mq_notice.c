#include "kernel/port/mq_notice.h"
#include "abi/mqueue.h"
#include "kernel/ipc/port.h"
#include "kernel/net/netlink.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"

struct port_notice {
	struct process *process; /* [I] reference */
	u32 program;             /* [I] process->programs when it registered */
	s32 how;                 /* [I] SIGEV_* */
	s32 signal;              /* [I] SIGEV_SIGNAL */
	u64 value;
	struct netlink_notice *cookie; /* [I] SIGEV_THREAD */
};

_Static_assert((int)MQ_COOKIE_BYTES == NETLINK_COOKIE_BYTES &&
                       (int)MQ_COOKIE_WOKEN == NETLINK_NOTIFY_WOKEN &&
                       (int)MQ_COOKIE_REMOVED == NETLINK_NOTIFY_REMOVED,
               "one protocol");

static struct netlink_notice *cookie_new(const struct abi_sigevent *event)
{
	u8 cookie[MQ_COOKIE_BYTES];
	int err = copy_from_user(cookie, UPTR(event->value), sizeof cookie);
	return err ? err_ptr(err) : netlink_notice_new(event->signo, cookie);
}

static int event_check(const struct abi_sigevent *event)
{
	if (event->notify != SIGEV_NONE && event->notify != SIGEV_SIGNAL &&
	    event->notify != SIGEV_THREAD)
		return -EINVAL;
	return event->notify == SIGEV_SIGNAL && (u32)event->signo > NSIG ? -EINVAL : 0;
}

struct port_notice *mq_notice_new(const struct abi_sigevent *event)
{
	int err = event_check(event);
	if (err)
		return err_ptr(err);
	struct netlink_notice *cookie = event->notify == SIGEV_THREAD ? cookie_new(event) : NULL;
	if (is_err(cookie))
		return (struct port_notice *)cookie;
	struct port_notice *n = kmalloc(sizeof *n);
	if (!n) {
		if (cookie)
			netlink_notice_free(cookie);
		return err_ptr(-ENOMEM);
	}
	struct process *p = process_current();
	process_get(p);
	*n = (struct port_notice){
		.process = p,
		.program = load_relaxed(&p->programs),
		.how = event->notify,
		.signal = event->notify == SIGEV_SIGNAL ? event->signo : 0,
		.value = event->value,
		.cookie = cookie,
	};
	return n;
}

static void notice_free(struct port_notice *n)
{
	process_put(n->process);
	kfree(n);
}

void mq_notice_free(struct port_notice *n)
{
	if (n->cookie)
		netlink_notice_free(n->cookie);
	notice_free(n);
}

static void raise_signal(const struct port_notice *n)
{
	const struct siginfo info = {
		.signo = n->signal,
		.code = SI_MESGQ,
		.pid = process_current()->pid,
		.uid = cred_current()->uid,
		.value.ptr = n->value,
	};
	if (load_relaxed(&n->process->programs) == n->program)
		(void)signal_send_process(n->process, n->signal, &info);
}

void port_notice_tell(struct port_notice *n)
{
	if (n->cookie)
		netlink_notice_send(n->cookie, MQ_COOKIE_WOKEN);
	else if (n->signal)
		raise_signal(n);
	notice_free(n);
}

void port_notice_remove(struct port_notice *n)
{
	if (n->cookie)
		netlink_notice_send(n->cookie, MQ_COOKIE_REMOVED);
	notice_free(n);
}

bool port_notice_mine(const struct port_notice *n)
{
	return n->process == process_current();
}

void port_notice_facts(const struct port_notice *n, struct port_notice_facts *out)
{
	*out = (struct port_notice_facts){
		.how = n->how, .signal = n->signal, .pid = n->process->pid};
}

static void program_begins(struct task *t)
{
	struct process *p = t->process;
	store_relaxed(&p->programs, p->programs + 1);
}
static const struct proc_hooks notice_hooks = {.name = "mq_notice", .exec = program_begins};
PROC_HOOKS(notice_hooks);
