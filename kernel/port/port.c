/* The kernel's side of kernel/ipc/port.h that need not be inline. */
#include "kernel/ipc/port.h"
#include "abi/poll.h"
#include "arch/clock.h"
#include "arch/trap.h"
#include "kernel/lib/log.h"
#include "kernel/lib/printf.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/port/internal.h"
#include "kernel/sched/policy.h"
#include "kernel/sched/realtime.h"

_Static_assert((int)PORT_PAGE_SIZE == PAGE_SIZE, "the module's buffer page is a page");
_Static_assert(offsetof(struct port_defer, rcu) == 0, "port_defer casts its callback");

void port_free(void *p)
{
	kvfree(p);
}
static struct slab_cache *block_cache;
void port_memory_init(void)
{
	block_cache = slab_cache_new("ipc_block", PORT_BLOCK_SIZE, PAGE_SIZE);
}
void *port_block_alloc(void)
{
	return slab_alloc(block_cache);
}
void port_block_free(void *block)
{
	slab_free(block_cache, block);
}

void port_lock_init(struct port_lock *l, enum lock_class class)
{
	l->spin = (struct spinlock){0};
#if DEBUG_BUILD
	l->spin.class = class;
#endif
}
void port_lock2(struct port_lock *a, struct port_lock *b)
{
	spin_lock2(&a->spin, &b->spin);
}
void port_unlock2(struct port_lock *a, struct port_lock *b)
{
	spin_unlock2(&a->spin, &b->spin);
}
void port_mutex_init(struct port_mutex *m, enum lock_class class)
{
	mutex_init_class(&m->mutex, class);
}

void port_defer(struct port_defer *d, void (*fn)(struct port_defer *d))
{
	rcu_call(&d->rcu, (void (*)(struct rcu_head *))fn);
}

u64 port_mono_ns(void)
{
	return clock_mono_ns();
}

bool port_in_group(u32 gid)
{
	return cred_in_group(cred_current(), gid);
}
bool port_capable(enum port_capability cap)
{
	return capable(cap);
}
void port_raise(int sig)
{
	(void)signal_send_task(task_current(), sig, NULL);
}

int port_user_fault_in(uptr_t p, bool write)
{
	u32 word;
	TRY(copy_from_user(&word, p, sizeof word));
	if (!write)
		return 0;
	/* As a store by the user would fault: breaks copy-on-write, leaves the word alone. */
	return mm_page_fault(p.addr, PF_WRITE | PF_PRESENT, false) < 0 ? -EFAULT : 0;
}
void port_pollq_init(struct port_pollq *q)
{
	waitq_init(&q->waitq);
}
void port_poll_later_init(struct port_poll_later *l)
{
	waitq_init(&l->q.waitq);
	l->later = (struct waitq_later){.q = &l->q.waitq, .key = POLLIN | POLLRDNORM};
}
void port_yield(void)
{
	cond_resched();
}

_Static_assert(sizeof(struct port_pi) <= sizeof(((struct task *)0)->futex_pi),
               "room in struct task");

s32 port_tid(void)
{
	return task_current()->tid;
}
struct port_thread *port_thread_find(s32 tid)
{
	return (struct port_thread *)task_find(tid);
}
struct port_pi *port_pi(struct port_thread *t)
{
	return (struct port_pi *)&((struct task *)t)->futex_pi;
}
void port_boost(struct port_thread *t, u32 priority)
{
	thread_boost((struct thread *)t, (u8)priority);
}

struct port_user *port_user_get(void)
{
	struct user *u = cred_current()->user;
	user_get(u);
	return (struct port_user *)u;
}
void port_user_put(struct port_user *u)
{
	user_put((struct user *)u);
}
u64 *port_user_account(struct port_user *u, enum port_account which)
{
	struct user *user = (struct user *)u;
	u64 *const accounts[] = {
		[PORT_EPOLL_WATCHES] = &user->epoll_watches,
		[PORT_PIPE_PAGES] = &user->pipe_pages,
		[PORT_MQUEUE_BYTES] = &user->mqueue_bytes,
	};
	return accounts[which];
}
u64 port_mqueue_limit(void)
{
	return rlimit(RLIMIT_MSGQUEUE);
}
