/*
 * kernel/ipc/port.h for the simulation.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/task.h"

/* --- Faults on request, memory ----------------------------------------------------------------- */

static long live_allocations;
static unsigned allocation_to_fail, copy_to_fail;
static bool fault_happened;

static bool fails(unsigned *countdown)
{
	if (!*countdown || --*countdown)
		return false;
	fault_happened = true;
	return true;
}

void sim_fail_allocation(unsigned n)
{
	allocation_to_fail = n;
	fault_happened = false;
}
void sim_fail_copy(unsigned n)
{
	copy_to_fail = n;
	fault_happened = false;
}
bool sim_fault_happened(void)
{
	return fault_happened;
}
long sim_live_allocations(void)
{
	return live_allocations;
}

void *port_alloc(size_t size)
{
	ranks_check_no_spinlock(&sim_self->held, "memory is allocated");
	if (fails(&allocation_to_fail))
		return NULL;
	live_allocations++;
	return calloc(1, size ? size : 1);
}
void port_free(void *p)
{
	if (p)
		live_allocations--;
	free(p);
}
void *port_buffer_alloc(size_t size)
{
	ASSERT(size <= PORT_BUFFER_MAX);
	return port_alloc(size);
}
void port_buffer_free(void *p)
{
	port_free(p);
}
void *port_block_alloc(void)
{
	return port_alloc(PORT_BLOCK_SIZE);
}
void port_block_free(void *block)
{
	port_free(block);
}

/* --- Locks ------------------------------------------------------------------------------------- */

static void acquire(struct port_lock *l, enum rank_rule rule)
{
	ranks_check(&sim_self->held, l->class, rule);
	sim_point();
	while (l->owner) {
		ASSERT(l->owner != sim_self);
		sim_self->waiting = l;
		sim_block(TASK_BLOCKED);
	}
	l->owner = sim_self;
	ranks_taken(&sim_self->held, l, l->class);
}

static void release(struct port_lock *l)
{
	ASSERT(l->owner == sim_self);
	l->owner = NULL;
	ranks_released(&sim_self->held, l);
}

void port_lock_init(struct port_lock *l, enum lock_class class)
{
	static u64 age;
	ASSERT(lock_class_facts(class)->spins);
	*l = (struct port_lock){.class = class, .age = age++};
}
void port_lock(struct port_lock *l)
{
	acquire(l, RANK_ABOVE_ALL);
}
void port_unlock(struct port_lock *l)
{
	release(l);
}
void port_lock2(struct port_lock *a, struct port_lock *b)
{
	/* By age, not by address: malloc would make schedules differ from run to run. */
	bool in_order = a->age <= b->age;
	acquire(in_order ? a : b, RANK_ABOVE_ALL);
	if (a != b)
		acquire(in_order ? b : a, RANK_EQUAL_ALLOWED);
}
void port_unlock2(struct port_lock *a, struct port_lock *b)
{
	release(a);
	if (a != b)
		release(b);
}
void port_assert_held(const struct port_lock *l)
{
	ASSERT(l->owner == sim_self);
}

void port_mutex_init(struct port_mutex *m, enum lock_class class)
{
	ASSERT(!lock_class_facts(class)->spins);
	m->lock = (struct port_lock){.class = class};
}
void port_mutex_lock(struct port_mutex *m)
{
	acquire(&m->lock, RANK_ABOVE_ALL);
}
void port_mutex_lock2(struct port_mutex *a, struct port_mutex *b)
{
	port_lock2(&a->lock, &b->lock);
}
void port_mutex_unlock2(struct port_mutex *a, struct port_mutex *b)
{
	port_unlock2(&a->lock, &b->lock);
}
void port_mutex_lock_nested(struct port_mutex *m)
{
	acquire(&m->lock, RANK_EQUAL_ALLOWED);
}
void port_mutex_unlock(struct port_mutex *m)
{
	release(&m->lock);
}

/* --- Read sections ----------------------------------------------------------------------------- */

void port_read_lock(void)
{
	sim_read_section_changed(1);
}
void port_read_unlock(void)
{
	sim_read_section_changed(-1);
}
void port_defer(struct port_defer *d, void (*fn)(struct port_defer *d))
{
	d->fn = fn;
	sim_defer_add(d);
	sim_point();
}

/* --- Sleep and wake ---------------------------------------------------------------------------- */

static void assert_may_sleep(void)
{
	ASSERT(!sim_self->read_depth);
	ranks_check_no_spinlock(&sim_self->held, "the task sleeps");
}

