/*
 * Huge pages: the pool of /proc/sys/vm/nr_hugepages, MAP_HUGETLB, SHM_HUGETLB, MFD_HUGETLB (H5).
 *
 * The pool belongs to the machine: each case takes a lock for as long as it has sized the pool.
 */
#include "caps.h"
#include "harness.h"
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#define HUGE (2ul << 20)
#define POOL "/proc/sys/vm/nr_hugepages"
enum { PAGE = 4096, MAP_PRIVATE_HUGE = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, RW = 3 };
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif

struct pool {
	long total, free, reserved, surplus;
};
static long line_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtol(at + strlen(name), NULL, 10) : -1;
}
static struct pool pool_now(void)
{
	static char text[16384];
	YES(file_read("/proc/meminfo", text, sizeof text) > 0);
	return (struct pool){line_of(text, "HugePages_Total:"), line_of(text, "HugePages_Free:"),
	                     line_of(text, "HugePages_Rsvd:"), line_of(text, "HugePages_Surp:")};
}
#define POOL_IS(t, f, r, s)                                                                        \
	do {                                                                                       \
		struct pool now_ = pool_now();                                                     \
		EQ(now_.total, t);                                                                 \
		EQ(now_.free, f);                                                                  \
		EQ(now_.reserved, r);                                                              \
		EQ(now_.surplus, s);                                                               \
	} while (0)

static void pool_size(int pages)
{
	char text[16];
	snprintf(text, sizeof text, "%d", pages);
	OK(file_write(POOL, text));
}
/* The rest of the case runs in a child, behind which the pool is emptied, however it ends. */
static void pool_take(int pages)
{
	MUST(flock(MUST(open("/tmp/hugepages.lock", O_CREAT | O_RDWR, 0666)), LOCK_EX));
	pool_size(pages);
	POOL_IS(pages, pages, 0, 0);
	pid_t child = spawn();
	if (!child)
		return;
	int status = reap(child);
	OK(file_write("/proc/sys/vm/nr_overcommit_hugepages", "0"));
	pool_size(0);
	EQ(status, 0);
	_exit(0);
}

