/* The mqueue file system: names as files, mounted more than once, limits, namespaces (Q4, V6). */
#include "mq.h"
#include "caps.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#define ROOT "/tmp/mq-fs"

/* A namespace of the case's own, with its queues at ROOT. */
static void own_world(void)
{
	MUST(unshare(CLONE_NEWIPC));
	if (unshare(CLONE_NEWNS) == 0) /* where there is more than one */
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("/tmp", 0777);
	mkdir(ROOT, 0755);
	MUST(mount("mqueue", ROOT, "mqueue", 0, NULL));
	umask(0);
}
/* Namespaces that have gone are counted for a while on Linux: what is charged has to be little. */
static const struct mq_attr small = {.mq_maxmsg = 4, .mq_msgsize = 128};

static void leave(void)
{
	umount2(ROOT, MNT_DETACH);
}
static const char *path_of(const char *name)
{
	static char path[300];
	snprintf(path, sizeof path, ROOT "/%s", name);
	return path;
}
static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;
	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

TEST(names_are_files)
{
	own_world();
	EQ(entries(ROOT), 0);
	int q = OK(sys_open("one", O_CREAT | O_RDWR, 0640, &small));
	OK(sys_open("two", O_CREAT | O_RDWR, 0600, &small));
	EQ(entries(ROOT), 2);
	struct stat st, same;
	OK(stat(path_of("one"), &st));
	EQ(st.st_mode, S_IFREG | 0640);
	EQ(st.st_size, 80);
	OK(fstat(q, &same));
	EQ(st.st_ino, same.st_ino);
	EQ(st.st_dev, same.st_dev);
	SEND(q, 0, "12345678");
	char line[100];
	OK(file_read(path_of("one"), line, sizeof line));
	STREQ(line, "QSIZE:8          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	OK(unlink(path_of("one")));
	FAILS(sys_open("one", O_RDWR, 0, NULL), ENOENT);
	GETS(q, "12345678");
	OK(sys_unlink("two"));
	EQ(entries(ROOT), 0);
	leave();
}

TEST(a_file_is_a_queue)
{
	own_world();
	int f = OK(open(path_of("made"), O_CREAT | O_RDWR, 0644));
	SEND(f, 2, "through the file");
	int q = OK(sys_open("made", O_RDWR, 0, NULL));
	GETS(q, "through the file");
	struct mq_attr attr;
	OK(sys_attr(f, NULL, &attr));
	EQ(attr.mq_maxmsg, 10);
	EQ(attr.mq_msgsize, 8192);
	int r = OK(open(path_of("made"), O_RDONLY));
	FAILS(send_text(r, 0, "x"), EBADF);
	FAILS(write(f, "x", 1), EINVAL);
	/* Cutting it off changes what stat says, and nothing else. */
	struct stat st;
	SEND(f, 0, "stays");
	OK(truncate(path_of("made"), 0));
	OK(stat(path_of("made"), &st));
	EQ(st.st_size, 0);
	GETS(q, "stays");
	OK(mknod(path_of("node"), S_IFREG | 0600, 0));
	OK(sys_open("node", O_RDWR, 0, NULL));
	FAILS(open(path_of("made"), O_RDWR | O_DIRECT), EINVAL);
	OK(truncate(path_of("made"), 80));
	EQ(lseek(f, 79, SEEK_DATA), 79);
	EQ(lseek(f, 3, SEEK_HOLE), 80);
	FAILS(lseek(f, 80, SEEK_HOLE), ENXIO);
	FAILS(lseek(f, 80, SEEK_DATA), ENXIO);
	leave();
}

TEST(what_the_directory_refuses)
{
	own_world();
	OK(sys_open("q", O_CREAT | O_RDWR, 0777, &small));
	char other[400];
	snprintf(other, sizeof other, "%s", path_of("other"));
	FAILS(mkdir(path_of("dir"), 0700), EPERM);
	FAILS(symlink("x", path_of("link")), EPERM);
	FAILS(mknod(path_of("fifo"), S_IFIFO | 0600, 0), EPERM);
	FAILS(link(path_of("q"), other), EPERM);
	FAILS(rename(path_of("q"), other), EPERM);
	FAILS(open(ROOT, O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
	FAILS(execl(path_of("q"), "q", NULL), EACCES);
	FAILS(setxattr(path_of("q"), "user.x", "y", 1, 0), EOPNOTSUPP);
	FAILS(rmdir(path_of("q")), ENOTDIR);
	FAILS(mount("mqueue", ROOT, "mqueue", 0, "size=1"), EINVAL);
	EQ(entries(ROOT), 1);
	leave();
}

TEST(the_directory_itself)
{
	own_world();
	struct statfs fs;
	OK(statfs(ROOT, &fs));
	EQ(fs.f_type, 0x19800202);
	EQ(fs.f_bsize, 4096);
	EQ(fs.f_namelen, 255);
	EQ(fs.f_blocks, 0);
	struct stat st;
	OK(stat(ROOT, &st));
	EQ(st.st_mode, S_IFDIR | 01777);
	EQ(st.st_size, 40);
	EQ(st.st_uid, 0);
	OK(sys_open("q", O_CREAT | O_RDWR, 0600, &small));
	OK(stat(ROOT, &st));
	EQ(st.st_size, 60);
	EQ(st.st_nlink, 2);
	leave();
}

TEST(mounted_more_than_once)
{
	own_world();
	mkdir("/tmp/mq-fs-2", 0755);
	OK(mount("none", "/tmp/mq-fs-2", "mqueue", 0, NULL));
	OK(sys_open("q", O_CREAT | O_RDWR, 0600, &small));
	EQ(entries(ROOT), 1);
	EQ(entries("/tmp/mq-fs-2"), 1);
	OK(unlink("/tmp/mq-fs-2/q"));
	EQ(entries(ROOT), 0);
	OK(umount2("/tmp/mq-fs-2", 0));
	OK(umount2(ROOT, 0));
	/* Names do without it. */
	int q = OK(sys_open("q", O_CREAT | O_EXCL | O_RDWR, 0600, &small));
	SEND(q, 0, "x");
	OK(mount("none", ROOT, "mqueue", 0, NULL));
	EQ(entries(ROOT), 1);
	leave();
}

TEST(owners_and_modes)
{
	own_world();
	int q = OK(sys_open("q", O_CREAT | O_RDWR, 0600, &small));
	OK(chown(path_of("q"), 1234, 5678));
	OK(chmod(path_of("q"), 0060));
	struct stat st;
	OK(fstat(q, &st));
	EQ(st.st_mode, S_IFREG | 0060);
	EQ(st.st_uid, 1234);
	EQ(st.st_gid, 5678);
	pid_t child;
	CHILD(child)
	{
		become_with(0, 1234);
		FAILS(sys_open("q", O_RDONLY, 0, NULL), EACCES);
		OK(chmod(path_of("q"), 0400));
		OK(sys_open("q", O_RDONLY, 0, NULL));
		FAILS(sys_open("q", O_RDWR, 0, NULL), EACCES);
		OK(sys_unlink("q"));
	}
	REAP(child);
	OK(sys_open("q", O_CREAT | O_RDWR, 0666, &small));
	CHILD(child)
	{
		become_with(0, 1234);
		OK(sys_open("q", O_RDWR, 0, NULL));
		FAILS(unlink(path_of("q")), EPERM);
		FAILS(chmod(path_of("q"), 0600), EPERM);
	}
	REAP(child);
	/* Who may not write the directory makes and removes nothing. (Nor finds, on Linux before 6.16.) */
	OK(chmod(ROOT, 0700));
	CHILD(child)
	{
		become_with(0, 1234);
		FAILS(sys_open("new", O_CREAT | O_RDWR, 0600, &small), EACCES);
		FAILS(sys_unlink("q"), EACCES);
	}
	REAP(child);
	leave();
}

TEST(a_read_only_mount)
{
	own_world();
	OK(close(OK(sys_open("q", O_CREAT | O_RDWR, 0600, &small))));
	OK(mount(NULL, ROOT, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	FAILS(unlink(path_of("q")), EROFS);
	FAILS(sys_unlink("q"), EROFS);
	FAILS(sys_open("new", O_CREAT | O_RDWR, 0600, &small), EROFS);
	leave();
}

static int sysctl_set(const char *name, const char *value)
{
	char path[100];
	snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", name);
	return file_write(path, value);
}
static long sysctl_get(const char *name)
{
	char path[100], text[50];
	snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", name);
	return file_read(path, text, sizeof text) < 0 ? -1 : atol(text);
}

TEST(sysctls_and_their_bounds)
{
	own_world();
	EQ(sysctl_get("queues_max"), 256);
	EQ(sysctl_get("msg_max"), 10);
	EQ(sysctl_get("msgsize_max"), 8192);
	EQ(sysctl_get("msg_default"), 10);
	EQ(sysctl_get("msgsize_default"), 8192);
	FAILS(sysctl_set("msg_max", "0"), EINVAL);
	FAILS(sysctl_set("msg_max", "65537"), EINVAL);
	FAILS(sysctl_set("msg_default", "0"), EINVAL);
	FAILS(sysctl_set("msg_default", "65537"), EINVAL);
	FAILS(sysctl_set("msgsize_max", "127"), EINVAL);
	FAILS(sysctl_set("msgsize_max", "16777217"), EINVAL);
	FAILS(sysctl_set("msgsize_default", "127"), EINVAL);
	FAILS(sysctl_set("msgsize_default", "16777217"), EINVAL);
	OK(sysctl_set("msg_max", "65536"));
	OK(sysctl_set("msgsize_max", "128"));
	EQ(sysctl_get("msg_max"), 65536);
	struct mq_attr attr;
	/* The default, but not above the maximum. */
	OK(sys_attr(OK(sys_open("a", O_CREAT | O_RDWR, 0600, NULL)), NULL, &attr));
	EQ(attr.mq_maxmsg, 10);
	EQ(attr.mq_msgsize, 128);
	OK(sysctl_set("msg_default", "3"));
	OK(sysctl_set("msgsize_max", "1000"));
	OK(sysctl_set("msgsize_default", "500"));
	OK(sys_attr(OK(sys_open("b", O_CREAT | O_RDWR, 0600, NULL)), NULL, &attr));
	EQ(attr.mq_maxmsg, 3);
	EQ(attr.mq_msgsize, 500);
	leave();
}

TEST(the_number_of_queues)
{
	own_world();
	OK(sysctl_set("queues_max", "2"));
	int one = OK(sys_open("1", O_CREAT | O_RDWR, 0600, &small));
	OK(close(OK(sys_open("2", O_CREAT | O_RDWR, 0600, &small))));
	pid_t child;
	CHILD(child)
	{
		become_with(0, 1234);
		FAILS(sys_open("3", O_CREAT | O_RDWR, 0600, &small), ENOSPC);
		FAILS(open(path_of("3"), O_CREAT | O_RDWR, 0600), ENOSPC);
	}
	REAP(child);
	/* One without a name counts as long as it is open. */
	OK(sys_unlink("1"));
	CHILD(child)
	{
		OK(close(one));
		become_with(0, 1234);
		FAILS(sys_open("3", O_CREAT | O_RDWR, 0600, &small), ENOSPC);
	}
	REAP(child);
	OK(close(one));
	CHILD(child)
	{
		become_with(0, 1234);
		OK(sys_open("3", O_CREAT | O_RDWR, 0600, &small));
	}
	REAP(child);
	CHILD(child)
	{
		if (!(cap_effective() >> CAP_SYS_RESOURCE & 1))
			_exit(0); /* a container */
		become_with(1ull << CAP_SYS_RESOURCE, 1234);
		OK(sys_open("4", O_CREAT | O_RDWR, 0600, &small));
	}
	REAP(child);
	leave();
}

TEST(namespaces_are_apart)
{
	own_world();
	int q = OK(sys_open("q", O_CREAT | O_RDWR, 0600, &small));
	int mine = MUST(open("/proc/self/ns/ipc", O_RDONLY));
	pid_t child;
	CHILD(child)
	{
		MUST(unshare(CLONE_NEWIPC));
		FAILS(sys_open("q", O_RDWR, 0, NULL), ENOENT);
		int other = OK(sys_open("q", O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &small));
		GETS(other, "EAGAIN");
		/* A descriptor goes on working, and a mount goes on showing. */
		SEND(q, 0, "across");
		EQ(entries(ROOT), 1);
		OK(sysctl_set("msg_max", "77"));
		OK(setns(mine, CLONE_NEWIPC));
		EQ(sysctl_get("msg_max"), 10);
		OK(sys_open("q", O_RDWR, 0, NULL));
	}
	REAP(child);
	GETS(q, "across");
	leave();
}

TEST(a_namespace_goes_before_its_queues)
{
	own_world();
	int pair[2], told = 0;
	MUST(pipe(pair));
	mkdir("/tmp/mq-fs-2", 0755);
	int keep = MUST(open("/proc/self/ns/ipc", O_RDONLY));
	MUST(unshare(CLONE_NEWIPC));
	int q = OK(sys_open("orphan", O_CREAT | O_RDWR, 0600, &small));
	OK(mount("none", "/tmp/mq-fs-2", "mqueue", 0, NULL));
	OK(setns(keep, CLONE_NEWIPC));
	/* What is open or mounted stays; nothing new is made. */
	SEND(q, 0, "still here");
	GETS(q, "still here");
	EQ(entries("/tmp/mq-fs-2"), 1);
	UNTIL(open("/tmp/mq-fs-2/new", O_CREAT | O_RDWR, 0600) == -1 || told++ > 1000);
	FAILS(open("/tmp/mq-fs-2/new", O_CREAT | O_RDWR, 0600), EACCES);
	FAILS(sys_open("orphan", O_RDWR, 0, NULL), ENOENT);
	int again = OK(open("/tmp/mq-fs-2/orphan", O_RDWR));
	SEND(again, 0, "through the mount");
	GETS(q, "through the mount");
	OK(unlink("/tmp/mq-fs-2/orphan"));
	umount2("/tmp/mq-fs-2", MNT_DETACH);
	leave();
}
