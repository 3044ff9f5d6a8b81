/* The limits of a tmpfs: tmpfs(5), mount(8); what a full /dev/shm means for shared memory and semaphores (P1). */
#include "harness.h"
#include <semaphore.h>
#include <sys/mount.h>
#include <sys/statfs.h>

enum { PAGE = 4096 };

/* An empty one over /dev/shm, as long as this case lasts. */
static void small_world(const char *options)
{
	if (unshare(CLONE_NEWNS) == 0) /* where there is more than one */
		OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("tmpfs", "/dev/shm", "tmpfs", 0, options));
	OK(chdir("/dev/shm"));
}
static void leave(void)
{
	OK(umount2("/dev/shm", MNT_DETACH));
}
static long free_pages(void)
{
	struct statfs st;
	OK(statfs(".", &st));
	EQ(st.f_bfree, st.f_bavail);
	return (long)(st.f_bfree * (unsigned long)st.f_bsize / PAGE);
}
static int make(const char *name)
{
	return open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
}
static char text[32 * PAGE];

TEST(writing_ends_where_the_space_ends)
{
	struct stat st;
	small_world("size=64k");
	int fd = OK(make("a"));
	EQ(free_pages(), 16);
	EQ(write(fd, text, 100000), 16 * PAGE);
	FAILS(write(fd, "x", 1), ENOSPC);
	EQ(free_pages(), 0);
	OK(fstat(fd, &st));
	EQ(st.st_size, 16 * PAGE);
	EQ(st.st_blocks, 16 * PAGE / 512);
	/* What is there may be written again, and a name costs no page. */
	EQ(pwrite(fd, text, PAGE, 5), PAGE);
	int other = OK(make("b"));
	FAILS(write(other, "x", 1), ENOSPC);
	OK(fstat(other, &st));
	EQ(st.st_size, 0);
	OK(ftruncate(fd, 15 * PAGE - 1));
	EQ(free_pages(), 1);
	EQ(write(other, "x", 1), 1);
	EQ(free_pages(), 0);
	leave();
}

TEST(space_comes_back_with_the_last_reference)
{
	small_world("size=64k");
	int fd = OK(make("a"));
	EQ(write(fd, text, 4 * PAGE), 4 * PAGE);
	char *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	OK(unlink("a"));
	EQ(free_pages(), 12);
	OK(close(fd));
	EQ(free_pages(), 12);
	OK(munmap(map, PAGE));
	UNTIL(free_pages() == 16);
	leave();
}

TEST(holes_cost_nothing_until_they_are_filled)
{
	small_world("size=64k");
	int fd = OK(make("a"));
	OK(ftruncate(fd, 1 << 30));
	EQ(free_pages(), 16);
	char *map = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 16; i++)
		map[i * PAGE] = 1;
	EQ(free_pages(), 0);
	pid_t pid;
	CHILD(pid)
	{
		map[16 * PAGE] = 1;
	}
	EQ(reap(pid), SIGBUS);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	EQ(free_pages(), 1);
	map[16 * PAGE] = 1;
	EQ(free_pages(), 0);
	/* Read as a file the hole is zeroes; a mapping needs a page to show them. */
	EQ(pread(fd, text, 2 * PAGE, 0), 2 * PAGE);
	EQ(text[0], 0);
	EQ(text[PAGE], 1);
	CHILD(pid)
	{
		(void)*(volatile char *)map;
	}
	EQ(reap(pid), SIGBUS);
	leave();
}

TEST(fallocate_gets_all_or_nothing)
{
	struct stat st;
	small_world("size=64k");
	int fd = OK(make("a"));
	EQ(write(fd, "x", 1), 1);
	FAILS(fallocate(fd, 0, 0, 17 * PAGE), ENOSPC);
	EQ(free_pages(), 15);
	OK(fstat(fd, &st));
	EQ(st.st_size, 1);
	OK(fallocate(fd, 0, 0, 16 * PAGE));
	EQ(free_pages(), 0);
	OK(fstat(fd, &st));
	EQ(st.st_size, 16 * PAGE);
	leave();
}

TEST(every_name_takes_of_nr_inodes)
{
	struct statfs st;
	small_world("nr_inodes=4");
	OK(close(OK(make("a"))));
	OK(mkdir("b", 0700));
	OK(symlink("a", "c"));
	OK(statfs(".", &st));
	EQ(st.f_files, 4); /* with the root */
	EQ(st.f_ffree, 0);
	FAILS(make("d"), ENOSPC);
	FAILS(mkdir("d", 0700), ENOSPC);
	FAILS(symlink("a", "d"), ENOSPC);
	FAILS(mknod("d", S_IFIFO | 0600, 0), ENOSPC);
	FAILS(link("a", "d"), ENOSPC);
	OK(rename("a", "d"));
	OK(rmdir("b"));
	OK(link("d", "e"));
	OK(unlink("d"));
	OK(close(OK(make("f"))));
	leave();
}

TEST(semaphore_without_room)
{
	small_world("size=4k");
	int fd = OK(make("full"));
	EQ(write(fd, text, PAGE), PAGE);
	YES(sem_open("/test", O_CREAT, 0600, 1) == SEM_FAILED && errno == ENOSPC);
	OK(unlink("full"));
	OK(close(fd));
	UNTIL(free_pages() == 1);
	sem_t *s = sem_open("/test", O_CREAT, 0600, 1);
	YES(s != SEM_FAILED);
	OK(sem_trywait(s));
	leave();
}
