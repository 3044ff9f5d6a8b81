#include "kernel/fs/names.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/context.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/open.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/mm/slab.h"

/* Each test works in a tmpfs of its own over /vfs-test. */
static void place_make(char *options)
{
	struct path at;
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test", 0755), 0);
	if (!path_lookup("/vfs-test", WALK_FOLLOW, &at)) {
		CHECK_EQ(mount_new_fs(&at, "tmpfs", 0, "test", options), 0);
		path_put(&at);
	}
}

static void place_remove(void)
{
	struct path at;
	if (!path_lookup("/vfs-test", WALK_FOLLOW, &at))
		CHECK_EQ(mount_umount(&at, 0), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/vfs-test"), 0);
}

static int make_file(const char *name)
{
	struct file *f = vfs_open(name, O_CREAT | O_EXCL | O_RDWR, 0644);
	if (is_err(f))
		return ptr_err(f);
	file_put(f);
	return 0;
}

static u32 links_of(const char *name)
{
	struct path p;
	if (path_lookup(name, 0, &p))
		return 0;
	u32 n = p.dentry->inode->nlink;
	path_put(&p);
	return n;
}

static struct abi_statfs place_statfs(void)
{
	struct abi_statfs st = {};
	struct path p;
	if (!path_lookup("/vfs-test", 0, &p)) {
		p.dentry->inode->super->ops->statfs(p.dentry->inode->super, &st);
		path_put(&p);
	}
	return st;
}

TEST(walk_finds_names_of_every_length)
{
	enum { DIR = 10 };
	static char name[DIR + NAME_MAX + 2];
	place_make(NULL);
	for (u32 n = 1; n <= NAME_MAX + 1; n++) {
		strlcpy(name, "/vfs-test/", sizeof(name));
		memset(name + DIR, 'a' + n % 26, n);
		name[DIR + n] = 0;
		CHECK_EQ(make_file(name), n <= NAME_MAX ? 0 : -ENAMETOOLONG);
		struct qname q = qname_make(name + DIR, n);
		struct path dir;
		CHECK_EQ(path_lookup("/vfs-test", 0, &dir), 0);
		struct dentry *d = walk_child(dir.dentry, &q);
		CHECK_EQ(is_err(d) ? ptr_err(d) : 0, n <= NAME_MAX ? 0 : -ENAMETOOLONG);
		if (!is_err(d))
			dentry_put(d);
		path_put(&dir);
	}
	place_remove();
}

TEST(directory_grows_and_shrinks)
{
	enum { COUNT = 3000 };
	char name[40];
	struct path p;
	place_make(NULL);
	for (u32 i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "/vfs-test/entry%u", i);
		CHECK_EQ(make_file(name), 0);
	}
	for (u32 i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "/vfs-test/entry%u", i);
		CHECK_EQ(path_lookup(name, 0, &p), 0);
		path_put(&p);
		CHECK_EQ(vfs_unlink(AT_FDCWD, name), 0);
		CHECK_EQ(path_lookup(name, 0, &p), -ENOENT);
	}
	CHECK_EQ(links_of("/vfs-test"), 2);
	CHECK_EQ(place_statfs().files - place_statfs().ffree, 1);
	place_remove();
}

TEST(rename_keeps_the_tree_a_tree)
{
	place_make(NULL);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/a", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/a/b", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/c", 0755), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/a", AT_FDCWD, "/vfs-test/a/b/x", 0), -EINVAL);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/a/b", AT_FDCWD, "/vfs-test/a", 0), -ENOTEMPTY);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/a", AT_FDCWD, "/vfs-test/a/b", RENAME_EXCHANGE),
	         -EINVAL);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/a/b", AT_FDCWD, "/vfs-test/c", RENAME_NOREPLACE),
	         -EEXIST);
	CHECK_EQ(links_of("/vfs-test"), 4);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/a/b", AT_FDCWD, "/vfs-test/c", 0), 0);
	CHECK_EQ(links_of("/vfs-test/a"), 2);
	CHECK_EQ(links_of("/vfs-test"), 4);
	CHECK_EQ(make_file("/vfs-test/a/f"), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/a/f", AT_FDCWD, "/vfs-test/c", RENAME_EXCHANGE),
	         0);
	CHECK_EQ(links_of("/vfs-test/a"), 3);
	CHECK_EQ(links_of("/vfs-test"), 3);
	CHECK_EQ(links_of("/vfs-test/c"), 1);
	place_remove();
}

