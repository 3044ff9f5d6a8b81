/* Names of files on tmpfs: directories, links, renaming, permission, the working directory. */
#include "files.h"
#include <grp.h>
#include <sys/ioctl.h>

TEST(directories)
{
	room();
	OK(mkdir("d", 0755));
	FAILS(mkdir("d", 0755), EEXIST);
	FAILS(mkdir("none/d", 0755), ENOENT);
	close(file("d/f", ""));
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(rmdir("d/f"), ENOTDIR);
	FAILS(unlink("d"), EISDIR);
	FAILS(rmdir("d/."), EINVAL);
	OK(unlink("d/f"));
	struct stat st;
	OK(stat("d", &st));
	YES(S_ISDIR(st.st_mode));
	EQ(st.st_nlink, 2);
	OK(mkdir("d/e", 0755));
	OK(stat("d", &st));
	EQ(st.st_nlink, 3);
	OK(rmdir("d/e"));
	OK(rmdir("d"));
	FAILS(rmdir("d"), ENOENT);
}

TEST(listing_is_complete)
{
	room();
	char name[16];
	static char seen[500];
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		close(file(name, ""));
	}
	DIR *d = opendir(".");
	int dots = 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.') {
			dots++;
			continue;
		}
		EQ(e->d_type, DT_REG);
		seen[atoi(e->d_name + 1)]++;
		/* Removing what has been listed does not disturb the listing. */
		OK(unlink(e->d_name));
	}
	EQ(dots, 2);
	for (int i = 0; i < 500; i++)
		EQ(seen[i], 1);
	closedir(d);
	OK(rmdir(dir));
}

TEST(hard_links)
{
	room();
	struct stat a, b;
	close(file("a", "text"));
	OK(link("a", "b"));
	OK(stat("a", &a));
	OK(stat("b", &b));
	EQ(a.st_ino, b.st_ino);
	EQ(a.st_nlink, 2);
	FAILS(link("a", "b"), EEXIST);
	FAILS(link("none", "c"), ENOENT);
	FAILS(link(".", "c"), EPERM);
	OK(unlink("a"));
	EQ(size("b"), 4);
	FAILS(link("b", "/tmp/other"), EXDEV);
}

TEST(symbolic_links)
{
	room();
	char text[64];
	struct stat st;
	close(file("target", "text"));
	OK(symlink("target", "soft"));
	OK(lstat("soft", &st));
	YES(S_ISLNK(st.st_mode));
	EQ(st.st_size, 6);
	EQ(size("soft"), 4);
	EQ(readlink("soft", text, sizeof(text)), 6);
	EQ(readlink("soft", text, 3), 3);
	FAILS(readlink("target", text, sizeof(text)), EINVAL);
	FAILS(syscall(SYS_readlink, "soft", text, 0), EINVAL);
	FAILS(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
	OK(symlink("nowhere", "dangling"));
	FAILS(open("dangling", O_RDONLY), ENOENT);
	OK(close(OK(open("dangling", O_CREAT | O_WRONLY, 0600))));
	EQ(size("nowhere"), 0);
	FAILS(symlink("", "x"), ENOENT);
	/* Through a link to a directory, and back out. */
	OK(mkdir("d", 0755));
	OK(symlink("d", "to-d"));
	close(file("d/inner", "abc"));
	EQ(size("to-d/inner"), 3);
	EQ(size("to-d/../target"), 4);
}

TEST(renames)
{
	room();
	close(file("a", "1"));
	close(file("b", "22"));
	OK(rename("a", "b"));
	EQ(size("b"), 1);
	FAILS(rename("a", "c"), ENOENT);
	OK(mkdir("d", 0755));
	OK(mkdir("e", 0755));
	close(file("e/f", ""));
	FAILS(rename("d", "e"), ENOTEMPTY);
	FAILS(rename("b", "d"), EISDIR);
	FAILS(rename("d", "b"), ENOTDIR);
	FAILS(rename("d", "d/x"), EINVAL);
	OK(rename("e", "d"));
	EQ(size("d/f"), 0);
	OK(rename("b", "b"));
	OK(link("b", "twin"));
	/* Two names of one file: nothing happens. */
	OK(rename("b", "twin"));
	EQ(size("b"), 1);
	FAILS(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d", 1 /* RENAME_NOREPLACE */),
	      EEXIST);
	FAILS(rename("b", "/tmp/other"), EXDEV);
}

TEST(unlinked_files_live_while_open)
{
	room();
	char text[8] = "";
	struct stat st;
	int fd = file("f", "still");
	OK(unlink("f"));
	EQ(pread(fd, text, 5, 0), 5);
	STREQ(text, "still");
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
}

TEST(permission_bits)
{
	room();
	close(file("f", "x"));
	OK(chmod("f", 0640));
	OK(chown("f", 0, 2000));
	OK(mkdir("locked", 0700));
	close(file("locked/f", ""));
	pid_t pid;
	CHILD(pid)
	{
		gid_t group = 2000;
		OK(setgroups(1, &group));
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		OK(close(OK(open("f", O_RDONLY))));
		FAILS(open("f", O_WRONLY), EACCES);
		FAILS(open("locked/f", O_RDONLY), EACCES);
		FAILS(chmod("f", 0666), EPERM);
		FAILS(chown("f", 1000, 1000), EPERM);
		FAILS(access("f", W_OK), EACCES);
		OK(access("f", R_OK));
		int mine = OK(open("mine", O_CREAT | O_RDWR, 0600));
		OK(fchmod(mine, 0400));
		OK(fchown(mine, -1, 2000));
		FAILS(fchown(mine, 1001, -1), EPERM);
		FAILS(open("mine", O_WRONLY), EACCES);
	}
	REAP(pid);
	OK(setresuid(-1, 1000, -1));
	FAILS(open("f", O_RDWR), EACCES);
	OK(access("f", R_OK | W_OK));
	OK(setresuid(-1, 0, -1));
}

TEST(sticky_directory)
{
	room();
	OK(mkdir("tmp", 0777));
	OK(chmod("tmp", 01777));
	close(file("tmp/f", ""));
	pid_t pid;
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		FAILS(unlink("tmp/f"), EPERM);
		FAILS(rename("tmp/f", "tmp/g"), EPERM);
		close(file("tmp/mine", ""));
		OK(unlink("tmp/mine"));
	}
	REAP(pid);
}