static char *map_huge(int pages, int more)
{
	return mmap(NULL, (size_t)pages * HUGE, RW, MAP_PRIVATE_HUGE | more, -1, 0);
}
static int signal_of_touching(volatile char *p)
{
	pid_t child = spawn();
	if (!child) {
		*p = 1;
		_exit(0);
	}
	int status = reap(child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(the_pool_grows_and_shrinks)
{
	char text[32];
	pool_take(3);
	YES(file_read(POOL, text, sizeof text) > 0);
	STREQ(text, "3\n");
	char *p = MUST(map_huge(1, 0));
	*p = 1;
	pool_size(0);
	POOL_IS(1, 0, 0, 1);
	OK(munmap(p, HUGE));
	POOL_IS(0, 0, 0, 0);
	OK(file_write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2\n"));
	POOL_IS(2, 2, 0, 0);
	FAILS(file_write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2x"), EINVAL);
	FAILS(file_write(POOL, "x"), EINVAL);
}

TEST(the_pool_takes_what_memory_there_is)
{
	char text[32];
	pool_take(0);
	OK(file_write("/proc/sys/vm/nr_overcommit_hugepages", "1000000000"));
	FAILS((long)map_huge(1 << 24, 0), ENOMEM);
	POOL_IS(0, 0, 0, 0);
	YES(file_read("/proc/sys/vm/nr_overcommit_hugepages", text, sizeof text) > 0);
	STREQ(text, "1000000000\n");
}

TEST(a_private_mapping_is_promised_its_pages)
{
	pool_take(3);
	char *p = MUST(map_huge(2, 0));
	POOL_IS(3, 3, 2, 0);
	for (size_t i = 0; i < 2 * HUGE; i += HUGE / 4)
		EQ(p[i], 0);
	POOL_IS(3, 1, 0, 0);
	FAILS((long)map_huge(2, 0), ENOMEM);
	char *q = MUST(map_huge(1, 0));
	POOL_IS(3, 1, 1, 0);
	OK(munmap(q, HUGE));
	OK(munmap(p + HUGE, HUGE));
	POOL_IS(3, 2, 0, 0);
	p[HUGE - 1] = 7;
	EQ(p[HUGE - 1], 7);
	OK(munmap(p, HUGE));
	POOL_IS(3, 3, 0, 0);
}

/* What a private mapping gives back it was promised, and is promised again (Linux since 6.9). */
TEST(a_page_given_back_is_kept_for_its_mapping)
{
	pool_take(2);
	char *p = MUST(map_huge(2, 0)), *q = MUST(map_huge(1, MAP_NORESERVE));
	p[0] = p[HUGE] = 7;
	POOL_IS(2, 0, 0, 0);
	OK(madvise(p, HUGE, MADV_DONTNEED));
	POOL_IS(2, 1, 1, 0);
	EQ(signal_of_touching(q), SIGBUS);
	FAILS((long)map_huge(1, 0), ENOMEM);
	EQ(p[0], 0);
	EQ(p[HUGE], 7);
	POOL_IS(2, 0, 0, 0);
	OK(madvise(p, 2 * HUGE, MADV_DONTNEED));
	POOL_IS(2, 2, 2, 0);
	OK(munmap(p, 2 * HUGE));
	POOL_IS(2, 2, 0, 0);
}

TEST(without_a_promise_the_fault_may_fail)
{
	pool_take(2);
	char *reserved = MUST(map_huge(1, 0)), *p = MUST(map_huge(2, MAP_NORESERVE));
	POOL_IS(2, 2, 1, 0);
	p[0] = 1;
	POOL_IS(2, 1, 1, 0);
	EQ(signal_of_touching(p + HUGE), SIGBUS);
	FAILS(read(open("/dev/zero", O_RDONLY), p + HUGE, 1), EFAULT);
	reserved[0] = 1;
	OK(munmap(p, 2 * HUGE));
	POOL_IS(2, 1, 0, 0);
	OK(munmap(reserved, HUGE));
}

TEST(surplus_pages_come_and_go)
{
	pool_take(1);
	OK(file_write("/proc/sys/vm/nr_overcommit_hugepages", "2"));
	FAILS((long)map_huge(4, 0), ENOMEM);
	POOL_IS(1, 1, 0, 0);
	char *p = MUST(map_huge(3, 0));
	POOL_IS(3, 3, 3, 2);
	memset(p, 1, 3 * HUGE);
	POOL_IS(3, 0, 0, 2);
	OK(munmap(p, 3 * HUGE));
	POOL_IS(1, 1, 0, 0);
	p = MUST(map_huge(3, MAP_NORESERVE));
	p[0] = p[HUGE] = 1;
	POOL_IS(2, 0, 0, 1);
	OK(munmap(p, 3 * HUGE));
	POOL_IS(1, 1, 0, 0);
}

TEST(huge_pages_are_not_cut)
{
	pool_take(4);
	char *p = MUST(map_huge(3, 0));
	EQ((unsigned long)p % HUGE, 0);
	FAILS(munmap(p, PAGE), EINVAL);
	FAILS(munmap(p + PAGE, HUGE), EINVAL);
	FAILS(mprotect(p, PAGE, PROT_READ), EINVAL);
	FAILS(mprotect(p + HUGE, HUGE + PAGE, PROT_READ), EINVAL);
	FAILS(madvise(p, PAGE, MADV_DONTFORK), EINVAL);
	FAILS(madvise(p, HUGE, MADV_FREE), EINVAL);
	FAILS(madvise(p + PAGE, PAGE, MADV_DONTNEED), EINVAL);
	OK(madvise(p, PAGE, MADV_DONTNEED));
	FAILS((long)mremap(p, HUGE, 2 * HUGE, MREMAP_MAYMOVE), EINVAL);
	FAILS((long)mremap(p + PAGE, PAGE, PAGE, 0), EINVAL);
	FAILS((long)mmap(p + PAGE, HUGE, RW, MAP_PRIVATE_HUGE | MAP_FIXED, -1, 0), EINVAL);
	EQ((long)mremap(p, PAGE, PAGE, 0), (long)p);
	OK(mlock(p, PAGE));
	OK(munmap(p + HUGE, HUGE));
	POOL_IS(4, 3, 1, 0);
	OK(munmap(p, 3 * HUGE));
	POOL_IS(4, 4, 0, 0);
}

TEST(arguments)
{
	pool_take(1);
	FAILS((long)map_huge(0, 0), EINVAL);
	FAILS((long)map_huge(1, MAP_GROWSDOWN), EINVAL);
	FAILS((long)map_huge(1, 20 << 26), EINVAL);
	FAILS(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 20 << 26 | 0600), EINVAL);
	FAILS(syscall(SYS_memfd_create, "x", MFD_HUGETLB | 20u << 26), ENODEV);
	FAILS(syscall(SYS_memfd_create, "x", 0x100), EINVAL);
	FAILS(syscall(SYS_memfd_create, "x", 21u << 26), EINVAL);
	char *p = MUST(map_huge(1, 21 << 26));
	OK(munmap(p, HUGE));
	p = mmap(NULL, 5, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	YES(p != MAP_FAILED);
	POOL_IS(1, 1, 1, 0);
	p[HUGE - 1] = 1;
	FAILS(munmap(p, 5), EINVAL);
	OK(munmap(p, HUGE));
	POOL_IS(1, 1, 0, 0);
}

TEST(protection_of_whole_pages)
{
	pool_take(2);
	char *p = MUST(map_huge(2, 0));
	p[0] = 3;
	OK(mprotect(p, HUGE, PROT_READ));
	EQ(p[0], 3);
	EQ(signal_of_touching(p), SIGSEGV);
	OK(mprotect(p, HUGE, PROT_NONE));
	OK(mprotect(p, 2 * HUGE, RW));
	EQ(p[0], 3);
	p[0] = 4;
	p[HUGE] = 5;
	EQ(p[0], 4);
	unsigned char there[2 * HUGE / PAGE];
	OK(mincore(p, 2 * HUGE, there));
	EQ(there[0] & there[1] & there[HUGE / PAGE + 7] & 1, 1);
	OK(munmap(p, 2 * HUGE));
}

TEST(fork_copies_on_write)
{
	pool_take(3);
	char *p = MUST(map_huge(1, 0));
	p[0] = 1, p[HUGE - 1] = 2;
	pid_t child;
	CHILD(child)
	{
		EQ(p[0], 1);
		POOL_IS(3, 2, 0, 0);
		p[0] = 9;
		EQ(p[HUGE - 1], 2);
		POOL_IS(3, 1, 0, 0);
	}
	REAP(child);
	EQ(p[0], 1);
	POOL_IS(3, 2, 0, 0);
	p[0] = 4; /* alone: in place */
	POOL_IS(3, 2, 0, 0);
	OK(munmap(p, HUGE));
}

TEST(the_owner_of_a_promise_goes_before_its_children)
{
	pool_take(1);
	int go[2], ready[2];
	char *p = MUST(map_huge(1, 0)), c;
	OK(pipe(go));
	OK(pipe(ready));
	p[0] = 4;
	pid_t child = spawn();
	if (!child) {
		OK(write(ready[1], p, 1));
		OK(read(go[0], &c, 1));
		_exit(*(volatile char *)p);
	}
	EQ(read(ready[0], &c, 1), 1);
	p[0] = 5; /* there is no second page */
	OK(write(go[1], "g", 1));
	EQ(reap(child), SIGBUS);
	EQ(p[0], 5);
	OK(munmap(p, HUGE));
	POOL_IS(1, 1, 0, 0);
}

TEST(a_child_without_a_page_dies_and_the_owner_does_not)
{
	pool_take(1);
	char *p = MUST(map_huge(1, 0));
	p[0] = 4;
	EQ(signal_of_touching(p), SIGBUS);
	EQ(p[0], 4);
	p[0] = 5;
	OK(munmap(p, HUGE));
}

TEST(move_keeps_pages_and_promises)
{
	pool_take(3);
	char *p = MUST(map_huge(2, 0));
	char *room = MUST(mmap(NULL, 8 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *to = (char *)(((unsigned long)room + HUGE) & ~(HUGE - 1));
	p[0] = 6;
	FAILS((long)mremap(p, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE),
	      EINVAL);
	EQ((long)mremap(p, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
	EQ(to[0], 6);
	POOL_IS(3, 2, 1, 0);
	to[HUGE] = 7;
	POOL_IS(3, 1, 0, 0);
	EQ((long)mremap(to, 2 * HUGE, HUGE, MREMAP_MAYMOVE), (long)to);
	POOL_IS(3, 2, 0, 0);
	OK(munmap(to, HUGE));
	POOL_IS(3, 3, 0, 0);
}

TEST(segments)
{
	pool_take(3);
	struct shmid_ds ds;
	struct shm_info info;
	int id = MUST(shmget(IPC_PRIVATE, HUGE + 5, IPC_CREAT | SHM_HUGETLB | 0600));
	POOL_IS(3, 3, 2, 0);
	char *p = MUST((char *)shmat(id, NULL, 0)), *q = MUST((char *)shmat(id, NULL, SHM_RDONLY));
	FAILS((long)shmat(id, p + 32 * HUGE + PAGE, 0), EINVAL);
	EQ((unsigned long)p % HUGE, 0);
	p[0] = 1, p[2 * HUGE - 1] = 2;
	EQ(q[2 * HUGE - 1], 2);
	POOL_IS(3, 1, 0, 0);
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_segsz, HUGE + 5);
	EQ(ds.shm_nattch, 2);
	EQ(ds.shm_perm.mode, 0600);
	OK(shmctl(id, SHM_LOCK, NULL));
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_perm.mode, 0600);
	YES(shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0);
	YES(info.shm_rss >= 2 * HUGE / PAGE);
	OK(munmap(p, HUGE));
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 2);
	OK(munmap(q + HUGE, HUGE));
	OK(shmdt(p));
	OK(shmdt(q));
	OK(shmctl(id, IPC_RMID, NULL));
	POOL_IS(3, 3, 0, 0);
	FAILS(shmget(IPC_PRIVATE, 4 * HUGE, IPC_CREAT | SHM_HUGETLB | 0600), ENOMEM);
	id = MUST(shmget(IPC_PRIVATE, 4 * HUGE, IPC_CREAT | SHM_HUGETLB | SHM_NORESERVE | 0600));
	p = MUST((char *)shmat(id, NULL, 0));
	POOL_IS(3, 3, 0, 0);
	p[0] = p[HUGE] = p[2 * HUGE] = 1;
	EQ(signal_of_touching(p + 3 * HUGE), SIGBUS);
	OK(shmctl(id, IPC_RMID, NULL));
	OK(shmdt(p));
	POOL_IS(3, 3, 0, 0);
}

TEST(who_may_have_huge_segments)
{
	pool_take(1);
	pid_t child;
	CHILD(child)
	{
		become_with(0, 65534);
		FAILS(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 0600), EPERM);
		char *p = MUST(map_huge(1, 0)); /* not asked for there */
		*p = 1;
	}
	REAP(child);
	CHILD(child)
	{
		become_with(1ull << CAP_IPC_LOCK, 65534);
		OK(shmctl(MUST(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 0600)), IPC_RMID,
		          NULL));
	}
	REAP(child);
	OK(file_write("/proc/sys/vm/hugetlb_shm_group", "65534"));
	CHILD(child)
	{
		become_with(0, 65534);
		OK(shmctl(MUST(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 0600)), IPC_RMID,
		          NULL));
	}
	REAP(child);
	OK(file_write("/proc/sys/vm/hugetlb_shm_group", "0"));
	POOL_IS(1, 1, 0, 0);
}

TEST(files_of_huge_pages)
{
	pool_take(4);
	int fd = MUST((int)syscall(SYS_memfd_create, "h", MFD_HUGETLB | MFD_ALLOW_SEALING));
	char byte;
	struct stat st;
	FAILS(write(fd, "x", 1), EINVAL);
	FAILS(ftruncate(fd, PAGE), EINVAL);
	OK(ftruncate(fd, 2 * HUGE));
	FAILS((long)mmap(NULL, HUGE, RW, MAP_SHARED, fd, PAGE), EINVAL);
	char *p = MUST((char *)mmap(NULL, 2 * HUGE, RW, MAP_SHARED, fd, 0));
	POOL_IS(4, 4, 2, 0);
	p[0] = 7, p[HUGE] = 8;
	EQ(pread(fd, &byte, 1, HUGE), 1);
	EQ(byte, 8);
	EQ(pread(fd, &byte, 1, 2 * HUGE), 0);
	OK(fstat(fd, &st));
	EQ(st.st_size, 2 * HUGE);
	EQ(st.st_blksize, HUGE);
	EQ(st.st_blocks, 2 * HUGE / 512);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE));
	POOL_IS(4, 3, 0, 0);
	EQ(p[0], 0);
	POOL_IS(4, 2, 0, 0);
	OK(ftruncate(fd, HUGE));
	POOL_IS(4, 3, 0, 0);
	EQ(signal_of_touching(p + HUGE), SIGBUS);
	char *q = MUST((char *)mmap(NULL, HUGE, RW, MAP_PRIVATE, fd, 0));
	POOL_IS(4, 3, 1, 0);
	p[0] = 3;
	EQ(q[0], 3);
	q[0] = 9;
	EQ(p[0], 3);
	POOL_IS(4, 2, 0, 0);
	OK(fallocate(fd, 0, 0, 3 * HUGE));
	POOL_IS(4, 0, 0, 0);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	FAILS(ftruncate(fd, 0), EPERM);
	OK(close(fd));
	OK(munmap(q, HUGE));
	OK(munmap(p, 2 * HUGE));
	POOL_IS(4, 4, 0, 0);
}

