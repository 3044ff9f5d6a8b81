/* Segments as mappings: what each system call on their addresses does to nattch, times and maps (H2, H3). */
#include "shm.h"
#include <sys/uio.h>

enum { PAGES = 16, SIZE = PAGES * PAGE, RW = PROT_READ | PROT_WRITE };

/* Lines of /proc/self/maps from p on that are of segment id: their number, and their pages in sum. */
static int parts(const char *p, int id, int *pages)
{
	static char text[65536];
	int n = 0;
	*pages = 0;
	YES(file_read("/proc/self/maps", text, sizeof text) > 0);
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		unsigned long from, to, inode;
		unsigned major, minor;
		char rights[5], name[64] = "";
		*end = 0;
		if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu %63[^\n]", &from, &to, rights, &major,
		           &minor, &inode, name) < 6)
			continue;
		if (from < (unsigned long)p || strncmp(name, "/SYSV", 5) || inode != (unsigned)id)
			continue;
		EQ(major, 0);
		EQ(rights[3], 's');
		YES(strstr(name, " (deleted)"));
		*pages += (int)((to - from) / PAGE);
		n++;
	}
	return n;
}
#define PARTS(p, id, n, in_sum)                                                                    \
	do {                                                                                       \
		int pages_;                                                                        \
		EQ(parts(p, id, &pages_), n);                                                      \
		EQ(pages_, in_sum);                                                                \
		EQ(attaches(id), n);                                                               \
	} while (0)

TEST(unmapping_a_hole_makes_two)
{
	int id = segment(SIZE);
	char *p = attach(id);
	PARTS(p, id, 1, PAGES);
	OK(munmap(p + 4 * PAGE, PAGE));
	PARTS(p, id, 2, PAGES - 1);
	OK(munmap(p, PAGE));
	PARTS(p, id, 2, PAGES - 2);
	YES(stat_of(id).shm_dtime != 0);
	OK(munmap(p, 4 * PAGE));
	PARTS(p, id, 1, PAGES - 5);
	OK(shmdt(p)); /* the address that shmat() gave, although nothing is mapped there */
	PARTS(p, id, 0, 0);
	FAILS(shmdt(p), EINVAL);
	removed(id);
}

