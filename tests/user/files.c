/* Files on tmpfs: open, read, write, positions, status, locks, descriptors. */
#include "files.h"
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

TEST(open_errors)
{
	room();
	close(file("f", "x"));
	OK(symlink("loop", "loop"));
	FAILS(open("none", O_RDONLY), ENOENT);
	FAILS(open("f/x", O_RDONLY), ENOTDIR);
	FAILS(open("f", O_CREAT | O_EXCL, 0600), EEXIST);
	FAILS(open(".", O_WRONLY), EISDIR);
	FAILS(open("f", O_DIRECTORY), ENOTDIR);
	FAILS(open("loop", O_RDONLY), ELOOP);
	FAILS(open("loop", O_NOFOLLOW), ELOOP);
	FAILS(open("", O_RDONLY), ENOENT);
	FAILS(open((char *)8, O_RDONLY), EFAULT);
	FAILS(open("f/", O_RDONLY), ENOTDIR);
	FAILS(open("new/", O_CREAT | O_WRONLY, 0600), EISDIR);
	char name[300];
	memset(name, 'n', sizeof(name));
	name[256] = 0;
	FAILS(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
	name[255] = 0;
	OK(close(OK(open(name, O_CREAT | O_WRONLY, 0600))));
	static char path[PATH_MAX + 8];
	memset(path, '/', PATH_MAX);
	FAILS(open(path, O_RDONLY), ENAMETOOLONG);
	FAILS(openat(-1, "f", O_RDONLY), EBADF);
	FAILS(openat(MUST(open("f", O_RDONLY)), "x", O_RDONLY), ENOTDIR);
	FAILS(read(MUST(open("f", O_WRONLY)), name, 1), EBADF);
	FAILS(write(MUST(open("f", O_RDONLY)), name, 1), EBADF);
	FAILS(read(MUST(open(".", O_RDONLY)), name, 1), EISDIR);
}

TEST(positions)
{
	room();
	char text[16] = "";
	int fd = file("f", "0123456789");
	EQ(lseek(fd, 0, SEEK_CUR), 10);
	EQ(lseek(fd, -3, SEEK_END), 7);
	EQ(read(fd, text, 16), 3);
	EQ(memcmp(text, "789", 3), 0);
	EQ(read(fd, text, 16), 0);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 99), EINVAL);
	EQ(pread(fd, text, 2, 4), 2);
	EQ(memcmp(text, "45", 2), 0);
	EQ(lseek(fd, 0, SEEK_CUR), 10);
	FAILS(pread(fd, text, 1, -1), EINVAL);
	EQ(pwrite(fd, "X", 1, 20), 1);
	EQ(size("f"), 21);
	EQ(pread(fd, text, 16, 10), 11);
	EQ(text[0], 0);
	EQ(text[10], 'X');
	/* A duplicate shares the position, another open does not. */
	int twin = OK(dup(fd)), other = OK(open("f", O_RDONLY));
	lseek(fd, 5, SEEK_SET);
	EQ(lseek(twin, 0, SEEK_CUR), 5);
	EQ(lseek(other, 0, SEEK_CUR), 0);
}

TEST(append)
{
	room();
	close(file("f", "start"));
	int fd = OK(open("f", O_WRONLY | O_APPEND));
	OK(write(fd, "-a", 2));
	lseek(fd, 0, SEEK_SET);
	OK(write(fd, "-b", 2));
	char text[32];
	OK(file_read("f", text, sizeof(text)));
	STREQ(text, "start-a-b");
}

TEST(truncate_and_sparse)
{
	room();
	int fd = file("f", "0123456789");
	char c = 1;
	OK(ftruncate(fd, 4));
	EQ(size("f"), 4);
	OK(ftruncate(fd, 10L << 30));
	EQ(size("f"), 10L << 30);
	EQ(pread(fd, &c, 1, 5), 1);
	EQ(c, 0);
	struct stat st;
	OK(fstat(fd, &st));
	YES(st.st_blocks < 100);
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(truncate("none", 0), ENOENT);
	FAILS(truncate(".", 0), EISDIR);
	FAILS(ftruncate(MUST(open("f", O_RDONLY)), 0), EINVAL);
}

