#include "abi/fcntl.h"
#include "kernel/fs/open.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/proc_internal.h"

static struct slab_cache *fdtable_cache;

void fdtable_init(void)
{
	fdtable_cache = slab_cache_new("fdtable", sizeof(struct fdtable), 0);
}

struct fdtable *fdtable_new(void)
{
	struct fdtable *t = slab_alloc(fdtable_cache);

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	refcount_init(&t->refs, 1);
	refcount_init(&t->pins, 1);
	spinlock_init(&t->lock, FDTABLE);
	t->small = (struct fdarray){.size = FDARRAY_INLINE,
	                            .files = t->small_files,
	                            .used = &t->small_used,
	                            .cloexec = &t->small_cloexec,
	                            .full = &t->small_full};
	t->array = &t->small;
	return t;
}

/* Makes slot fd exist. Lock held on entry and exit, dropped to allocate. => 0 or -ENOMEM. */
static int fdtable_grow_locked(struct fdtable *t, u32 fd)
{
	while (fd >= t->array->size) {
		u32 size = t->array->size;
		while (size <= fd)
			size *= 2;
		spin_unlock(&t->lock);
		struct fdarray *bigger = fdarray_new(size);
		spin_lock(&t->lock);
		if (!bigger)
			return -ENOMEM;
		if (t->array->size >= size) { /* another thread was faster */
			fdarray_free(bigger);
			continue;
		}
		struct fdarray *old = t->array;
		fdarray_copy(bigger, old);
		rcu_assign(t->array, bigger);
		if (old != &t->small)
			fdarray_free_later(old);
	}
	return 0;
}

/* Copies open slots of `from` below `end`; reserved ones stay free in the copy. Lock of `from` held. */
static void fdtable_fill(struct fdtable *to, const struct fdarray *from, u32 end)
{
	struct fdarray *a = to->array;

	for (u32 word = 0; word * 64 < end; word++) {
		u64 rest = from->used[word];
		a->cloexec[word] = from->cloexec[word];
		for (; rest; rest &= rest - 1) {
			u32 fd = word * 64 + __builtin_ctzll(rest);
			struct file *f = from->files[fd];
			if (!f) {
				a->cloexec[word] &= ~BIT(fd % 64);
				continue;
			}
			file_get(f);
			a->files[fd] = f;
			fdarray_mark(a, fd);
		}
	}
}

struct fdtable *fdtable_copy(struct fdtable *from)
{
	struct fdtable *t = fdtable_new();

	if (!t)
		return err_ptr(-ENOMEM);
	spin_lock(&from->lock);
	for (;;) {
		u32 end = fdarray_end(from->array);
		if (end <= t->array->size) {
			fdtable_fill(t, from->array, end);
			spin_unlock(&from->lock);
			return t;
		}
		spin_unlock(&from->lock);
		struct fdarray *a = fdarray_new(ROUND_UP(end, 64u));
		if (t->array != &t->small)
			fdarray_free(t->array);
		t->array = a ? a : &t->small;
		if (!a) {
			fdtable_discard(t);
			return err_ptr(-ENOMEM);
		}
		spin_lock(&from->lock);
	}
}

void fdtable_get(struct fdtable *t)
{
	refcount_get(&t->refs);
}

/* What every close of a descriptor does to the file, close(2); consumes the slot's reference. => flush's result. */
static int file_close(struct file *f, struct fdtable *owner)
{
	file_close_locks(f, owner);
	int result = f->ops && f->ops->flush ? f->ops->flush(f) : 0;
	file_put(f);
	return result;
}

static ALWAYS_INLINE void files_for_each(struct fdtable *t,
                                         void (*fn)(struct file *f, struct fdtable *t))
{
	const struct fdarray *a = t->array;

	for (u32 word = 0; word < a->size / 64; word++)
		for (u64 rest = a->used[word]; rest; rest &= rest - 1) {
			struct file *f = a->files[word * 64 + __builtin_ctzll(rest)];
			if (f)
				fn(f, t);
			cond_resched();
		}
}

static void close_one(struct file *f, struct fdtable *t)
{
	(void)file_close(f, t);
}

static void put_one(struct file *f, struct fdtable *t)
{
	file_put(f);
}

