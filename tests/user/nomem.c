/* No memory (nomem.h) in processes, memory and files. */
#include "nomem.h"
#include <grp.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mount.h>

enum { FUTEX_WAIT = 0, FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI = 7 };

static unsigned word;
static long wait_futex(void)
{
	struct timespec soon = {0, 1000000};
	long r = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &soon, NULL, 0);
	return r == -1 && errno == ETIMEDOUT ? 0 : r;
}
static long lock_pi(void)
{
	return syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}
static void unlock_pi(long unused)
{
	(void)unused;
	OK(syscall(SYS_futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}
static void *nothing(void *unused)
{
	return unused;
}
static long make_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);
	errno = error;
	return error ? -1 : pthread_join(thread, NULL);
}
static long own_namespace(void)
{
	return unshare(CLONE_NEWIPC);
}
static long change_groups(void)
{
	gid_t groups[40] = {5, 6};
	return setgroups(40, groups);
}
TEST(futexes_and_processes)
{
	EXHAUST(wait_futex, NULL);
	EXHAUST(lock_pi, unlock_pi);
	EXHAUST(make_thread, NULL);
	EXHAUST(make_child, wait_child);
	EXHAUST(own_namespace, NULL);
	EXHAUST(change_groups, NULL);
}

/* Of many areas, some of which a child does not have or has empty. */
TEST(child_without_some_mappings)
{
	enum { AREAS = 64 };
	char *many = MUST((char *)mmap(NULL, AREAS * PAGE, PROT_READ | PROT_WRITE,
	                               MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	for (int i = 0; i < AREAS; i++) {
		OK(madvise(many + i * PAGE, PAGE, i % 3 ? MADV_DONTFORK : MADV_DOFORK));
		OK(mprotect(many + i * PAGE, PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ));
	}
	EXHAUST(make_child, wait_child);
	OK(munmap(many, AREAS * PAGE));
}

/* A program that cannot be started says so to its caller: it is not killed. */
TEST(exec)
{
	char *argv[] = {"/proc/self/exe", "-l", "no.such.case", NULL};
	int fd = open("/proc/self/fail-nth", O_RDWR), fired = 1;
	if (fd < 0)
		return;
	for (int n = 1; fired && n < TRIES; n++) {
		pid_t pid = spawn();
		if (pid == 0) {
			control = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
			arm(n);
			execv(argv[0], argv);
			_exit(is_shortage(errno) ? 42 : 43);
		}
		int status = 0;
		EQ(waitpid(pid, &status, 0), pid);
		fired = WIFEXITED(status) && WEXITSTATUS(status) == 42;
		YES(fired || status == 0);
	}
	close(fd);
}

static long make_memfd(void)
{
	return syscall(SYS_memfd_create, "nomem", 0);
}
static char *area;
static long map_file(void)
{
	return (long)mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, id, 0);
}
static long map_memory(void)
{
	return (long)mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	                  0);
}
static void unmap(long where)
{
	OK(munmap((void *)where, 8 * PAGE));
}
static long split(void)
{
	return mprotect(area + PAGE, PAGE, PROT_READ);
}
static void unsplit(long unused)
{
	(void)unused;
	OK(mprotect(area, 8 * PAGE, PROT_READ | PROT_WRITE));
}
static long punch(void)
{
	return munmap(area + 3 * PAGE, PAGE);
}
static void refill(long unused)
{
	(void)unused;
	MUST((char *)mmap(area + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}
static long move(void)
{
	char *to = mremap(area, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	if (to != MAP_FAILED)
		area = to;
	return (long)to;
}
static void move_back(long unused)
{
	(void)unused;
	area = MUST((char *)mremap(area, 16 * PAGE, 8 * PAGE, 0));
}
/* Where every part needs a table of its own. */
enum { FAR_SIZE = 6 << 20 };
static char *homes[2];
static long move_far(void)
{
	return (long)mremap(homes[0], FAR_SIZE, FAR_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, homes[1]);
}
static void move_home(long unused)
{
	(void)unused;
	MUST((char *)mremap(homes[1], FAR_SIZE, FAR_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, homes[0]));
}
TEST(pages_that_move_far)
{
	char *room = MUST((char *)mmap(NULL, 3UL << 30, PROT_READ | PROT_WRITE,
	                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	homes[0] = room;
	homes[1] = room + (3UL << 30) - FAR_SIZE;
	OK(munmap(room + FAR_SIZE, (3UL << 30) - FAR_SIZE));
	for (int i = 0; i < FAR_SIZE; i += 1 << 20)
		room[i] = (char)(i >> 20);
	EXHAUST(move_far, move_home);
	for (int i = 0; i < FAR_SIZE; i += 1 << 20)
		EQ(room[i], i >> 20);
}
TEST(mappings)
{
	id = MUST((int)make_memfd());
	OK(ftruncate(id, 8 * PAGE));
	EXHAUST(map_file, unmap);
	EXHAUST(map_memory, unmap);
	area = MUST((char *)mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
	                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(area, 3, 8 * PAGE);
	EXHAUST(split, unsplit);
	EXHAUST(punch, refill);
	memset(area, 3, 8 * PAGE);
	EXHAUST(move, move_back);
	for (int i = 0; i < 8 * PAGE; i += PAGE)
		EQ(area[i], 3);
}

static long create_file(void)
{
	return open("file", O_CREAT | O_EXCL | O_RDWR, 0600);
}
static void remove_file(long fd)
{
	close((int)fd);
	OK(unlink("file"));
}
static long make_directory(void)
{
	return mkdir("directory", 0700);
}
static void remove_directory(long unused)
{
	(void)unused;
	OK(rmdir("directory"));
}
static long link_file(void)
{
	return link("kept", "again");
}
static long symlink_file(void)
{
	return symlink("kept", "again");
}
static long rename_file(void)
{
	return rename("kept", "again");
}
static void unlink_again(long unused)
{
	(void)unused;
	OK(unlink("again"));
}
static void rename_back(long unused)
{
	(void)unused;
	OK(rename("again", "kept"));
}
static long write_file(void)
{
	long n = pwrite(id, text, sizeof(text), 0);
	return n > 0 && n < (long)sizeof(text) ? 0 : n; /* as far as memory went */
}
static void cut_file(long unused)
{
	(void)unused;
	OK(ftruncate(id, 0));
}
static long lock_file(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
	return fcntl(id, F_SETLK, &l);
}
static void unlock_file(long unused)
{
	(void)unused;
	struct flock l = {.l_type = F_UNLCK};
	OK(fcntl(id, F_SETLK, &l));
}
static long mount_tmpfs(void)
{
	return mount("none", "here", "tmpfs", 0, "size=64k");
}
static void unmount(long unused)
{
	(void)unused;
	OK(umount("here"));
}
static long read_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	long n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	int error = errno;
	close(fd);
	errno = error;
	return n;
}
TEST(files)
{
	char directory[] = "/tmp/nomem-XXXXXX";
	MUST((long)mkdtemp(directory));
	MUST(chdir(directory));
	EXHAUST(create_file, remove_file);
	EXHAUST(make_directory, remove_directory);
	id = MUST(open("kept", O_CREAT | O_RDWR, 0600));
	EXHAUST(link_file, unlink_again);
	EXHAUST(symlink_file, unlink_again);
	EXHAUST(rename_file, rename_back);
	EXHAUST(write_file, cut_file);
	EXHAUST(lock_file, unlock_file);
	EXHAUST(read_maps, NULL);
	MUST(mkdir("here", 0700));
	if (control >= 0)
		EXHAUST(mount_tmpfs, unmount);
	OK(rmdir("here"));
	OK(unlink("kept"));
	OK(rmdir(directory));
}
