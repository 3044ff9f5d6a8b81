#include "kernel/fs/locks.h"
#include "kernel/fs/open.h"
#include "kernel/fs/names.h"
#include "kernel/lib/test.h"

static int owner_a, owner_b;

static int set(struct inode *i, const void *owner, u32 type, u64 start, u64 end)
{
	struct file_lock l = {
		.kind = LOCK_KIND_OFD, .owner = owner, .type = type, .start = start, .end = end};
	return lock_set(i, &l, false);
}

/* The lock in the way of a write lock of nobody at `at`; type F_UNLCK: none. */
static struct file_lock seen(struct inode *i, u64 at)
{
	struct file_lock request = {.kind = LOCK_KIND_OFD, .type = F_WRLCK, .start = at, .end = at},
			 out;
	lock_test(i, &request, &out);
	return out;
}

TEST(record_locks_split_and_merge)
{
	struct file *f = vfs_open("/lock-test", O_CREAT | O_RDWR, 0600);
	CHECK(!is_err(f));
	struct inode *i = f->inode;
	CHECK_EQ(set(i, &owner_a, F_WRLCK, 10, 19), 0);
	CHECK_EQ(set(i, &owner_a, F_UNLCK, 13, 15), 0);
	CHECK_EQ(seen(i, 12).end, 12);
	CHECK_EQ(seen(i, 14).type, F_UNLCK);
	CHECK_EQ(seen(i, 16).start, 16);
	CHECK_EQ(set(i, &owner_b, F_WRLCK, 12, 14), -EAGAIN);
	CHECK_EQ(set(i, &owner_b, F_WRLCK, 13, 15), 0);
	CHECK_EQ(set(i, &owner_b, F_UNLCK, 0, LOCK_END_MAX), 0);
	CHECK_EQ(set(i, &owner_a, F_WRLCK, 13, 15), 0); /* closes the gap */
	CHECK_EQ(seen(i, 10).end, 19);
	CHECK_EQ(set(i, &owner_a, F_RDLCK, 0, 12), 0); /* takes over part of it */
	CHECK_EQ(seen(i, 11).type, F_RDLCK);
	CHECK_EQ(seen(i, 13).start, 13);
	CHECK_EQ(set(i, &owner_b, F_RDLCK, 0, 5), 0);
	CHECK_EQ(set(i, &owner_b, F_WRLCK, 0, 5), -EAGAIN);
	CHECK_EQ(set(i, &owner_b, F_UNLCK, 0, LOCK_END_MAX), 0);
	CHECK_EQ(set(i, &owner_a, F_UNLCK, 0, LOCK_END_MAX), 0);
	CHECK_EQ(seen(i, 13).type, F_UNLCK);
	file_put(f);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/lock-test"), 0);
}
