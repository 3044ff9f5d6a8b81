/*
 * The kernel as a world of the IPC module (kernel/ipc/port.h): types, and what must be fast. The rest
 * is in kernel/port/port.c.
 */
#pragma once
#include "arch/uaccess.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/sync/waitq.h"
#include "kernel/proc/file.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uio.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/realtime.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/spinlock.h"

struct port_lock {
	struct spinlock spin;
};
struct port_mutex {
	struct mutex mutex;
};
struct port_defer {
	struct rcu_head rcu; /* offset 0: fn is called with the same address */
};
struct port_pollq {
	struct waitq waitq;
};
struct port_io {
	struct uio uio;
};
struct port_poll_later {
	struct port_pollq q;
	struct waitq_later later;
};
struct port_watched {
	struct file *file; /* outlives its watches */
};
struct watch_hook { /* kernel/port/watch.c */
	struct waitq_entry entry;
	struct waitq *q; /* [a] NULL: not on it, or it has gone */
	struct watch_hook *next;
};
struct port_watch {
	struct epoll_item *item;
	struct watch_hook first; /* most files have one queue */
};
static ALWAYS_INLINE void port_watch_init(struct port_watch *w)
{
	w->first.entry.wake = NULL;
	w->first.q = NULL;
	w->first.next = NULL;
}

MUST_CHECK static ALWAYS_INLINE void *port_alloc(size_t size)
{
	return size <= 4096 ? kzalloc(size) : kvzalloc(size);
}

MUST_CHECK static ALWAYS_INLINE void *port_buffer_alloc(size_t size)
{
	return kmalloc(size);
}
static ALWAYS_INLINE void port_buffer_free(void *p)
{
	kfree(p);
}

static ALWAYS_INLINE void port_lock(struct port_lock *l)
{
	spin_lock(&l->spin);
}
static ALWAYS_INLINE void port_unlock(struct port_lock *l)
{
	spin_unlock(&l->spin);
}
static ALWAYS_INLINE void port_assert_held(const struct port_lock *l)
{
	ASSERT_HELD(&l->spin);
}
static ALWAYS_INLINE void port_read_lock(void)
{
	rcu_read_lock();
}
static ALWAYS_INLINE void port_read_unlock(void)
{
	rcu_read_unlock();
}

static ALWAYS_INLINE struct port_thread *port_self(void)
{
	return (struct port_thread *)thread_current();
}
static ALWAYS_INLINE enum park_kind port_park_kind(enum port_sleep kind)
{
	return kind == PORT_INTERRUPTIBLE ? PARK_INTERRUPTIBLE : PARK_UNINTERRUPTIBLE;
}
static ALWAYS_INLINE enum port_wake port_park(u64 deadline, enum port_sleep kind)
{
	_Static_assert(PORT_WALL == PARK_WALL && PORT_FOREVER == PARK_FOREVER, "deadlines, too");
	_Static_assert((int)PORT_WOKEN == PARK_WOKEN && (int)PORT_TIMEOUT == PARK_TIMEOUT &&
	                       (int)PORT_SIGNAL == PARK_SIGNAL,
	               "the reasons are numbered alike");
	return (enum port_wake)park(deadline, port_park_kind(kind));
}
static ALWAYS_INLINE void port_unpark(struct port_thread *t)
{
	unpark((struct thread *)t);
}
static ALWAYS_INLINE u64 port_real_ns(void)
{
	return realtime_ns();
}
static ALWAYS_INLINE s64 port_real_seconds(void)
{
	return (s64)realtime_seconds();
}

static ALWAYS_INLINE s32 port_pid(void)
{
	return task_current()->process->pid;
}
static ALWAYS_INLINE u32 port_base_priority(const struct port_thread *t)
{
	return load_relaxed(&((const struct thread *)t)->rt_priority);
}
static ALWAYS_INLINE u32 port_uid(void)
{
	return task_current()->cred->uid;
}
static ALWAYS_INLINE u32 port_gid(void)
{
	return task_current()->cred->gid;
}
static ALWAYS_INLINE u32 port_urgency(void)
{
	const struct thread *t = thread_current();
	return unlikely(t->priority) ? 40u + t->priority : (u32)(19 - t->nice);
}
static ALWAYS_INLINE u32 port_euid(void)
{
	return task_current()->cred->euid;
}
static ALWAYS_INLINE u32 port_egid(void)
{
	return task_current()->cred->egid;
}
static ALWAYS_INLINE struct ipc_namespace *port_ipc_ns(void)
{
	return task_current()->ipc_ns;
}
static ALWAYS_INLINE struct sem_undo_list **port_sem_undo(void)
{
	return &task_current()->sem_undo;
}