/* The last task has left: nobody finds the table any more, but somebody may still be looking at it. */
static NOINLINE void fdtable_end(struct fdtable *t)
{
	if (likely(refcount_read(&t->pins) == 1))
		files_for_each(t, close_one);
	else
		fdtable_close_range(t, 0, UINT32_MAX);
	fdtable_unpin(t);
}

void fdtable_put(struct fdtable *t)
{
	if (refcount_put(&t->refs))
		fdtable_end(t);
}

void fdtable_discard(struct fdtable *t)
{
	if (!refcount_put(&t->refs))
		return;
	files_for_each(t, put_one);
	fdtable_unpin(t);
}

void fdtable_pin(struct fdtable *t)
{
	refcount_get(&t->pins);
}

void fdtable_unpin(struct fdtable *t)
{
	if (!refcount_put(&t->pins))
		return;
	if (t->array != &t->small)
		fdarray_free(t->array);
	slab_free(fdtable_cache, t);
}

/*
 * Lookup in a shared table, without its lock:
 *
 *	this thread                        closing thread
 *	f = slot
 *	                                   slot = NULL; put(f): 0, freed after a grace period
 *	get_not_zero(f): fails, look again
 *
 * and when the count was raised in time, the slot is read again, since the file may have been closed and opened
 * anew at another number meanwhile.
 */
struct fdref fdref_get_counted(struct fdtable *t, u32 fd)
{
	for (;;) {
		const struct fdarray *a = rcu_dereference(t->array);
		if (fd >= a->size)
			return (struct fdref){.file = NULL};
		struct file *f = rcu_dereference(a->files[fd]);
		if (!f)
			return (struct fdref){.file = NULL};
		if (!refcount_get_not_zero(&f->refs))
			continue;
		if (likely(rcu_dereference(rcu_dereference(t->array)->files[fd]) == f))
			return (struct fdref){.file = f, .counted = true};
		file_put(f);
	}
}

struct file *file_lookup(int fd)
{
	struct fdref r = fdref_get(fd);

	if (r.file && !r.counted)
		file_get(r.file);
	return r.file;
}

int fd_reserve(u32 from, u32 flags)
{
	struct fdtable *t = fdtable_current();
	u64 limit = rlimit(RLIMIT_NOFILE);
	GUARD(spin)(&t->lock);

	for (;;) {
		u32 fd = fdarray_find_free(t->array, MAX(from, t->first_free));
		if (fd >= limit)
			return -EMFILE;
		if (fd >= t->array->size) {
			TRY(fdtable_grow_locked(t, fd));
			continue; /* the lock was dropped */
		}
		fdarray_mark(t->array, fd);
		fdarray_set_cloexec(t->array, fd, flags);
		if (from <= t->first_free)
			t->first_free = fd + 1;
		return fd;
	}
}

void fd_install(int fd, struct file *f)
{
	struct fdtable *t = fdtable_current();
	GUARD(spin)(&t->lock);

	DEBUG_ASSERT(!t->array->files[fd]);
	rcu_assign(t->array->files[fd], f);
}

static void fd_release_locked(struct fdtable *t, u32 fd)
{
	fdarray_release(t->array, fd);
	t->first_free = MIN(t->first_free, fd);
}

void fd_cancel(int fd)
{
	struct fdtable *t = fdtable_current();
	GUARD(spin)(&t->lock);

	fd_release_locked(t, fd);
}

int fd_open(struct file *f, u32 flags)
{
	int fd = fd_reserve(0, flags);

	if (fd < 0)
		file_put(f);
	else
		fd_install(fd, f);
	return fd;
}

/* => the file, whose reference passes to the caller, or NULL. */
static struct file *fd_take_locked(struct fdtable *t, u32 fd)
{
	struct file *f = fd < t->array->size ? t->array->files[fd] : NULL;

	if (f) {
		rcu_assign(t->array->files[fd], NULL);
		fd_release_locked(t, fd);
	}
	return f;
}

int fd_close(int fd)
{
	struct fdtable *t = fdtable_current();

	spin_lock(&t->lock);
	struct file *f = fd_take_locked(t, fd);
	spin_unlock(&t->lock);
	return f ? file_close(f, t) : -EBADF;
}

