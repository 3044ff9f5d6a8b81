/* kcmp(2): do two tasks share a resource of the kernel? The order that it tells is that of scrambled addresses. */
#include "arch/uaccess.h"
#include "kernel/dev/random.h"
#include "kernel/fs/procfs.h"
#include "kernel/ipc/event/epoll.h"
#include "kernel/lib/string.h"
#include "kernel/port/epoll_file.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"

enum {
	KCMP_FILE,
	KCMP_VM,
	KCMP_FILES,
	KCMP_FS,
	KCMP_SIGHAND,
	KCMP_IO,
	KCMP_SYSVSEM,
	KCMP_EPOLL_TFD
};

struct kcmp_epoll_slot {
	u32 efd, tfd, offset;
};

/* An odd factor and a mask make an order that is total, the same at each call, and says nothing about addresses. */
static struct {
	u64 mask, factor;
} scramble[KCMP_EPOLL_TFD];

static bool drawn; /* [a] the numbers are there, for good */

static NOINLINE void scramble_draw(void)
{
	static struct spinlock lock = SPINLOCK_INIT(LEAF);
	typeof(scramble) fresh;

	random_bytes(fresh, sizeof(fresh));
	GUARD(spin)(&lock);
	if (drawn)
		return;
	memcpy(scramble, fresh, sizeof(scramble));
	store_release(&drawn, true);
}

static long compare(const void *a, const void *b, u32 type)
{
	if (unlikely(!load_acquire(&drawn)))
		scramble_draw();
	u64 x = ((u64)a ^ scramble[type].mask) * (scramble[type].factor | 1);
	u64 y = ((u64)b ^ scramble[type].mask) * (scramble[type].factor | 1);
	return (x < y) | (x > y) << 1;
}

/* => the open file behind a task's descriptor: a reference, or NULL. */
static struct file *file_of(struct task *t, u64 fd)
{
	AUTO_PUT(fdtable_pin) files = task_files_pin(t);

	return files && fd <= UINT32_MAX ? fdref_get_counted(files, (u32)fd).file : NULL;
}

static long compare_files(struct task *a, struct task *b, u64 fd_a, u64 fd_b)
{
	AUTO_PUT(file) fa = file_of(a, fd_a);
	AUTO_PUT(file) fb = file_of(b, fd_b);

	return fa && fb ? compare(fa, fb, KCMP_FILE) : -EBADF;
}

/* The offset-th of those that an instance watches under one number. */
struct watched {
	u32 fd, left;
	const struct file *file;
};
static void watched_visit(const struct epoll_item *item, void *arg)
{
	struct watched *w = arg;

	if (item->fd == (s32)w->fd && !w->file && w->left-- == 0)
		w->file = item->source->what.file;
}

static long compare_watched(struct task *a, struct task *b, u64 fd_a, uptr_t slot)
{
	struct kcmp_epoll_slot s;

	TRY(copy_from_user(&s, slot, sizeof(s)));
	AUTO_PUT(file) fa = file_of(a, fd_a);
	if (!fa)
		return -EBADF;
	AUTO_PUT(file) instance = file_of(b, s.efd);
	if (!instance)
		return -EBADF;
	struct epoll *ep = epoll_of(instance);
	if (!ep)
		return -EINVAL;
	struct watched w = {.fd = s.tfd, .left = s.offset};
	epoll_for_each(ep, watched_visit, &w);
	return w.file ? compare(fa, w.file, KCMP_FILE) : -ENOENT;
}

SYSCALL5(kcmp, s32, pid_a, s32, pid_b, int, type, u64, index_a, u64, index_b)
{
	AUTO_PUT(task) a = task_lookup(pid_a);
	AUTO_PUT(task) b = task_lookup(pid_b);

	if (!a || !b)
		return -ESRCH;
	if (!proc_may_attach(a) || !proc_may_attach(b))
		return -EPERM;
	switch (type) {
	case KCMP_FILE: return compare_files(a, b, index_a, index_b);
	case KCMP_EPOLL_TFD: return compare_watched(a, b, index_a, UPTR(index_b));
	case KCMP_VM: return compare(a->thread.aspace, b->thread.aspace, KCMP_VM);
	case KCMP_FILES: return compare(a->files, b->files, KCMP_FILES);
	case KCMP_FS: return compare(a->fs, b->fs, KCMP_FS);
	case KCMP_SIGHAND: return compare(a->process->sighand, b->process->sighand, KCMP_SIGHAND);
	case KCMP_IO: return compare(NULL, NULL, KCMP_IO); /* nobody has any */
	case KCMP_SYSVSEM: return compare(a->sem_undo, b->sem_undo, KCMP_SYSVSEM);
	}
	return -EINVAL;
}