MUST_CHECK static ALWAYS_INLINE int port_copy_in(void *dst, uptr_t src, size_t n)
{
	return copy_from_user(dst, src, n);
}
MUST_CHECK static ALWAYS_INLINE int port_copy_out(uptr_t dst, const void *src, size_t n)
{
	return copy_to_user(dst, src, n);
}
MUST_CHECK static ALWAYS_INLINE int port_user_load_nofault(uptr_t p, u32 *out)
{
	return user_load_u32_nofault(p, out);
}
MUST_CHECK static ALWAYS_INLINE int port_user_cmpxchg_nofault(uptr_t p, u32 expected, u32 desired,
                                                              u32 *out_old)
{
	return user_cmpxchg_u32_nofault(p, expected, desired, out_old);
}

MUST_CHECK static ALWAYS_INLINE int port_futex_key(uptr_t p, bool shared,
                                                   struct port_futex_key *out)
{
	struct futex_key key;
	int err = vm_futex_key(thread_current()->aspace, p, !shared, &key);
	*out = (struct port_futex_key){key.space, key.offset};
	return err;
}

MUST_CHECK static ALWAYS_INLINE size_t port_io_put(struct port_io *io, const void *from, size_t n)
{
	return uio_put(&io->uio, from, n);
}
MUST_CHECK static ALWAYS_INLINE size_t port_io_take(struct port_io *io, void *to, size_t n)
{
	return uio_take(&io->uio, to, n);
}
static ALWAYS_INLINE size_t port_io_left(const struct port_io *io)
{
	return io->uio.left;
}

static ALWAYS_INLINE void port_poll_wake(struct port_pollq *q, u32 events)
{
	/* Orders the change that is announced before the look at the list: what was stored under a lock that has been
	 * released may still be on its way. Partner: the locked instruction in waitq_add(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (unlikely(waitq_active(&q->waitq)))
		waitq_wake_active(&q->waitq, events);
}
static ALWAYS_INLINE void port_poll_wake_all(struct port_pollq *q, u32 events)
{
	waitq_wake_all(&q->waitq, events);
}

MUST_CHECK static ALWAYS_INLINE u32 port_watched_events(const struct port_watched *what)
{
	return what->file->ops->poll(what->file, NULL);
}
static ALWAYS_INLINE void port_poll_wake_later(struct port_poll_later *l)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in port_poll_wake() */
	if (unlikely(waitq_active(&l->q.waitq)))
		waitq_wake_later(&l->later);
}

static ALWAYS_INLINE void port_mutex_lock(struct port_mutex *m)
{
	mutex_lock(&m->mutex);
}
static ALWAYS_INLINE void port_mutex_lock_nested(struct port_mutex *m)
{
	mutex_lock_nested(&m->mutex);
}
static ALWAYS_INLINE void port_mutex_unlock(struct port_mutex *m)
{
	mutex_unlock(&m->mutex);
}

static ALWAYS_INLINE void port_mutex_lock2(struct port_mutex *a, struct port_mutex *b)
{
	mutex_lock2(&a->mutex, &b->mutex);
}
static ALWAYS_INLINE void port_mutex_unlock2(struct port_mutex *a, struct port_mutex *b)
{
	mutex_unlock2(&a->mutex, &b->mutex);
}

MUST_CHECK static ALWAYS_INLINE void *port_page_alloc(void)
{
	struct page *page = page_alloc(0, PAGE_ANY);
	return page ? page_virt(page) : NULL;
}
static ALWAYS_INLINE void port_page_get(void *page)
{
	page_get(virt_page(page));
}
static ALWAYS_INLINE void port_page_free(void *page)
{
	page_put(virt_page(page));
}
static ALWAYS_INLINE void port_page_free_sole(void *page)
{
	DEBUG_ASSERT(refcount_read(&virt_page(page)->refs) == 1);
	page_free(virt_page(page), 0);
}

static ALWAYS_INLINE void port_step(void) {}