TEST(removed_directory_takes_no_entries)
{
	struct path p;
	struct dentry *made;
	place_make(NULL);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/d", 0755), 0);
	CHECK_EQ(path_lookup("/vfs-test/d", 0, &p), 0);
	CHECK_EQ(make_file("/vfs-test/d/f"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/vfs-test/d"), -ENOTEMPTY);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/vfs-test/d/f"), 0);
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/vfs-test/d"), 0);
	struct qname q = qname_make("new", 3);
	CHECK_EQ(name_create(&p, &q, S_IFREG | 0600, &made), -ENOENT);
	path_put(&p);
	place_remove();
}

/* Each allocation of a create, a link and a rename fails in turn: nothing is lost, nothing half done. */
TEST(names_survive_every_failed_allocation)
{
	place_make(NULL);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/d", 0755), 0);
	u64 used = place_statfs().files - place_statfs().ffree;
	int err = -ENOMEM;
	for (u32 n = 1; err == -ENOMEM; n++) {
		alloc_fail_nth(n);
		err = make_file("/vfs-test/d/f");
		alloc_fail_nth(0);
		if (!err)
			break;
		/* The file may be there, only the opening of it failed. */
		int gone = vfs_unlink(AT_FDCWD, "/vfs-test/d/f");
		CHECK(gone == 0 || gone == -ENOENT);
		CHECK_EQ(place_statfs().files - place_statfs().ffree, used);
	}
	CHECK_EQ(err, 0);
	err = -ENOMEM;
	for (u32 n = 1; err == -ENOMEM; n++) {
		alloc_fail_nth(n);
		err = vfs_rename(AT_FDCWD, "/vfs-test/d/f", AT_FDCWD, "/vfs-test/g", 0);
		alloc_fail_nth(0);
		CHECK_EQ(links_of(err ? "/vfs-test/d/f" : "/vfs-test/g"), 1);
	}
	CHECK_EQ(err, 0);
	err = -ENOMEM;
	for (u32 n = 1; err == -ENOMEM; n++) {
		alloc_fail_nth(n);
		err = vfs_link(AT_FDCWD, "/vfs-test/g", AT_FDCWD, "/vfs-test/d/h", 0);
		alloc_fail_nth(0);
		CHECK_EQ(links_of("/vfs-test/g"), err ? 1 : 2);
	}
	CHECK_EQ(err, 0);
	place_remove();
}

TEST(tmpfs_counts_blocks_and_inodes)
{
	char options[] = "size=16k,nr_inodes=4";
	place_make(options);
	static char data[4096 * 5];
	struct file *f = vfs_open("/vfs-test/f", O_CREAT | O_RDWR, 0644);
	CHECK(!is_err(f));
	CHECK_EQ(file_fallocate(f, 0, 0, sizeof(data)), -ENOSPC);
	CHECK_EQ(place_statfs().bfree, 4);
	CHECK_EQ(file_fallocate(f, 0, 0, 4 * 4096), 0);
	CHECK_EQ(place_statfs().bfree, 0);
	CHECK_EQ(f->inode->object->size, 4 * 4096);
	CHECK_EQ(file_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192), 0);
	CHECK_EQ(place_statfs().bfree, 2);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/d", 0755), 0);
	CHECK_EQ(vfs_link(AT_FDCWD, "/vfs-test/f", AT_FDCWD, "/vfs-test/l", 0), 0);
	CHECK_EQ(make_file("/vfs-test/too-many"), -ENOSPC);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/vfs-test/l"), 0);
	CHECK_EQ(vfs_unlink(AT_FDCWD, "/vfs-test/f"), 0);
	CHECK_EQ(place_statfs().bfree, 2); /* open, so still there */
	file_put(f);
	CHECK_EQ(place_statfs().bfree, 4);
	CHECK_EQ(place_statfs().ffree, 2);
	place_remove();
}

TEST(path_names_tell_where_things_are)
{
	char buf[128];
	struct path p;
	place_make(NULL);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, "/vfs-test/d", 0755), 0);
	CHECK_EQ(path_lookup("/vfs-test/d/../d/.", 0, &p), 0);
	CHECK(!strcmp(path_name(&p, buf, sizeof(buf)), "/vfs-test/d"));
	CHECK(!strcmp(path_name_in_super(p.dentry, buf, sizeof(buf)), "/d"));
	CHECK_EQ(ptr_err(path_name(&p, buf, 8)), -ENAMETOOLONG);
	CHECK_EQ(vfs_rename(AT_FDCWD, "/vfs-test/d", AT_FDCWD, "/vfs-test/moved", 0), 0);
	CHECK(!strcmp(path_name(&p, buf, sizeof(buf)), "/vfs-test/moved"));
	CHECK_EQ(vfs_rmdir(AT_FDCWD, "/vfs-test/moved"), 0);
	CHECK(!strcmp(path_name(&p, buf, sizeof(buf)), "/vfs-test/moved (deleted)"));
	path_put(&p);
	place_remove();
}