TEST(protection_splits_and_parts_do_not_join)
{
	int id = segment(SIZE);
	char *p = attach(id);
	OK(mprotect(p + PAGE, PAGE, PROT_READ));
	PARTS(p, id, 3, PAGES);
	OK(mprotect(p + PAGE, PAGE, RW));
	PARTS(p, id, 3, PAGES);
	OK(shmdt(p));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(locking_splits)
{
	static char text[8192];
	int id = segment(SIZE);
	char *p = attach(id);
	OK(mlock(p, 3 * PAGE));
	PARTS(p, id, 2, PAGES);
	YES(file_read("/proc/self/status", text, sizeof text) > 0);
	char *line = strstr(text, "VmLck:");
	EQ(line ? atoi(line + 6) : -1, 3 * PAGE / 1024);
	OK(munlock(p, SIZE));
	OK(shmdt(p));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(fork_exec_and_exit_count)
{
	int id = segment(SIZE), go[2];
	char *p = attach(id), c;
	pid_t child;
	OK(munmap(p + PAGE, PAGE));
	OK(pipe(go));
	CHILD(child)
	{
		OK(read(go[0], &c, 1));
		EQ(attaches(id), 4);
		execl("/proc/self/exe", "shm_map", "no_such_case", NULL);
	}
	EQ(attaches(id), 4);
	OK(write(go[1], "g", 1));
	REAP(child);
	EQ(attaches(id), 2);
	EQ(stat_of(id).shm_lpid, child);
	child = vfork();
	if (!child)
		_exit(0);
	REAP(child);
	EQ(attaches(id), 2);
	EQ(stat_of(id).shm_lpid != child, 1);
	OK(shmdt(p));
	removed(id);
}

TEST(dontfork_leaves_parts_behind)
{
	int id = segment(SIZE);
	char *p = attach(id);
	pid_t child;
	OK(madvise(p + 8 * PAGE, PAGE, MADV_DONTFORK));
	EQ(attaches(id), 3);
	CHILD(child)
	{
		int pages;
		EQ(parts(p, id, &pages), 2);
		EQ(pages, PAGES - 1);
		EQ(attaches(id), 5);
	}
	reap(child);
	OK(madvise(p + 8 * PAGE, PAGE, MADV_DOFORK));
	EQ(attaches(id), 3);
	OK(shmdt(p));
	removed(id);
}

TEST(remove_frees_the_pages_of_all)
{
	int id = segment(SIZE);
	char *p = attach(id), *q = attach(id);
	p[0] = p[PAGE] = p[2 * PAGE] = 1;
	OK(madvise(p, PAGE, MADV_DONTNEED));
	EQ(p[0], 1);
	OK(madvise(p, 2 * PAGE, MADV_REMOVE));
	EQ(q[0] + q[PAGE], 0);
	EQ(q[2 * PAGE], 1);
	OK(shmdt(p));
	OK(shmdt(q));
	removed(id);
}

TEST(moving)
{
	int id = segment(SIZE);
	char *room =
		MUST((char *)mmap(NULL, 4 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(munmap(room, 4 * SIZE));
	char *p = MUST((char *)shmat(id, room, 0)), *to = room + 2 * SIZE;
	p[12 * PAGE] = 5;
	EQ((long)mremap(p + 12 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
	EQ(*to, 5);
	PARTS(room, id, 3, PAGES);
	FAILS((long)mremap(p, 13 * PAGE, 14 * PAGE, MREMAP_MAYMOVE), EFAULT);
	EQ((long)mremap(to, PAGE, 2 * PAGE, MREMAP_MAYMOVE), (long)to);
	PARTS(room, id, 3, PAGES + 1);
	OK(munmap(to, 2 * PAGE));
	OK(shmdt(p));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(an_old_size_of_zero_doubles)
{
	int id = segment(SIZE);
	char *p = attach(id);
	p[PAGE] = 3;
	char *q = MUST((char *)mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE));
	EQ(q[PAGE], 3);
	EQ(attaches(id), 2);
	FAILS((long)mremap(p, 0, PAGE, 0), ENOMEM);
	EQ((long)mremap(p, 4 * PAGE, 2 * PAGE, 0), (long)p);
	EQ(attaches(id), 3);
	OK(munmap(q, 2 * PAGE));
	OK(shmdt(p));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(pages_in_another_order)
{
	int id = segment(SIZE);
	char *p = attach(id);
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = (char)i;
	OK(remap_file_pages(p, PAGE, 0, 3, 0));
	EQ(p[0], 3);
	EQ(attaches(id), 2);
	OK(remap_file_pages(p + PAGE, 2 * PAGE, 0, 3, 0));
	EQ(p[2 * PAGE], 4);
	EQ(attaches(id), 3);
	OK(shmdt(p)); /* what still lies where it was attached */
	EQ(attaches(id), 2);
	OK(munmap(p, SIZE));
	EQ(attaches(id), 0);
	removed(id);
}

TEST(over_each_other)
{
	int id = segment(SIZE);
	char *room =
		MUST((char *)mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *p = MUST((char *)shmat(id, room, SHM_REMAP));
	FAILS((long)shmat(id, p + PAGE, 0), EINVAL);
	EQ((long)shmat(id, p + PAGE, SHM_REMAP), (long)(p + PAGE));
	PARTS(p, id, 2, PAGES + 1);
	OK(shmdt(p));
	PARTS(p, id, 1, PAGES);
	OK(shmdt(p + PAGE));
	p = attach(id);
	OK(mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	PARTS(p, id, 2, PAGES - 1);
	OK(shmdt(p));
	p[2 * PAGE] = 1; /* not the segment's: stays */
	EQ(attaches(id), 0);
	removed(id);
}

/* SHM_RND leads those who may map there to address 0, where what was there is replaced unasked. */
TEST(at_address_zero)
{
	int id = segment(PAGE);
	void *p = shmat(id, (void *)1, SHM_RND);
	if (p && errno == EPERM) {
		removed(id);
		return; /* a Linux whose root may not */
	}
	EQ((long)p, 0);
	EQ((long)shmat(id, (void *)1, SHM_RND), 0);
	EQ(attaches(id), 1);
	OK(shmdt(NULL));
	FAILS(shmdt(NULL), EINVAL);
	FAILS((long)shmat(id, (void *)-4096, SHM_REMAP), ENOMEM);
	removed(id);
}

TEST(addresses_that_cannot_be)
{
	int id = segment(SIZE);
	FAILS((long)shmat(id, (void *)1, 0), EINVAL);
	FAILS((long)shmat(id, (void *)1, SHM_RND | SHM_REMAP), EINVAL);
	FAILS((long)shmat(id, NULL, SHM_REMAP), EINVAL);
	FAILS((long)shmat(id, (void *)-4096, 0), EINVAL);
	FAILS((long)shmat(id, (void *)0x7ffffffff000, 0), ENOMEM);
	FAILS((long)shmat(id + 1, NULL, 0), EINVAL);
	FAILS(shmdt((void *)1), EINVAL);
	FAILS(shmdt(NULL), EINVAL);
	FAILS(shmdt((void *)-4096), EINVAL);
	EQ(attaches(id), 0);
	removed(id);
}

TEST(rights)
{
	int id = segment(SIZE);
	char *p = MUST((char *)shmat(id, NULL, SHM_RDONLY));
	FAILS(mprotect(p, PAGE, RW), EACCES);
	OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	OK(shmdt(p));
	p = MUST((char *)shmat(id, NULL, 0));
	OK(mprotect(p, PAGE, RW | PROT_EXEC));
	OK(shmdt(p));
	removed(id);
}

TEST(other_processes_look_in)
{
	int id = segment(SIZE);
	char *p = attach(id), got[4];
	struct iovec from = {p + PAGE - 2, 4}, to = {got, 4};
	memcpy(p + PAGE - 2, "abc", 4);
	EQ(process_vm_readv(getpid(), &to, 1, &from, 1, 0), 4);
	STREQ(got, "abc");
	struct shmid_ds ds = stat_of(id);
	EQ(ds.shm_nattch, 1);
	OK(shmdt(p));
	removed(id);
}

TEST(smaps_counts_its_pages)
{
	static char text[65536];
	char head[40];
	int id = segment(SIZE);
	char *p = attach(id);
	p[0] = p[PAGE] = 1;
	snprintf(head, sizeof head, "%lx-%lx rw-s ", (long)p, (long)p + SIZE);
	YES(file_read("/proc/self/smaps", text, sizeof text) > 0);
	char *at = strstr(text, head);
	char *rss = at ? strstr(at, "Rss:") : NULL;
	EQ(rss ? atoi(rss + 4) : -1, 8);
	YES(at && strstr(at, "VmFlags: rd wr sh mr mw me ms"));
	OK(shmdt(p));
	removed(id);
}

TEST(maps_name_the_key)
{
	static char text[1 << 16];
	char want[64];
	key_t key = 0x00a50000 | (getpid() & 0xffff);
	int id = MUST(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600));
	char *p = attach(id);

	YES(file_read("/proc/self/maps", text, sizeof text) > 0);
	snprintf(want, sizeof want, "/SYSV%08x (deleted)\n", (unsigned)key);
	YES(strstr(text, want));
	OK(shmdt(p));
	removed(id);
}
