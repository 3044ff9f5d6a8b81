#include "kernel/fs/locks.h"
#include "kernel/dev/device.h"
#include "kernel/fs/seq.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/hooks.h"
#include "kernel/sched/thread.h"

enum { LOCK_CHAIN_MAX = 10 };

struct file_locks {        /* of one inode, made for its first lock, gone with it */
	struct list held;  /* struct file_lock by start */
	struct list queue; /* struct lock_wait, FIFO */
	struct inode *inode;
	struct list link; /* in all_inodes */
};
struct lock_wait {
	struct list link;     /* in file_locks.queue */
	struct list all_link; /* every POSIX waiter, for the search for deadlocks */
	const struct file_lock *request;
	const void *blocker; /* owner of what is in the way */
	struct thread *thread;
	bool ready; /* try again */
};
static struct spinlock locks_lock = SPINLOCK_INIT(FILE_LOCKS);
static struct list all_locks = LIST_INIT(all_locks);
static struct list all_waits = LIST_INIT(all_waits);
static struct list all_inodes = LIST_INIT(all_inodes);

static bool same_space(const struct file_lock *a, const struct file_lock *b)
{
	return (a->kind == LOCK_KIND_FLOCK) == (b->kind == LOCK_KIND_FLOCK);
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	return same_space(a, b) && !same_owner(a, b) && a->start <= b->end && b->start <= a->end &&
	       (a->type == F_WRLCK || b->type == F_WRLCK);
}

static struct file_lock *find_conflict(struct file_locks *l, const struct file_lock *request)
{
	struct file_lock *held;
	if (request->type == F_UNLCK)
		return NULL;
	list_for_each (held, &l->held, link)
		if (conflicts(held, request))
			return held;
	return NULL;
}

static void lock_insert(struct file_locks *l, struct file_lock *lock)
{
	struct file_lock *after;
	list_for_each (after, &l->held, link)
		if (after->start > lock->start)
			break;
	list_add_tail(&after->link, &lock->link);
	list_add_tail(&all_locks, &lock->all_link);
}

static void lock_remove(struct file_lock *lock, struct list *freed)
{
	list_del(&lock->link);
	list_del(&lock->all_link);
	list_add(freed, &lock->link);
}

static void wake_ready(struct file_locks *l)
{
	struct lock_wait *w, *next;
	list_for_each_safe (w, next, &l->queue, link) {
		if (!w->ready && !find_conflict(l, w->request)) {
			w->ready = true;
			unpark(w->thread);
		}
	}
}

/* Takes the part of `old` within [start, end] away; a cut in the middle uses *spare. */
static void lock_cut(struct file_locks *l, struct file_lock *old, u64 start, u64 end,
                     struct file_lock **spare, struct list *freed)
{
	if (old->start < start && old->end > end) {
		struct file_lock *right = *spare;
		*spare = NULL;
		*right = *old;
		right->start = end + 1;
		old->end = start - 1;
		lock_insert(l, right);
	} else if (old->start < start) {
		old->end = start - 1;
	} else if (old->end > end) {
		/* the order by start may change */
		list_del(&old->link);
		list_del(&old->all_link);
		old->start = end + 1;
		lock_insert(l, old);
	} else {
		lock_remove(old, freed);
	}
}

/* No conflict: makes the owner's locks on the range what is asked. */
static void lock_apply(struct file_locks *l, const struct file_lock *request,
                       struct file_lock **made, struct file_lock **spare, struct list *freed)
{
	struct file_lock want = *request, *old, *next;
	list_for_each_safe (old, next, &l->held, link) {
		if (!same_owner(old, request))
			continue;
		bool touches = old->start <= (want.end == LOCK_END_MAX ? want.end : want.end + 1) &&
		               want.start <= (old->end == LOCK_END_MAX ? old->end : old->end + 1);
		if (old->type == want.type && touches) {
			want.start = MIN(want.start, old->start);
			want.end = MAX(want.end, old->end);
			lock_remove(old, freed);
		} else if (old->start <= want.end && want.start <= old->end) {
			lock_cut(l, old, want.start, want.end, spare, freed);
		}
	}
	if (want.type != F_UNLCK) {
		**made = want;
		lock_insert(l, *made);
		*made = NULL;
	}
	wake_ready(l);
}

static bool would_deadlock(const void *owner, const void *blocker)
{
	for (u32 step = 0; step < LOCK_CHAIN_MAX && blocker; step++) {
		if (blocker == owner)
			return true;
		const void *next = NULL;
		struct lock_wait *w;
		list_for_each (w, &all_waits, all_link)
			if (w->request->owner == blocker)
				next = w->blocker;
		blocker = next;
	}
	return false;
}

/* locks_lock held, and held again on return. => 0: try again, -EDEADLK, -ERESTARTSYS. */
static int lock_wait(struct file_locks *l, const struct file_lock *request,
                     const struct file_lock *in_the_way)
{
	bool posix = request->kind == LOCK_KIND_POSIX && in_the_way->kind == LOCK_KIND_POSIX;
	if (posix && would_deadlock(request->owner, in_the_way->owner))
		return -EDEADLK;
	struct lock_wait w = {.request = request,
	                      .blocker = posix ? in_the_way->owner : NULL,
	                      .thread = thread_current()};
	list_add_tail(&l->queue, &w.link);
	list_init(&w.all_link);
	if (posix)
		list_add_tail(&all_waits, &w.all_link);
	int err = 0;
	while (!w.ready && !err) {
		spin_unlock(&locks_lock);
		if (park(PARK_FOREVER, PARK_INTERRUPTIBLE) == PARK_SIGNAL)
			err = -ERESTARTSYS;
		spin_lock(&locks_lock);
	}
	list_del(&w.link);
	list_del(&w.all_link);
	return w.ready ? 0 : err;
}

