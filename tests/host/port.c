/* kernel/ipc/port.h on pthreads: all but the locks. */
/* <errno.h> is abi/errno.h here: the same numbers */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <time.h>
#include "kernel/ipc/futex/pi.h"
#include "kernel/ipc/sem/sem.h"
#include "tests/host/thread.h"

/* --- Memory --- */

static long live; /* [a] */

static bool fails(unsigned *countdown)
{
	if (!*countdown || --*countdown)
		return false;
	host_current()->fault_happened = true;
	return true;
}
void host_fail_allocation(unsigned n)
{
	host_current()->allocation_to_fail = n;
	host_current()->fault_happened = false;
}
void host_fail_copy(unsigned n)
{
	host_current()->copy_to_fail = n;
	host_current()->fault_happened = false;
}
bool host_fault_happened(void)
{
	return host_current()->fault_happened;
}
long host_live_allocations(void)
{
	return load_relaxed(&live);
}

void *port_alloc(size_t size)
{
	host_may_allocate();
	if (fails(&host_current()->allocation_to_fail))
		return NULL;
	__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
	return calloc(1, size ? size : 1);
}
void port_free(void *p)
{
	if (p)
		__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
	free(p);
}
void *port_buffer_alloc(size_t size)
{
	ASSERT(size <= PORT_BUFFER_MAX);
	void *p = port_alloc(size);
	return p ? memset(p, 0xa5, size) : NULL;
}
void port_buffer_free(void *p)
{
	port_free(p);
}
void *port_block_alloc(void)
{
	void *p = port_alloc(PORT_BLOCK_SIZE);
	return p ? memset(p, 0xa5, PORT_BLOCK_SIZE) : NULL;
}
void port_block_free(void *block)
{
	port_free(block);
}

/* --- Threads --- */

static struct host_thread main_thread = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.identity = {.pid = 1, .capabilities = UINT64_MAX},
};
static _Thread_local struct host_thread *current;

struct host_thread *host_current(void)
{
	return current ? current : &main_thread;
}
struct host_identity *host_self(void)
{
	return &host_current()->identity;
}
struct port_thread *port_self(void)
{
	return (struct port_thread *)host_current();
}

struct host_thread *host_thread_self(void)
{
	return host_current();
}
struct host_identity *host_identity(struct host_thread *t)
{
	return &t->identity;
}

/* Threads by tid; what is found stays in memory through the finder's read section. */
static struct {
	pthread_mutex_t lock;
	struct list list;
} tids = {PTHREAD_MUTEX_INITIALIZER, LIST_INIT(tids.list)};

static void tid_add(struct host_thread *t)
{
	futex_pi_thread_init(&t->pi);
	pthread_mutex_lock(&tids.lock);
	list_add_tail(&tids.list, &t->tid_link);
	pthread_mutex_unlock(&tids.lock);
}
static void tid_del(struct host_thread *t)
{
	pthread_mutex_lock(&tids.lock);
	list_del(&t->tid_link);
	pthread_mutex_unlock(&tids.lock);
}
struct port_thread *port_thread_find(s32 tid)
{
	struct host_thread *t, *found = NULL;

	pthread_mutex_lock(&tids.lock);
	list_for_each (t, &tids.list, tid_link)
		if (t->tid == tid)
			found = t;
	pthread_mutex_unlock(&tids.lock);
	return (struct port_thread *)found;
}
void host_init(void)
{
	main_thread.tid = main_thread.identity.pid;
	tid_add(&main_thread);
}

static void *run(void *arg)
{
	current = arg;
	current->body(current->arg);
	sem_undo_put(TAKE(current->identity.undo));
	futex_pi_exit(true);
	tid_del(current);
	return NULL;
}

struct host_thread *host_spawn(void (*body)(void *arg), void *arg)
{
	static s32 last_pid = 1000;
	struct host_thread *t = calloc(1, sizeof *t);
	t->body = body;
	t->arg = arg;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &monotonic);
	t->identity = (struct host_identity){
		.pid = __atomic_add_fetch(&last_pid, 1, __ATOMIC_RELAXED),
		.capabilities = UINT64_MAX,
		.ns = host_self()->ns,
	};
	t->tid = t->identity.pid;
	tid_add(t);
	if (pthread_create(&t->pthread, NULL, run, t))
		panic("pthread_create");
	return t;
}

void host_join(struct host_thread *t)
{
	pthread_join(t->pthread, NULL);
	/* An unpark through a pointer found in a read section may still come. */
	host_settle();
	free(t);
}

static void change(struct host_thread *t, bool *flag)
{
	pthread_mutex_lock(&t->lock);
	*flag = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}