/* dup(2): a slot that another thread has reserved but not filled is EBUSY. */
int fd_dup_to(struct file *f, int fd, u32 flags)
{
	struct fdtable *t = fdtable_current();

	if ((u64)(u32)fd >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	spin_lock(&t->lock);
	int err = fdtable_grow_locked(t, fd);
	struct fdarray *a = t->array;
	if (!err && !a->files[fd] && a->used[fd / 64] & BIT(fd % 64))
		err = -EBUSY;
	if (err < 0) {
		spin_unlock(&t->lock);
		return err;
	}
	struct file *old = a->files[fd];
	file_get(f);
	rcu_assign(a->files[fd], f);
	fdarray_mark(a, fd);
	fdarray_set_cloexec(a, fd, flags);
	spin_unlock(&t->lock);
	if (old)
		(void)file_close(old, t);
	return fd;
}

enum close_which { CLOSE_ALL, CLOSE_MARKED };
/* Closes descriptors in [first, last]: all of them, or those marked close-on-exec. */
static void fdtable_close_where(struct fdtable *t, u32 first, u32 last, enum close_which which)
{
	spin_lock(&t->lock);
	for (u32 fd = first; fd <= last && fd < t->array->size; fd++) {
		const struct fdarray *a = t->array;
		u64 rest = a->used[fd / 64] &
		           (which == CLOSE_MARKED ? a->cloexec[fd / 64] : UINT64_MAX);
		rest &= UINT64_MAX << (fd % 64);
		if (!rest) {
			fd |= 63;
			continue;
		}
		fd = (fd & ~63u) + __builtin_ctzll(rest);
		struct file *f = fd <= last ? fd_take_locked(t, fd) : NULL;
		if (!f)
			continue;
		spin_unlock(&t->lock);
		(void)file_close(f, t);
		cond_resched();
		spin_lock(&t->lock);
	}
	spin_unlock(&t->lock);
}

void fdtable_close_on_exec(struct fdtable *t)
{
	fdtable_close_where(t, 0, UINT32_MAX, CLOSE_MARKED);
}

void fdtable_close_range(struct fdtable *t, u32 first, u32 last)
{
	fdtable_close_where(t, first, last, CLOSE_ALL);
}

void fdtable_cloexec_range(struct fdtable *t, u32 first, u32 last)
{
	GUARD(spin)(&t->lock);
	struct fdarray *a = t->array;

	for (u64 fd = first; fd <= last && fd < a->size; fd++)
		if (a->used[fd / 64] & BIT(fd % 64))
			a->cloexec[fd / 64] |= BIT(fd % 64);
}

int fdtable_unshare(void)
{
	struct task *me = task_current();

	if (refcount_read(&me->files->refs) == 1)
		return 0;
	struct fdtable *copy = TRY_PTR(fdtable_copy(me->files));
	task_set_files(me, copy);
	return 0;
}

struct file *fdtable_next(struct fdtable *t, int *fd)
{
	GUARD(spin)(&t->lock);
	const struct fdarray *a = t->array;

	for (u32 i = *fd; i < a->size; i++) {
		u64 rest = a->used[i / 64] & UINT64_MAX << (i % 64);
		if (!rest) {
			i |= 63;
			continue;
		}
		i = (i & ~63u) + __builtin_ctzll(rest);
		if (!a->files[i])
			continue;
		file_get(a->files[i]);
		*fd = i;
		return a->files[i];
	}
	return NULL;
}

int fd_get_cloexec(int fd)
{
	struct fdtable *t = fdtable_current();
	GUARD(spin)(&t->lock);
	const struct fdarray *a = t->array;

	if ((u32)fd >= a->size || !a->files[fd])
		return -EBADF;
	return a->cloexec[fd / 64] >> (fd % 64) & 1;
}

int fd_set_cloexec(int fd, u32 flags)
{
	struct fdtable *t = fdtable_current();
	GUARD(spin)(&t->lock);

	if ((u32)fd >= t->array->size || !t->array->files[fd])
		return -EBADF;
	fdarray_set_cloexec(t->array, fd, flags);
	return 0;
}

u32 fdtable_size(const struct fdtable *t)
{
	return rcu_dereference(t->array)->size;
}