struct port_thread *port_self(void)
{
	return (struct port_thread *)sim_self;
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
	struct sim_task *t = sim_self;
	assert_may_sleep();
	sim_point();
	t->interruptible = kind == PORT_INTERRUPTIBLE;
	t->deadline = deadline;
	t->expired = deadline <= sim_now();
	if (!t->token && !t->expired && !(t->interruptible && t->signalled))
		sim_block(TASK_PARKED);
	/* A token and a deadline that come together: a world may report either, and keeps the token. */
	if (t->token && !(t->expired && sim_choose(2))) {
		t->token = false;
		return PORT_WOKEN;
	}
	return t->interruptible && t->signalled ? PORT_SIGNAL : PORT_TIMEOUT;
}

void port_unpark(struct port_thread *thread)
{
	struct sim_task *t = (struct sim_task *)thread;
	sim_point();
	t->token = true;
	if (t->state == TASK_PARKED)
		t->state = TASK_READY;
}

/* --- Time, identity ---------------------------------------------------------------------------- */

enum { REAL_OFFSET_SECONDS = 1700000000 };
u64 port_mono_ns(void)
{
	return sim_now();
}
u64 port_real_ns(void)
{
	return sim_now() + REAL_OFFSET_SECONDS * 1000000000ull;
}
s64 port_real_seconds(void)
{
	return port_real_ns() / 1000000000;
}

s32 port_pid(void)
{
	return sim_self->identity.pid;
}
u32 port_urgency(void)
{
	return sim_self->identity.urgency;
}
s32 port_tid(void)
{
	return sim_self->tid;
}
u32 port_base_priority(const struct port_thread *t)
{
	return ((const struct sim_task *)t)->identity.priority;
}
void port_boost(struct port_thread *t, u32 priority)
{
	((struct sim_task *)t)->boost = priority;
}
struct port_pi *port_pi(struct port_thread *t)
{
	return &((struct sim_task *)t)->pi;
}
u32 port_euid(void)
{
	return sim_self->identity.euid;
}
u32 port_egid(void)
{
	return sim_self->identity.egid;
}
bool port_in_group(u32 gid)
{
	const struct sim_identity *id = &sim_self->identity;
	for (u32 i = 0; i < id->group_count; i++)
		if (id->groups[i] == gid)
			return true;
	return id->egid == gid;
}
bool port_capable(enum port_capability cap)
{
	return sim_self->identity.capabilities >> cap & 1;
}
struct ipc_namespace *port_ipc_ns(void)
{
	return sim_self->identity.ns;
}
struct sem_undo_list **port_sem_undo(void)
{
	return &sim_self->identity.undo;
}
void port_raise(int sig)
{
	sim_self->raised[sig]++;
}

/* --- User memory: the host's own, but the first page ---------------------------------------------- */

static bool copy_faults(uptr_t p)
{
	assert_may_sleep();
	sim_point();
	return p.addr < PORT_PAGE_SIZE || fails(&copy_to_fail);
}

int port_copy_in(void *dst, uptr_t src, size_t n)
{
	if (copy_faults(src))
		return -EFAULT;
	memcpy(dst, (const void *)src.addr, n);
	return 0;
}
int port_copy_out(uptr_t dst, const void *src, size_t n)
{
	if (copy_faults(dst))
		return -EFAULT;
	memcpy((void *)dst.addr, src, n);
	return 0;
}
int port_user_load_nofault(uptr_t p, u32 *out)
{
	if (p.addr < PORT_PAGE_SIZE)
		return -EFAULT;
	*out = *(const u32 *)p.addr;
	return 0;
}
int port_user_cmpxchg_nofault(uptr_t p, u32 expected, u32 desired, u32 *out_old)
{
	if (p.addr < PORT_PAGE_SIZE)
		return -EFAULT;
	u32 *word = (u32 *)p.addr;
	*out_old = *word;
	if (*word == expected)
		*word = desired;
	return 0;
}
int port_user_fault_in(uptr_t p, bool write)
{
	return p.addr < PORT_PAGE_SIZE ? -EFAULT : 0;
}
int port_futex_key(uptr_t p, bool shared, struct port_futex_key *out)
{
	if (p.addr < PORT_PAGE_SIZE)
		return -EFAULT;
	*out = (struct port_futex_key){1 + shared, p.addr};
	return 0;
}

size_t port_io_put(struct port_io *io, const void *from, size_t n)
{
	n = n < io->left ? n : io->left;
	if (copy_faults(UPTR(io->base)))
		return 0;
	memcpy(io->base, from, n);
	io->base += n;
	io->left -= n;
	return n;
}
size_t port_io_take(struct port_io *io, void *to, size_t n)
{
	n = n < io->left ? n : io->left;
	if (copy_faults(UPTR(io->base)))
		return 0;
	memcpy(to, io->base, n);
	io->base += n;
	io->left -= n;
	return n;
}
size_t port_io_left(const struct port_io *io)
{
	return io->left;
}

/* --- The rest ---------------------------------------------------------------------------------- */

void port_yield(void)
{
	sim_point();
}
void port_step(void)
{
	sim_point();
}