static struct file_locks *locks_of(struct inode *i)
{
	struct file_locks *l = load_acquire(&i->locks);
	if (l)
		return l;
	struct file_locks *made = kmalloc(sizeof(*made));
	if (!made)
		return NULL;
	list_init(&made->held);
	list_init(&made->queue);
	made->inode = i;
	spin_lock(&locks_lock);
	l = i->locks;
	if (!l) {
		list_add_tail(&all_inodes, &made->link);
		store_release(&i->locks, made);
	}
	spin_unlock(&locks_lock);
	if (!l)
		return made;
	kfree(made); /* another thread was faster */
	return l;
}

static int lock_try(struct file_locks *l, const struct file_lock *request, bool wait,
                    struct file_lock **made, struct file_lock **spare, struct list *freed)
{
	struct file_lock *blocker;
	GUARD(spin)
	(&locks_lock);
	while ((blocker = find_conflict(l, request))) {
		if (!wait)
			return -EAGAIN;
		TRY(lock_wait(l, request, blocker));
	}
	lock_apply(l, request, made, spare, freed);
	return 0;
}

static void locks_kfree(struct list *freed)
{
	struct list *n;
	while ((n = list_pop(freed)))
		kfree(list_entry(n, struct file_lock, link));
}

int lock_set(struct inode *i, const struct file_lock *request, bool wait)
{
	struct list freed = LIST_INIT(freed);
	struct file_lock wish = *request;
	wish.inode = i;
	struct file_locks *l = locks_of(i);
	struct file_lock *made = kmalloc(sizeof(*made)), *spare = kmalloc(sizeof(*spare));
	int err = l && made && spare ? lock_try(l, &wish, wait, &made, &spare, &freed) : -ENOMEM;
	kfree(made);
	kfree(spare);
	locks_kfree(&freed);
	return err;
}

void lock_test(struct inode *i, const struct file_lock *request, struct file_lock *out)
{
	*out = *request;
	out->type = F_UNLCK;
	struct file_locks *l = load_acquire(&i->locks);
	if (!l)
		return;
	GUARD(spin)
	(&locks_lock);
	struct file_lock *held = find_conflict(l, request);
	if (held)
		*out = *held;
}

static void release_owned(struct inode *i, const void *owner)
{
	struct list freed = LIST_INIT(freed);
	struct file_locks *l = load_acquire(&i->locks);
	struct file_lock *lock, *next;
	spin_lock(&locks_lock);
	list_for_each_safe (lock, next, &l->held, link)
		if (lock->owner == owner)
			lock_remove(lock, &freed);
	if (!list_empty(&freed))
		wake_ready(l);
	spin_unlock(&locks_lock);
	locks_kfree(&freed);
}

void file_locks_release(struct file *f)
{
	release_owned(f->inode, f);
}

void posix_locks_release(struct inode *i, struct fdtable *owner)
{
	release_owned(i, owner);
}

void file_locks_free(struct file_locks *l)
{
	if (!l)
		return;
	spin_lock(&locks_lock);
	list_del(&l->link);
	spin_unlock(&locks_lock);
	kfree(l);
}

/* Inodes that live as long as the system (proc, sysfs) would keep theirs. */
static void locks_shutdown(void)
{
	struct list *n;
	while ((n = list_pop(&all_inodes))) {
		struct file_locks *l = list_entry(n, struct file_locks, link);
		l->inode->locks = NULL;
		kfree(l);
	}
}
static const struct proc_hooks locks_hooks = {.name = "locks", .shutdown = locks_shutdown};
PROC_HOOKS(locks_hooks);

static void lock_line(struct seq *s, u32 number, const struct file_lock *k)
{
	static const char *const kinds[] = {"FLOCK ", "POSIX ", "OFDLCK"};
	u32 dev = k->inode->super->dev;
	seq_printf(s, "%u: %s ADVISORY  %s %d %02x:%02x:%llu %llu ", number, kinds[k->kind],
	           k->type == F_WRLCK ? "WRITE" : "READ ", k->kind == LOCK_KIND_OFD ? -1 : k->pid,
	           device_major(dev), device_minor(dev), (unsigned long long)k->inode->ino,
	           (unsigned long long)k->start);
	if (k->end == LOCK_END_MAX)
		seq_puts(s, "EOF\n");
	else
		seq_printf(s, "%llu\n", (unsigned long long)k->end);
}

void locks_show(struct seq *s)
{
	u32 number = 1;
	struct file_lock *k;
	GUARD(spin)
	(&locks_lock);
	list_for_each (k, &all_locks, all_link)
		lock_line(s, number++, k);
}

void file_locks_show(struct seq *s, struct file *f)
{
	struct file_locks *l = load_acquire(&f->inode->locks);
	u32 number = 1;
	struct file_lock *k;
	if (!l)
		return;
	GUARD(spin)
	(&locks_lock);
	list_for_each (k, &l->held, link) {
		if (k->kind != LOCK_KIND_POSIX && k->owner != f)
			continue;
		seq_puts(s, "lock:\t");
		lock_line(s, number++, k);
	}
}