TEST(a_writable_mapping_makes_the_file_longer)
{
	pool_take(2);
	struct stat st;
	int fd = MUST((int)syscall(SYS_memfd_create, "h", MFD_HUGETLB));
	char *p = MUST((char *)mmap(NULL, HUGE, PROT_READ, MAP_SHARED, fd, 0));
	OK(fstat(fd, &st));
	EQ(st.st_size, 0);
	OK(munmap(p, HUGE));
	p = MUST((char *)mmap(NULL, PAGE, RW, MAP_SHARED, fd, HUGE));
	OK(fstat(fd, &st));
	EQ(st.st_size, 2 * HUGE);
	p[5] = 1;
	OK(munmap(p, HUGE));
	OK(close(fd));
	POOL_IS(2, 2, 0, 0);
}

TEST(what_is_mapped_again_is_whole_pages)
{
	pool_take(2);
	char *p = MUST(mmap(NULL, 2 * HUGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0));
	p[0] = 'a', p[HUGE] = 'b';
	FAILS(remap_file_pages(p, PAGE, 0, 0, 0), EINVAL);
	FAILS(remap_file_pages(p + PAGE, HUGE, 0, 0, 0), EINVAL);
	EQ(p[0], 'a');
	EQ(p[HUGE], 'b');
	OK(remap_file_pages(p, HUGE, 0, HUGE / PAGE, 0));
	EQ(p[0], 'b');
	FAILS(remap_file_pages(p, HUGE, 0, 1, 0), EINVAL); /* Linux unmaps it */
}

