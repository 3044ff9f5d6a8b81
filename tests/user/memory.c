/* mmap, mprotect, mremap, brk and friends. */
#include "harness.h"
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/uio.h>

enum { PAGE = 4096 };
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static char *map(size_t size, int prot, int flags)
{
	return MUST((char *)mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0));
}
static char *map_rw(size_t pages)
{
	return map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static sigjmp_buf escape;
static void fault(int number)
{
	siglongjmp(escape, number);
}
/* The signal that reading (or writing) at P gives; 0 for none. */
static int touch(volatile char *p, int write_too)
{
	on_signal(SIGSEGV, fault, 0);
	on_signal(SIGBUS, fault, 0);
	int number = sigsetjmp(escape, 1);
	if (number)
		return number;
	char c = *p;
	if (write_too)
		*p = c;
	return 0;
}

TEST(anonymous_memory_is_zero)
{
	char *p = map_rw(64);
	for (int i = 0; i < 64 * PAGE; i += 64)
		EQ(p[i], 0);
	memset(p, 1, 64 * PAGE);
	OK(munmap(p, 64 * PAGE));
	EQ(touch(p, 0), SIGSEGV);
}

TEST(errors)
{
	FAILS((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	FAILS(syscall(SYS_mmap, 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	      EINVAL);
	FAILS(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, 0, 1), EINVAL);
	FAILS(syscall(SYS_mmap, 0, -4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	FAILS(syscall(SYS_mmap, 0x7ffffffff000, 2 * PAGE, PROT_READ,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	      ENOMEM);
	FAILS(munmap((void *)1, PAGE), EINVAL);
	FAILS(munmap((void *)PAGE, 0), EINVAL);
	FAILS(munmap((void *)0xffff800000000000, PAGE), EINVAL);
	OK(munmap((void *)(16 * PAGE), PAGE));
	FAILS(mprotect((void *)(16 * PAGE), PAGE, PROT_READ), ENOMEM);
	FAILS(syscall(SYS_mprotect, 1, PAGE, PROT_READ), EINVAL);
	FAILS(madvise((void *)1, PAGE, MADV_NORMAL), EINVAL);
	FAILS(madvise(map_rw(1), PAGE, 4711), EINVAL);
	FAILS(msync((void *)(16 * PAGE), PAGE, MS_SYNC), ENOMEM);
}

TEST(file_access_modes)
{
	int wo = OK(open("mapped", O_CREAT | O_TRUNC | O_WRONLY, 0600)),
	    ro = OK(open("mapped", O_RDONLY));
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
	FAILS((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
	char *p = MUST((char *)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0));
	FAILS(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	int dir = OK(open("/", O_RDONLY));
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
	OK(unlink("mapped"));
}

TEST(protection)
{
	char *p = map_rw(4);
	EQ(touch(p, 1), 0);
	OK(mprotect(p + PAGE, PAGE, PROT_READ));
	OK(mprotect(p + 2 * PAGE, PAGE, PROT_NONE));
	EQ(touch(p, 1), 0);
	EQ(touch(p + PAGE, 0), 0);
	EQ(touch(p + PAGE, 1), SIGSEGV);
	EQ(touch(p + 2 * PAGE, 0), SIGSEGV);
	EQ(touch(p + 3 * PAGE, 1), 0);
	OK(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
	for (int i = 0; i < 4; i++)
		EQ(touch(p + i * PAGE, 1), 0);
}

TEST(execute_permission)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
	unsigned char *p = (unsigned char *)map_rw(1);
	memcpy(p, code, sizeof(code));
	pid_t pid = spawn();
	if (pid == 0) {
		((int (*)(void))(uintptr_t)p)();
		_exit(0);
	}
	EQ(reap(pid) & 127, SIGSEGV);
	OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	EQ(((int (*)(void))(uintptr_t)p)(), 42);
}

TEST(fixed_replaces_and_noreplace_refuses)
{
	char *p = map_rw(3);
	memset(p, 7, 3 * PAGE);
	EQ(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	           p + PAGE,
	   1);
	EQ(p[PAGE], 0);
	EQ(p[0], 7);
	EQ(p[2 * PAGE], 7);
	FAILS((long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
	                 0),
	      EEXIST);
	OK(munmap(p, PAGE));
	EQ(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p,
	   1);
}

/* mmap(2): whether the place can be had is asked before anybody looks at what is to be there. */
TEST(places_come_first)
{
	enum { NOREPLACE = MAP_FIXED_NOREPLACE };
	int p[2], f = MUST(memfd_create("f", 0));
	char *m = map(PAGE, PROT_READ, MAP_PRIVATE);
	OK(pipe(p));
	FAILS((long)mmap(m, PAGE, PROT_READ, MAP_SHARED | NOREPLACE, p[1], 0), EEXIST);
	FAILS((long)mmap(m, PAGE, PROT_READ, NOREPLACE | MAP_ANONYMOUS, -1, 0), EEXIST);
	FAILS((long)mmap(m, PAGE, PROT_READ, MAP_SHARED | NOREPLACE, f, -PAGE), EEXIST);
	FAILS((long)mmap(m + 1, PAGE, PROT_READ, MAP_SHARED | NOREPLACE, p[1], 0), EINVAL);
	FAILS((long)mmap(m, PAGE, PROT_READ, MAP_SHARED | NOREPLACE | MAP_HUGETLB, p[1], 0),
	      EINVAL);
	FAILS((long)mmap(m, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, p[1], 0), EACCES);
	pid_t child;
	CHILD(child)
	{
		OK(setuid(65534));
		FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, p[1], 0), EPERM);
		FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_FIXED | MAP_ANONYMOUS, -1, 0), EPERM);
	}
	REAP(child);
	OK(munmap(m, PAGE));
	close(f);
	close(p[0]);
	close(p[1]);
}

TEST(hint_is_followed_when_free)
{
	char *p = map_rw(2);
	OK(munmap(p, 2 * PAGE));
	EQ(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p, 1);
	YES(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != p);
}

TEST(partial_unmap)
{
	char *p = map_rw(5);
	memset(p, 3, 5 * PAGE);
	OK(munmap(p + PAGE, PAGE));
	OK(munmap(p + 3 * PAGE, PAGE));
	EQ(p[0] + p[2 * PAGE] + p[4 * PAGE], 9);
	EQ(touch(p + PAGE, 0), SIGSEGV);
	EQ(touch(p + 3 * PAGE, 0), SIGSEGV);
	/* Over holes as well. */
	OK(munmap(p, 5 * PAGE));
	EQ(touch(p, 0), SIGSEGV);
}

TEST(copy_on_write)
{
	enum { N = 200 };
	char *p = map_rw(N);
	pid_t pids[3];
	memset(p, 1, N * PAGE);
	for (int c = 0; c < 3; c++)
		CHILD(pids[c])
		{
			for (int i = c; i < N; i += 2)
				p[i * PAGE] = (char)(10 + c);
			for (int i = 0; i < N; i++)
				EQ(p[i * PAGE], i >= c && (i - c) % 2 == 0 ? 10 + c : 1);
		}
	p[0] = 99;
	for (int c = 0; c < 3; c++)
		REAP(pids[c]);
	EQ(p[0], 99);
	for (int i = 1; i < N; i++)
		EQ(p[i * PAGE], 1);
}

TEST(copy_on_write_by_the_kernel)
{
	/* read(2) into a page that is still shared with the parent. */
	char *p = map_rw(1);
	int fds[2];
	pid_t pid;
	strcpy(p, "parent");
	OK(pipe(fds));
	OK(write(fds[1], "child!", 6));
	CHILD(pid)
	{
		EQ(read(fds[0], p, 6), 6);
		STREQ(p, "child!");
	}
	REAP(pid);
	STREQ(p, "parent");
}

TEST(shared_anonymous)
{
	volatile char *p = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid;
	CHILD(pid)
	{
		p[PAGE] = 5;
		UNTIL(p[0] == 6);
	}
	UNTIL(p[PAGE] == 5);
	p[0] = 6;
	REAP(pid);
}

TEST(shared_file)
{
	int fd = OK(open("shared", O_CREAT | O_TRUNC | O_RDWR, 0600));
	char text[8] = "";
	OK(ftruncate(fd, 3 * PAGE));
	char *a = MUST((char *)mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	char *b = MUST((char *)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE));
	strcpy(a + 2 * PAGE, "seen");
	STREQ(b, "seen");
	EQ(pread(fd, text, 5, 2 * PAGE), 5);
	STREQ(text, "seen");
	OK(pwrite(fd, "back", 5, 2 * PAGE));
	STREQ(a + 2 * PAGE, "back");
	OK(msync(a, 3 * PAGE, MS_SYNC));
	OK(close(fd));
	OK(unlink("shared"));
	STREQ(b, "back");
}

TEST(a_write_through_a_shared_mapping_changes_the_times)
{
	char path[] = "/dev/shm/times-XXXXXX";
	int fd = MUST(mkstemp(path));
	struct timespec past[2] = {{1000000000, 0}, {1000000000, 0}};
	struct stat st;
	OK(ftruncate(fd, PAGE));
	char *p = MUST((char *)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	char *q = MUST((char *)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	OK(futimens(fd, past));
	q[0] = 1;
	OK(fstat(fd, &st));
	EQ(st.st_mtim.tv_sec, 1000000000);
	p[0] = 1;
	OK(msync(p, PAGE, MS_SYNC));
	OK(fstat(fd, &st));
	YES(st.st_mtim.tv_sec > 1000000000);
	OK(unlink(path));
}

TEST(private_file)
{
	int fd = OK(open("private", O_CREAT | O_TRUNC | O_RDWR, 0600));
	char text[8] = "";
	OK(write(fd, "original", 8));
	char *p = MUST((char *)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	EQ(memcmp(p, "original", 8), 0);
	EQ(p[8], 0);
	p[0] = 'X';
	EQ(pread(fd, text, 8, 0), 8);
	EQ(text[0], 'o');
	OK(unlink("private"));
}

TEST(beyond_the_end_of_a_file)
{
	int fd = OK(open("short", O_CREAT | O_TRUNC | O_RDWR, 0600));
	OK(ftruncate(fd, PAGE + 1));
	char *p = MUST((char *)mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	EQ(touch(p + PAGE, 1), 0);
	EQ(touch(p + 2 * PAGE, 0), SIGBUS);
	OK(ftruncate(fd, 4 * PAGE));
	EQ(touch(p + 3 * PAGE, 1), 0);
	OK(ftruncate(fd, 0));
	EQ(touch(p, 0), SIGBUS);
	OK(unlink("short"));
}

TEST(mremap_grows_moves_shrinks)
{
	char *p = map_rw(2);
	strcpy(p, "begin");
	strcpy(p + PAGE, "end");
	char *q = MUST((char *)mremap(p, 2 * PAGE, 300 * PAGE, MREMAP_MAYMOVE));
	STREQ(q, "begin");
	STREQ(q + PAGE, "end");
	EQ(q[299 * PAGE], 0);
	if (q != p)
		EQ(touch(p, 0), SIGSEGV);
	EQ(mremap(q, 300 * PAGE, PAGE, 0) == q, 1);
	STREQ(q, "begin");
	EQ(touch(q + PAGE, 0), SIGSEGV);
	char *to = map_rw(4);
	EQ(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == to + PAGE, 1);
	STREQ(to + PAGE, "begin");
	EQ(touch(q, 0), SIGSEGV);
}

/* 2 MiB, the reach of a page table, down by as much: the table in the middle gives all it has away before it gets more. */
TEST(mremap_by_the_reach_of_a_table)
{
	enum { MIB = 1 << 20 };
	char *room = MUST((char *)mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
	                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *middle = (char *)(((uintptr_t)room + 4 * MIB - 1) & ~(2UL * MIB - 1));
	for (int sparse = 0; sparse < 2; sparse++)
		for (int up = 0; up < 2; up++) {
			char *from = middle + (up ? -1 : 1) * MIB,
			     *to = middle + (up ? 1 : -1) * MIB;
			MUST(mmap(middle - MIB, 4 * MIB, PROT_READ | PROT_WRITE,
			          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
			OK(munmap(to, 2 * MIB));
			for (int i = 0; i < 2 * MIB; i += sparse ? 500 * PAGE : PAGE)
				from[i] = (char)(i / PAGE % 100 + 1);
			EQ((long)mremap(from, 2 * MIB, 2 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to),
			   (long)to);
			for (int i = 0; i < 2 * MIB; i += sparse ? 500 * PAGE : PAGE)
				EQ(to[i], (char)(i / PAGE % 100 + 1));
			EQ(touch(from, 0), SIGSEGV);
		}
}

TEST(mremap_errors)
{
	char *p = map_rw(4);
	FAILS((long)mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	FAILS((long)mremap(p, PAGE, 0, 0), EINVAL);
	FAILS((long)mremap(p, PAGE, PAGE, 64), EINVAL);
	FAILS((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p), EINVAL);
	/* Something stands behind it and it must not move. */
	FAILS((long)mremap(p, PAGE, 8 * PAGE, 0), ENOMEM);
	OK(munmap(p + 2 * PAGE, 2 * PAGE));
	FAILS((long)mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	FAILS((long)mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

TEST(heap)
{
	char *start = (char *)syscall(SYS_brk, 0);
	EQ(syscall(SYS_brk, start + 10 * PAGE) == (long)(start + 10 * PAGE), 1);
	memset(start, 5, 10 * PAGE);
	EQ(syscall(SYS_brk, start + PAGE) == (long)(start + PAGE), 1);
	EQ(touch(start + 5 * PAGE, 0), SIGSEGV);
	syscall(SYS_brk, start + 10 * PAGE);
	EQ(start[5 * PAGE], 0);
	/* Refused: the break as it is. */
	EQ(syscall(SYS_brk, 1) == (long)(start + 10 * PAGE), 1);
}

TEST(dontneed_gives_zeroes)
{
	char *p = map_rw(8);
	memset(p, 1, 8 * PAGE);
	OK(madvise(p + 2 * PAGE, 3 * PAGE, MADV_DONTNEED));
	EQ(p[PAGE], 1);
	EQ(p[2 * PAGE], 0);
	EQ(p[4 * PAGE], 0);
	EQ(p[5 * PAGE], 1);
}

TEST(dontneed_of_a_shared_mapping_keeps_it)
{
	char *p = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	memset(p, 1, 2 * PAGE);
	OK(madvise(p, 2 * PAGE, MADV_DONTNEED));
	EQ(p[0], 1);
	EQ(p[PAGE], 1);
}

TEST(locking)
{
	char *p = map_rw(4);
	OK(mlock(p, 4 * PAGE));
	OK(munlock(p, 4 * PAGE));
	FAILS(mlock((void *)(16 * PAGE), PAGE), ENOMEM);
	pid_t pid;
	CHILD(pid)
	{
		struct rlimit limit = {PAGE, PAGE};
		OK(setrlimit(RLIMIT_MEMLOCK, &limit));
		OK(setresuid(1000, 1000, 1000));
		OK(mlock(p, PAGE));
		FAILS(mlock(p, 4 * PAGE), ENOMEM);
	}
	REAP(pid);
}

TEST(mincore_knows_what_is_there)
{
	unsigned char vec[4];
	char *p = map_rw(4);
	p[0] = p[2 * PAGE] = 1;
	OK(mincore(p, 4 * PAGE, vec));
	EQ(vec[0] & 1, 1);
	EQ(vec[1] & 1, 0);
	EQ(vec[2] & 1, 1);
	OK(munmap(p, 4 * PAGE));
	FAILS(mincore(p, PAGE, vec), ENOMEM);
}

TEST(address_space_limit)
{
	pid_t pid;
	CHILD(pid)
	{
		struct rlimit limit = {64 << 20, 64 << 20};
		OK(setrlimit(RLIMIT_AS, &limit));
		FAILS((long)mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		      ENOMEM);
		int n = 0;
		while (mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		            0) != MAP_FAILED)
			n++;
		EQ(errno, ENOMEM);
		YES(n > 30 && n < 64);
	}
	REAP(pid);
}

TEST(stack_grows_and_ends)
{
	pid_t pid = spawn();
	if (pid == 0) {
		volatile char room[1 << 20];
		for (size_t i = 0; i < sizeof(room); i += PAGE)
			room[sizeof(room) - 1 - i] = 1;
		_exit(0);
	}
	REAP(pid);
}

TEST(ten_thousand_mappings)
{
	enum { N = 10000 };
	char *base = MUST((char *)mmap(NULL, 2UL * N * PAGE, PROT_NONE,
	                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	for (long i = 0; i < N; i++)
		OK(mprotect(base + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE));
	for (long i = 0; i < N; i += 100)
		base[2 * i * PAGE] = (char)i;
	for (long i = 0; i < N; i += 100)
		EQ(base[2 * i * PAGE], (char)i);
	OK(munmap(base, 2UL * N * PAGE));
}

TEST(process_vm_and_vectors)
{
	char out[8] = "";
	struct iovec vec[3] = {{"ab", 2}, {"", 0}, {"cd", 3}};
	int p[2];
	OK(pipe(p));
	EQ(writev(p[1], vec, 3), 5);
	struct iovec in[2] = {{out, 1}, {out + 1, 7}};
	EQ(readv(p[0], in, 2), 5);
	STREQ(out, "abcd");
	FAILS(writev(p[1], vec, -1), EINVAL);
	FAILS(writev(p[1], vec, 1025), EINVAL);
	struct iovec negative = {out, (size_t)-1};
	FAILS(writev(p[1], &negative, 1), EINVAL);
}

TEST(fork_keeps_shared_and_splits_private)
{
	char *private_page = map_rw(1),
	     *shared_page = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid;
	CHILD(pid)
	{
		*private_page = *shared_page = 1;
		pid_t grandchild;
		CHILD(grandchild)
		{
			EQ(*private_page, 1);
			*private_page = *shared_page = 2;
		}
		REAP(grandchild);
		EQ(*private_page, 1);
		EQ(*shared_page, 2);
	}
	REAP(pid);
	EQ(*private_page, 0);
	EQ(*shared_page, 2);
}

/* vm.overcommit_memory: 0 refuses what can never be had, unless nothing is to be set aside for it; 1 refuses nothing. */
TEST(overcommit_of_memory)
{
	static const char setting[] = "/proc/sys/vm/overcommit_memory";
	enum { ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS, WRITABLE = PROT_READ | PROT_WRITE };
	char was[32] = "";
	size_t size = 1ull << 44;
	YES(file_read(setting, was, sizeof was) > 0);
	OK(file_write(setting, "0"));
	FAILS((long)mmap(NULL, size, WRITABLE, ANONYMOUS, -1, 0), ENOMEM);
	OK(munmap(MUST(mmap(NULL, size, PROT_READ, ANONYMOUS, -1, 0)), size));
	OK(munmap(MUST(mmap(NULL, size, WRITABLE, ANONYMOUS | MAP_NORESERVE, -1, 0)), size));
	OK(file_write(setting, "1"));
	OK(munmap(MUST(mmap(NULL, size, WRITABLE, ANONYMOUS, -1, 0)), size));
	FAILS(file_write(setting, "3"), EINVAL);
	FAILS(file_write(setting, "-1"), EINVAL);
	OK(file_write(setting, was));
}