void host_signal(struct host_thread *t)
{
	change(t, &t->signalled);
}
void port_unpark(struct port_thread *thread)
{
	struct host_thread *t = (struct host_thread *)thread;
	change(t, &t->token);
}
void host_wait_asleep(struct host_thread *t)
{
	pthread_mutex_lock(&t->lock);
	while (!t->asleep)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

/* => false at the deadline. t locked. */
static bool wait_changed(struct host_thread *t, u64 deadline)
{
	if (deadline == PORT_FOREVER)
		return pthread_cond_wait(&t->changed, &t->lock) == 0;
	struct timespec at = {.tv_sec = (time_t)(deadline / 1000000000),
	                      .tv_nsec = (long)(deadline % 1000000000)};
	return pthread_cond_timedwait(&t->changed, &t->lock, &at) != ETIMEDOUT;
}

/* Nobody sets the wall clock here. => in port_mono_ns() time. */
static u64 deadline_mono(u64 deadline)
{
	if (deadline == PORT_FOREVER || !(deadline & PORT_WALL))
		return deadline;
	u64 real = deadline & ~PORT_WALL, offset = port_real_ns() - port_mono_ns();
	return real > offset ? real - offset : 0;
}

enum port_wake port_park(u64 deadline, enum port_sleep kind)
{
	deadline = deadline_mono(deadline);
	struct host_thread *t = host_current();
	enum port_wake why = PORT_WOKEN;

	host_may_sleep();
	pthread_mutex_lock(&t->lock);
	t->asleep = true;
	pthread_cond_broadcast(&t->changed);
	while (!t->token && why == PORT_WOKEN) {
		if (kind == PORT_INTERRUPTIBLE && t->signalled)
			why = PORT_SIGNAL;
		else if (!wait_changed(t, deadline) && !t->token)
			why = PORT_TIMEOUT;
	}
	t->asleep = false;
	if (why == PORT_WOKEN)
		t->token = false;
	if (why == PORT_SIGNAL)
		t->signalled = false;
	pthread_mutex_unlock(&t->lock);
	return why;
}

/* --- Time --- */

static u64 now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}
u64 port_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}
u64 port_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}
s64 port_real_seconds(void)
{
	return (s64)(port_real_ns() / 1000000000);
}

/* --- Identity --- */

s32 port_pid(void)
{
	return host_self()->pid;
}
u32 port_urgency(void)
{
	return host_self()->urgency;
}
s32 port_tid(void)
{
	return host_current()->tid;
}
u32 port_base_priority(const struct port_thread *t)
{
	return load_relaxed(&((const struct host_thread *)t)->identity.priority);
}
void port_boost(struct port_thread *t, u32 priority)
{
	store_relaxed(&((struct host_thread *)t)->boost, priority);
}
u32 host_boost(struct host_thread *t)
{
	return load_relaxed(&t->boost);
}
struct port_pi *port_pi(struct port_thread *t)
{
	return &((struct host_thread *)t)->pi;
}
u32 port_euid(void)
{
	return host_self()->euid;
}
u32 port_egid(void)
{
	return host_self()->egid;
}
bool port_in_group(u32 gid)
{
	const struct host_identity *me = host_self();
	if (gid == me->egid)
		return true;
	for (u32 i = 0; i < me->group_count; i++)
		if (me->groups[i] == gid)
			return true;
	return false;
}
bool port_capable(enum port_capability cap)
{
	return host_self()->capabilities >> cap & 1;
}
struct ipc_namespace *port_ipc_ns(void)
{
	return host_self()->ns;
}
struct sem_undo_list **port_sem_undo(void)
{
	return &host_self()->undo;
}
void port_raise(int sig)
{
	host_current()->raised[sig]++;
}
unsigned host_raised(int sig)
{
	return __atomic_exchange_n(&host_current()->raised[sig], 0, __ATOMIC_RELAXED);
}

/* --- User memory: the first page is not mapped. --- */

static bool mapped(uptr_t p)
{
	return p.addr >= 4096 && !fails(&host_current()->copy_to_fail);
}
int port_copy_in(void *dst, uptr_t src, size_t n)
{
	host_may_sleep();
	if (!mapped(src))
		return -EFAULT;
	if (n == sizeof(u32)) /* a futex word: others change it atomically */
		*(u32 *)dst = __atomic_load_n((u32 *)src.addr, __ATOMIC_SEQ_CST);
	else
		memcpy(dst, (void *)src.addr, n);
	return 0;
}
int port_copy_out(uptr_t dst, const void *src, size_t n)
{
	host_may_sleep();
	if (!mapped(dst))
		return -EFAULT;
	memcpy((void *)dst.addr, src, n);
	return 0;
}
int port_user_load_nofault(uptr_t p, u32 *out)
{
	if (!mapped(p))
		return -EFAULT;
	*out = __atomic_load_n((u32 *)p.addr, __ATOMIC_SEQ_CST);
	return 0;
}
int port_user_cmpxchg_nofault(uptr_t p, u32 expected, u32 desired, u32 *out_old)
{
	if (!mapped(p))
		return -EFAULT;
	*out_old = expected;
	__atomic_compare_exchange_n((u32 *)p.addr, out_old, desired, false, __ATOMIC_SEQ_CST,
	                            __ATOMIC_SEQ_CST);
	return 0;
}
int port_user_fault_in(uptr_t p, bool write)
{
	host_may_sleep();
	return p.addr >= 4096 ? 0 : -EFAULT;
}
int port_futex_key(uptr_t p, bool shared, struct port_futex_key *out)
{
	*out = (struct port_futex_key){.space = 1, .offset = p.addr};
	return 0;
}

/* --- Files --- */

size_t port_io_put(struct port_io *io, const void *from, size_t n)
{
	host_may_sleep();
	if (fails(&host_current()->copy_to_fail))
		return 0;
	n = MIN(n, io->left);
	memcpy(io->base, from, n);
	io->base += n;
	io->left -= n;
	return n;
}
size_t port_io_take(struct port_io *io, void *to, size_t n)
{
	host_may_sleep();
	if (fails(&host_current()->copy_to_fail))
		return 0;
	n = MIN(n, io->left);
	memcpy(to, io->base, n);
	io->base += n;
	io->left -= n;
	return n;
}
size_t port_io_left(const struct port_io *io)
{
	return io->left;
}