TEST(far_places_of_a_file_are_others)
{
	pool_take(2);
	int fd = MUST(memfd_create("far", MFD_HUGETLB));
	char *near = MUST(mmap(NULL, HUGE, RW, MAP_SHARED, fd, 0));
	near[0] = 'a';
	/* May be too far; but never is it the place whose number has the same low bits. */
	char *far = mmap(NULL, HUGE, RW, MAP_SHARED, fd, (off_t)(HUGE << 32));
	if (far != MAP_FAILED)
		EQ(far[0], 0);
	EQ(near[0], 'a');
}

TEST(other_processes_reach_them)
{
	pool_take(1);
	char *p = MUST(map_huge(1, 0)), got[3] = "";
	int go[2];
	OK(pipe(go));
	pid_t child = spawn();
	if (!child) {
		char c;
		OK(read(go[0], &c, 1));
		_exit(0);
	}
	memcpy(p + 3 * PAGE - 1, "ab", 3);
	struct iovec {
		void *base;
		size_t len;
	} from = {p + 3 * PAGE - 1, 3}, to = {got, 3};
	EQ(syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0), 3);
	STREQ(got, "ab");
	OK(write(go[1], "g", 1));
	REAP(child);
	OK(munmap(p, HUGE));
}

TEST(how_proc_shows_them)
{
	static char text[65536];
	char want[64];
	pool_take(2);
	int id = MUST(shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 0600));
	char *p = MUST(map_huge(1, 0)), *q = MUST((char *)shmat(id, NULL, 0));
	p[0] = q[0] = 1;
	YES(file_read("/proc/self/smaps", text, sizeof text) > 0);
	snprintf(want, sizeof want, "%lx-%lx rw-p 00000000 ", (long)p, (long)p + HUGE);
	char *at = strstr(text, want);
	YES(at && strstr(at, "/anon_hugepage (deleted)\n"));
	YES(at && line_of(at, "KernelPageSize:") == 2048 && line_of(at, "Rss:") == 0 &&
	    line_of(at, "Private_Hugetlb:") == 2048);
	snprintf(want, sizeof want, "%lx-%lx rw-s 00000000 ", (long)q, (long)q + HUGE);
	at = strstr(text, want);
	YES(at && strstr(at, "/SYSV00000000 (deleted)\n"));
	YES(file_read("/proc/self/status", text, sizeof text) > 0);
	EQ(line_of(text, "HugetlbPages:"), 4096);
	OK(shmctl(id, IPC_RMID, NULL));
	OK(shmdt(q));
	OK(munmap(p, HUGE));
}