TEST(umask_applies)
{
	room();
	struct stat st;
	EQ(umask(027), 022);
	close(OK(open("f", O_CREAT | O_WRONLY, 0666)));
	OK(mkdir("d", 0777));
	OK(stat("f", &st));
	EQ(st.st_mode & 07777, 0640);
	OK(stat("d", &st));
	EQ(st.st_mode & 07777, 0750);
	EQ(umask(07777), 027);
	EQ(umask(0), 0777);
}

TEST(working_directory)
{
	room();
	char path[PATH_MAX];
	OK(mkdir("d", 0755));
	OK(chdir("d"));
	YES(getcwd(path, sizeof(path)) != NULL);
	EQ(strncmp(path, dir, strlen(dir)), 0);
	STREQ(path + strlen(dir), "/d");
	FAILS(syscall(SYS_getcwd, path, 3), ERANGE);
	FAILS(chdir("none"), ENOENT);
	int fd = OK(open("..", O_RDONLY | O_DIRECTORY));
	OK(fchdir(fd));
	STREQ(getcwd(path, sizeof(path)), dir);
	OK(chdir("/../.."));
	STREQ(getcwd(path, sizeof(path)), "/");
}

TEST(removed_working_directory)
{
	room();
	OK(mkdir("gone", 0755));
	OK(chdir("gone"));
	OK(rmdir("../gone"));
	char path[PATH_MAX];
	FAILS(syscall(SYS_getcwd, path, sizeof(path)), ENOENT);
	FAILS(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
}

TEST(special_files)
{
	char c = 1;
	int fd = OK(open("/dev/zero", O_RDWR));
	EQ(read(fd, &c, 1), 1);
	EQ(c, 0);
	close(fd);
	fd = OK(open("/dev/full", O_RDWR));
	FAILS(write(fd, "x", 1), ENOSPC);
	EQ(read(fd, &c, 1), 1);
	close(fd);
	fd = OK(open("/dev/null", O_RDWR));
	EQ(read(fd, &c, 1), 0);
	EQ(write(fd, "abc", 3), 3);
	FAILS(ioctl(fd, 0x5401 /* TCGETS */, &c), ENOTTY);
	close(fd);
	unsigned long random[2] = {0, 0};
	fd = OK(open("/dev/urandom", O_RDONLY));
	EQ(read(fd, random, sizeof(random)), sizeof(random));
	YES(random[0] != random[1]);
}

TEST(leaves_nothing)
{
	room();
	OK(chdir("/"));
	OK(rmdir(dir));
}