TEST(bad_buffers)
{
	room();
	int fd = file("f", "0123456789");
	lseek(fd, 0, SEEK_SET);
	FAILS(read(fd, (void *)8, 4), EFAULT);
	FAILS(read(fd, (void *)0xffff800000000000, 4), EFAULT);
	FAILS(write(fd, (void *)8, 4), EFAULT);
	EQ(lseek(fd, 0, SEEK_CUR), 0);
	EQ(read(fd, (void *)8, 0), 0);
	/* Half of the buffer is there: as much as fits. */
	char *page = MUST((char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(munmap(page + 4096, 4096));
	ssize_t n = read(fd, page + 4096 - 4, 10);
	YES(n == 4 || (n == -1 && errno == EFAULT));
}

TEST(stat_fields)
{
	room();
	struct stat st, again;
	int fd = file("f", "0123456789");
	OK(fstat(fd, &st));
	YES(S_ISREG(st.st_mode));
	EQ(st.st_size, 10);
	EQ(st.st_nlink, 1);
	EQ(st.st_uid, getuid());
	EQ(st.st_blksize, 4096);
	YES(st.st_ino != 0);
	OK(fstatat(AT_FDCWD, "f", &again, 0));
	EQ(st.st_ino, again.st_ino);
	EQ(st.st_dev, again.st_dev);
	OK(fstatat(fd, "", &again, AT_EMPTY_PATH));
	EQ(st.st_ino, again.st_ino);
	FAILS(fstatat(AT_FDCWD, "f", &again, 0x8000000), EINVAL);
	FAILS(syscall(SYS_fstat, fd, 8), EFAULT);
	FAILS(stat((char *)8, &st), EFAULT);
	FAILS(fstat(999, &st), EBADF);
	OK(stat("/dev/null", &st));
	YES(S_ISCHR(st.st_mode));
	EQ(st.st_rdev, 0x103);
}

TEST(times)
{
	room();
	struct stat st;
	struct timespec set[2] = {{1000, 5}, {2000, 7}}, odd[2] = {{0, UTIME_OMIT}, {3000, 0}};
	close(file("f", ""));
	OK(utimensat(AT_FDCWD, "f", set, 0));
	OK(stat("f", &st));
	EQ(st.st_atim.tv_sec, 1000);
	EQ(st.st_mtim.tv_nsec, 7);
	OK(utimensat(AT_FDCWD, "f", odd, 0));
	OK(stat("f", &st));
	EQ(st.st_atim.tv_sec, 1000);
	EQ(st.st_mtim.tv_sec, 3000);
	odd[1].tv_nsec = 1000000000;
	FAILS(utimensat(AT_FDCWD, "f", odd, 0), EINVAL);
	time_t now = time(NULL);
	int fd = OK(open("f", O_WRONLY));
	OK(write(fd, "x", 1));
	OK(fstat(fd, &st));
	YES(st.st_mtim.tv_sec >= now - 1);
}

TEST(descriptors)
{
	int a = OK(open("/dev/null", O_RDONLY)), b = OK(dup(a));
	YES(b > a);
	EQ(dup2(a, 77), 77);
	EQ(dup2(77, 77), 77);
	FAILS(dup2(78, 5), EBADF);
	FAILS(dup2(a, -1), EBADF);
	FAILS(dup3(a, a, 0), EINVAL);
	EQ(dup3(a, 80, O_CLOEXEC), 80);
	EQ(fcntl(80, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(77, F_GETFD), 0);
	EQ(fcntl(a, F_DUPFD, 100), 100);
	EQ(fcntl(a, F_DUPFD_CLOEXEC, 100), 101);
	EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
	OK(fcntl(101, F_SETFD, 0));
	EQ(fcntl(101, F_GETFD), 0);
	FAILS(fcntl(a, F_DUPFD, -1), EINVAL);
	FAILS(fcntl(a, 9999), EINVAL);
	FAILS(fcntl(999, F_GETFD), EBADF);
	OK(close(b));
	FAILS(close(b), EBADF);
	EQ(dup(a), b);
	OK(syscall(SYS_close_range, 77, 101, 0));
	FAILS(fcntl(77, F_GETFD), EBADF);
	FAILS(syscall(SYS_close_range, 10, 9, 0), EINVAL);
}

TEST(descriptor_limit)
{
	struct rlimit limit = {32, 64};
	int n = 0, last = -1;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0; n++)
		last = fd;
	EQ(errno, EMFILE);
	EQ(last, 31);
	FAILS(dup(0), EMFILE);
	FAILS(dup2(0, 32), EBADF);
	FAILS(fcntl(0, F_DUPFD, 32), EINVAL);
	int p[2];
	FAILS(pipe(p), EMFILE);
}

TEST(thousands_of_descriptors)
{
	enum { N = 3000 };
	struct rlimit limit;
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = N + 100 < limit.rlim_max ? N + 100 : limit.rlim_max;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < N; i++)
		MUST(dup(0));
	OK(fcntl(N - 1, F_GETFD));
	pid_t pid;
	CHILD(pid)
	{
		OK(fcntl(N - 1, F_GETFD));
	}
	REAP(pid);
}

TEST(status_flags)
{
	room();
	int fd = OK(open("f", O_CREAT | O_RDWR | O_APPEND, 0600));
	EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_NONBLOCK);
}