TEST(killed_at_any_moment)
{
	enum { ROUNDS = 12 };
	pool_take(6);
	int id = MUST(shmget(IPC_PRIVATE, 2 * HUGE, IPC_CREAT | SHM_HUGETLB | 0600));
	for (int n = 0; n < ROUNDS; n++) {
		pid_t child = spawn();
		if (!child)
			for (;;) {
				char *p = map_huge(2, n % 2 ? MAP_NORESERVE : 0);
				char *q = shmat(id, NULL, 0);
				if (p == MAP_FAILED || q == (char *)-1)
					_exit(1);
				p[0] = q[HUGE] = 1;
				if (fork() == 0) {
					p[0] = 2;
					_exit(0);
				}
				munmap(p, 2 * HUGE);
				shmdt(q);
				while (waitpid(-1, NULL, WNOHANG) > 0)
					;
			}
		for (int i = 0; i < n % 8; i++)
			sched_yield();
		setpgid(child, child);
		kill(-child, SIGKILL);
		kill(child, SIGKILL);
		reap(child);
	}
	struct shmid_ds ds;
	UNTIL(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 0);
	OK(shmctl(id, IPC_RMID, NULL));
	struct pool now;
	UNTIL((now = pool_now()).free == 6);
	POOL_IS(6, 6, 0, 0);
}
