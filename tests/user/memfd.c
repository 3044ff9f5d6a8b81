/* memfd_create(2) with seals, and shm_open(3) (P1, P3). */
#include "harness.h"

enum { SEAL_SEAL = 1, SHRINK = 2, GROW = 4, WRITE = 8, FUTURE_WRITE = 16 };

static int sealable(size_t size)
{
	int fd = OK(memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	OK(ftruncate(fd, (off_t)size));
	return fd;
}
static char *map(int fd, int prot, int flags)
{
	return mmap(NULL, 4096, prot, flags, fd, 0);
}

TEST(creation)
{
	char name[251], target[64];
	struct stat st;
	memset(name, 'x', sizeof(name));
	name[250] = 0;
	FAILS(memfd_create(name, 0), EINVAL);
	name[249] = 0;
	int fd = OK(memfd_create(name, 0));
	FAILS(memfd_create("a", 0x8000), EINVAL);
	FAILS(syscall(SYS_memfd_create, 8, 0), EFAULT);
	EQ(fcntl(fd, F_GETFD), 0);
	close(fd);
	fd = OK(memfd_create("some name", MFD_CLOEXEC));
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	EQ(st.st_size, 0);
	EQ(st.st_mode & 0777, 0777);
	char link[32];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = OK(readlink(link, target, sizeof(target) - 1));
	target[n] = 0;
	STREQ(target, "/memfd:some name (deleted)");
}

TEST(without_leave_nothing_is_sealed)
{
	int fd = OK(memfd_create("a", 0)), p[2];
	EQ(fcntl(fd, F_GET_SEALS), SEAL_SEAL);
	FAILS(fcntl(fd, F_ADD_SEALS, WRITE), EPERM);
	OK(pipe(p));
	FAILS(fcntl(p[0], F_GET_SEALS), EINVAL);
	FAILS(fcntl(p[1], F_ADD_SEALS, WRITE), EINVAL);
	fd = sealable(4096);
	EQ(fcntl(fd, F_GET_SEALS), 0);
	FAILS(fcntl(fd, F_ADD_SEALS, 0x100), EINVAL);
	OK(fcntl(fd, F_ADD_SEALS, SEAL_SEAL));
	FAILS(fcntl(fd, F_ADD_SEALS, GROW), EPERM);
	EQ(fcntl(fd, F_GET_SEALS), SEAL_SEAL);
}

TEST(size_seals)
{
	char data[8192] = {0};
	int fd = sealable(4096);
	OK(fcntl(fd, F_ADD_SEALS, GROW));
	FAILS(ftruncate(fd, 8192), EPERM);
	FAILS(fallocate(fd, 0, 4096, 4096), EPERM);
	EQ(pwrite(fd, data, 100, 0), 100);
	EQ(pwrite(fd, data, 8192, 0), 4096);
	FAILS(pwrite(fd, data, 1, 4096), EPERM);
	OK(ftruncate(fd, 100));
	OK(fcntl(fd, F_ADD_SEALS, SHRINK));
	FAILS(ftruncate(fd, 99), EPERM);
	OK(ftruncate(fd, 100));
	EQ(fcntl(fd, F_GET_SEALS), GROW | SHRINK);
}

TEST(write_seal)
{
	int fd = sealable(4096);
	char *shared_map = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), *m;
	YES(shared_map != MAP_FAILED);
	FAILS(fcntl(fd, F_ADD_SEALS, WRITE), EBUSY);
	EQ(fcntl(fd, F_GET_SEALS), 0);
	OK(munmap(shared_map, 4096));
	OK(fcntl(fd, F_ADD_SEALS, WRITE));
	FAILS(write(fd, "a", 1), EPERM);
	FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), EPERM);
	YES(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED);
	EQ(errno, EPERM);
	m = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	YES(m != MAP_FAILED);
	m[0] = 1;
}

TEST(future_write_seal)
{
	int fd = sealable(4096);
	char *before = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), *after, c;
	OK(fcntl(fd, F_ADD_SEALS, FUTURE_WRITE));
	before[0] = 'x';
	EQ(pread(fd, &c, 1, 0), 1);
	EQ(c, 'x');
	FAILS(write(fd, "a", 1), EPERM);
	YES(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED) == MAP_FAILED);
	EQ(errno, EPERM);
	after = map(fd, PROT_READ, MAP_SHARED);
	YES(after != MAP_FAILED);
	EQ(after[0], 'x');
	FAILS(mprotect(after, 4096, PROT_READ | PROT_WRITE), EACCES);
}

TEST(shm_open_is_a_file_without_symlinks)
{
	char name[48], path[64], other[80];
	snprintf(name, sizeof(name), "/memfd.%d", (int)getpid());
	snprintf(path, sizeof(path), "/dev/shm%s", name);
	snprintf(other, sizeof(other), "%s.other", path);
	FAILS(shm_open(name, O_RDWR, 0), ENOENT);
	int fd = OK(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	FAILS(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	OK(ftruncate(fd, 4096));
	OK(rename(path, other));
	OK(symlink(other, path));
	FAILS(shm_open(name, O_RDWR, 0), ELOOP);
	OK(shm_unlink(name));
	FAILS(shm_unlink(name), ENOENT);
	OK(unlink(other));
	char *m = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	YES(m != MAP_FAILED);
	m[4095] = 1; /* lives on, without a name */
}

TEST(sparse_file_has_few_blocks)
{
	struct stat st;
	int fd = OK(memfd_create("sparse", 0));
	OK(ftruncate(fd, 1l << 40));
	EQ(pwrite(fd, "x", 1, 1l << 39), 1);
	OK(fstat(fd, &st));
	EQ(st.st_size, 1l << 40);
	EQ(st.st_blocks, 8);
}