TEST(locks)
{
	room();
	int fd = file("f", "x"), other = OK(open("f", O_RDWR));
	OK(flock(fd, LOCK_EX | LOCK_NB));
	FAILS(flock(other, LOCK_EX | LOCK_NB), EAGAIN);
	FAILS(flock(other, LOCK_SH | LOCK_NB), EAGAIN);
	OK(flock(fd, LOCK_UN));
	OK(flock(other, LOCK_SH | LOCK_NB));
	OK(flock(fd, LOCK_SH | LOCK_NB));
	FAILS(flock(fd, 16), EINVAL);
}

TEST(record_locks)
{
	room();
	int fd = file("f", "0123456789");
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 5};
	OK(fcntl(fd, F_SETLK, &lock));
	pid_t pid;
	CHILD(pid)
	{
		struct flock mine = {
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 5};
		FAILS(fcntl(fd, F_SETLK, &mine), EAGAIN);
		OK(fcntl(fd, F_GETLK, &mine));
		EQ(mine.l_pid, getppid());
		EQ(mine.l_start, 0);
		EQ(mine.l_len, 5);
		mine = (struct flock){
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 0};
		OK(fcntl(fd, F_SETLK, &mine));
	}
	REAP(pid);
}

TEST(fifo_between_processes)
{
	room();
	char text[8] = "";
	pid_t pid;
	OK(mkfifo("p", 0600));
	FAILS(mkfifo("p", 0600), EEXIST);
	FAILS(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	CHILD(pid)
	{
		int fd = OK(open("p", O_WRONLY));
		OK(write(fd, "hello", 5));
	}
	int fd = OK(open("p", O_RDONLY));
	EQ(read(fd, text, 5), 5);
	STREQ(text, "hello");
	EQ(read(fd, text, 5), 0);
	REAP(pid);
}

TEST(file_to_file)
{
	room();
	int in = file("in", "0123456789"), out = file("out", "");
	off_t offset = 2;
	EQ(sendfile(out, in, &offset, 5), 5);
	EQ(offset, 7);
	char text[16];
	OK(file_read("out", text, sizeof(text)));
	STREQ(text, "23456");
}

TEST(file_system_information)
{
	struct statfs st;
	OK(statfs("/dev/shm", &st));
	EQ(st.f_type, 0x01021994);
	EQ(st.f_bsize, 4096);
	EQ(st.f_namelen, 255);
	OK(statfs("/proc", &st));
	EQ(st.f_type, 0x9fa0);
	FAILS(statfs("/none", &st), ENOENT);
}

TEST(file_size_limit)
{
	room();
	pid_t pid;
	CHILD(pid)
	{
		struct rlimit limit = {1000, 1000};
		signal(SIGXFSZ, SIG_IGN);
		OK(setrlimit(RLIMIT_FSIZE, &limit));
		int fd = file("f", "");
		EQ(pwrite(fd, "0123456789", 10, 995), 5);
		FAILS(pwrite(fd, "x", 1, 1000), EFBIG);
		FAILS(ftruncate(fd, 1001), EFBIG);
	}
	REAP(pid);
}

TEST(leaves_nothing)
{
	room();
	OK(chdir("/"));
	OK(rmdir(dir));
}
