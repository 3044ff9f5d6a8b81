/* Memory devices, random numbers, device nodes (mem(4), null(4), full(4), random(4), getrandom(2)). */
#include "harness.h"
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

static int device(const char *name)
{
	return MUST(open(name, O_RDWR));
}

TEST(null_swallows_and_gives_nothing)
{
	char c;
	int fd = device("/dev/null");
	EQ(write(fd, "abc", 3), 3);
	EQ(write(fd, NULL, 100), 100); /* not even looked at */
	EQ(read(fd, &c, 1), 0);
	EQ(lseek(fd, 100, SEEK_SET), 0);
	EQ(pread(fd, &c, 1, 5), 0);
	EQ(pwrite(fd, &c, 1, 5), 1);
	FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0, ENODEV);
	struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT};
	EQ(poll(&f, 1, 0), 1);
	EQ(f.revents, POLLIN | POLLOUT);
}

TEST(zero_reads_and_maps_zeroes)
{
	char buffer[5000];
	int fd = device("/dev/zero");
	memset(buffer, 1, sizeof(buffer));
	EQ(read(fd, buffer, sizeof(buffer)), sizeof(buffer));
	for (size_t i = 0; i < sizeof(buffer); i += 7)
		EQ(buffer[i], 0);
	EQ(write(fd, "abc", 3), 3);
	FAILS(read(fd, (void *)8, 3), EFAULT);
	char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
	char *both = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	YES(private != MAP_FAILED && both != MAP_FAILED);
	EQ(private[5000], 0);
	pid_t child;
	CHILD(child)
	{
		private[0] = 'p';
		both[4096] = 's';
	}
	REAP(child);
	EQ(private[0], 0);
	EQ(both[4096], 's');
	/* Another mapping is another object. */
	char *other = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	EQ(other[4096], 0);
}

TEST(full_is_full)
{
	char c = 1;
	int fd = device("/dev/full");
	FAILS(write(fd, "x", 1), ENOSPC);
	EQ(read(fd, &c, 1), 1);
	EQ(c, 0);
}

TEST(partial_transfers_at_a_bad_page)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mprotect(p + 4096, 4096, PROT_NONE));
	EQ(read(device("/dev/zero"), p, 8192), 4096);
	EQ(getrandom(p, 8192, 0), 4096);
	FAILS(getrandom(p + 4096, 1, 0), EFAULT);
	struct iovec v[2] = {{p, 10}, {p + 4096, 10}};
	EQ(readv(device("/dev/zero"), v, 2), 10);
}

TEST(getrandom_flags_and_lengths)
{
	char a[64] = {0}, b[64] = {0};
	EQ(getrandom(a, 64, 0), 64);
	EQ(getrandom(b, 64, GRND_NONBLOCK), 64);
	YES(memcmp(a, b, 64));
	EQ(getrandom(a, 64, GRND_RANDOM), 64);
	EQ(syscall(SYS_getrandom, a, 64, 4), 64);
	EQ(getrandom(a, 0, 0), 0);
	EQ(getrandom(NULL, 0, 0), 0);
	FAILS(syscall(SYS_getrandom, a, 1, 6), EINVAL);
	FAILS(syscall(SYS_getrandom, a, 1, 8), EINVAL);
	FAILS(syscall(SYS_getrandom, 8, 1, 0), EFAULT);
	FAILS(syscall(SYS_getrandom, -4096l, 1, 0), EFAULT);
}

TEST(random_devices)
{
	static const char *const names[] = {"/dev/random", "/dev/urandom"};
	for (int i = 0; i < 2; i++) {
		char a[300], b[300];
		int fd = device(names[i]), bits = 0;
		EQ(read(fd, a, 300), 300);
		EQ(read(fd, b, 300), 300);
		YES(memcmp(a, b, 300));
		EQ(write(fd, "entropy", 7), 7);
		OK(ioctl(fd, 0x80045200, &bits)); /* RNDGETENTCNT */
		YES(bits > 0);
		FAILS(ioctl(fd, 0x5401, a), EINVAL);
	}
}

TEST(nodes_by_number_in_any_file_system)
{
	struct stat st;
	MUST(stat("/dev/null", &st));
	YES(S_ISCHR(st.st_mode));
	EQ(st.st_rdev, makedev(1, 3));
	EQ(st.st_mode & 07777, 0666);
	if (geteuid() != 0)
		return;
	char name[64];
	snprintf(name, sizeof(name), "/dev/shm/node%d", getpid());
	MUST(mknod(name, S_IFCHR | 0600, makedev(1, 5)));
	char c = 1;
	int fd = MUST(open(name, O_RDONLY));
	EQ(read(fd, &c, 1), 1);
	EQ(c, 0);
	MUST(unlink(name));
	MUST(mknod(name, S_IFCHR | 0600, makedev(250, 77)));
	FAILS(open(name, O_RDONLY), ENXIO);
	MUST(unlink(name));
	MUST(mknod(name, S_IFBLK | 0600, makedev(250, 77)));
	FAILS(open(name, O_RDONLY), ENXIO);
	MUST(unlink(name));
}

TEST(ioctls_every_descriptor_has)
{
	int on = 1, off = 0, n = -1, p[2];
	MUST(pipe(p));
	OK(ioctl(p[0], FIOCLEX));
	EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	OK(ioctl(p[0], FIONCLEX));
	EQ(fcntl(p[0], F_GETFD), 0);
	OK(ioctl(p[0], FIONBIO, &on));
	YES(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	OK(ioctl(p[0], FIONBIO, &off));
	YES(!(fcntl(p[0], F_GETFL) & O_NONBLOCK));
	FAILS(ioctl(p[0], FIONBIO, (void *)8), EFAULT);
	MUST(write(p[1], "abc", 3));
	OK(ioctl(p[0], FIONREAD, &n));
	EQ(n, 3);
	FAILS(ioctl(p[0], 0xdead, 0), ENOTTY);
	FAILS(ioctl(-1, FIONBIO, &on), EBADF);
	FAILS(ioctl(MUST(open("/", O_PATH)), FIOCLEX), EBADF);
	int fd = MUST(open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
	MUST(write(fd, "0123456789", 10));
	MUST(lseek(fd, 4, SEEK_SET));
	OK(ioctl(fd, FIONREAD, &n));
	EQ(n, 6);
	FAILS(ioctl(fd, 0x5401, &n), ENOTTY);
}
