/* /proc/sysvipc/sem and the limits under /proc/sys/kernel (V5, V7). */
#include "sem.h"
#include "caps.h"

static char text[1 << 16];

#define SEM_SYSCTL "/proc/sys/kernel/sem"
#define HEADER                                                                                     \
	"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"

TEST(empty_list_is_the_header)
{
	own_namespace();
	OK(file_read("/proc/sysvipc/sem", text, sizeof(text)));
	STREQ(text, HEADER);
}

TEST(one_line_per_set)
{
	own_namespace();
	char expected[512];
	int id = MUST(semget(0x1234, 3, IPC_CREAT | 0640));
	OK(SEMOP(id, OP(0, 1)));
	struct semid_ds ds = sem_stat(id);
	OK(file_read("/proc/sysvipc/sem", text, sizeof(text)));
	snprintf(expected, sizeof(expected),
	         HEADER "%10d %10d  %4o %10lu %5u %5u %5u %5u %10ld %10ld\n", 0x1234, id, 0640, 3UL,
	         0, 0, 0, 0, (long)ds.sem_otime, (long)ds.sem_ctime);
	STREQ(text, expected);
}

TEST(key_is_printed_signed)
{
	own_namespace();
	int key = 0, id = -1;
	MUST(semget(-2, 1, IPC_CREAT | 0600));
	OK(file_read("/proc/sysvipc/sem", text, sizeof(text)));
	EQ(sscanf(text + strlen(HEADER), "%d %d", &key, &id), 2);
	EQ(key, -2);
	EQ(semget(-2, 0, 0), id);
}

static int lines(void)
{
	int n = 0;
	OK(file_read("/proc/sysvipc/sem", text, sizeof(text)));
	for (char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	return n - 1;
}

TEST(list_follows_creation_and_removal)
{
	own_namespace();
	int ids[200];
	for (int i = 0; i < 200; i++)
		ids[i] = sem_new(1);
	EQ(lines(), 200);
	for (int i = 0; i < 200; i += 2)
		OK(sem_rm(ids[i]));
	EQ(lines(), 100);
	/* In the order of the indices. */
	int last = -1;
	char *line = strchr(text, '\n') + 1;
	for (int id, key, seen = 0; sscanf(line, "%d %d", &key, &id) == 2; seen++) {
		YES((id & 32767) > last);
		last = id & 32767;
		line = strchr(line, '\n') + 1;
	}
}

TEST(list_read_in_small_pieces)
{
	own_namespace();
	static char pieces[1 << 16];
	for (int i = 0; i < 50; i++)
		sem_new(2);
	OK(file_read("/proc/sysvipc/sem", text, sizeof(text)));
	int fd = MUST(open("/proc/sysvipc/sem", O_RDONLY));
	size_t n = 0;
	for (ssize_t got; (got = read(fd, pieces + n, 7)) > 0; n += (size_t)got)
		;
	pieces[n] = 0;
	STREQ(pieces, text);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(read(fd, pieces, 10), 10);
	EQ(memcmp(pieces, text, 10), 0);
	close(fd);
}

TEST(list_is_readable_by_anyone)
{
	own_namespace();
	MUST(semget(5, 1, IPC_CREAT | 0));
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		EQ(lines(), 1);
	}
	REAP(pid);
}

TEST(defaults)
{
	own_namespace();
	OK(file_read(SEM_SYSCTL, text, sizeof(text)));
	STREQ(text, "32000\t1024000000\t500\t32000\n");
}

TEST(limits_are_writable)
{
	own_namespace();
	OK(file_write(SEM_SYSCTL, "100 2000 50 10\n"));
	OK(file_read(SEM_SYSCTL, text, sizeof(text)));
	STREQ(text, "100\t2000\t50\t10\n");
	struct seminfo info;
	OK(semctl(0, 0, IPC_INFO, (union semun){.info = &info}));
	EQ(info.semmsl, 100);
	EQ(info.semmns, 2000);
	EQ(info.semopm, 50);
	EQ(info.semmni, 10);
}

TEST(partial_writes_set_the_first_values)
{
	own_namespace();
	OK(file_write(SEM_SYSCTL, "77"));
	OK(file_read(SEM_SYSCTL, text, sizeof(text)));
	STREQ(text, "77\t1024000000\t500\t32000\n");
	OK(file_write(SEM_SYSCTL, "78 79"));
	OK(file_read(SEM_SYSCTL, text, sizeof(text)));
	STREQ(text, "78\t79\t500\t32000\n");
}

TEST(nonsense_is_refused)
{
	own_namespace();
	FAILS(file_write(SEM_SYSCTL, "many"), EINVAL);
	FAILS(file_write(SEM_SYSCTL, "1 2 3 x"), EINVAL);
	/* More sets than ids can express. */
	FAILS(file_write(SEM_SYSCTL, "250 32000 100 40000"), ERANGE);
	FAILS(file_write(SEM_SYSCTL, "251 32000 100 -1"), ERANGE);
	/* What came before the refused value stays. */
	OK(file_read(SEM_SYSCTL, text, sizeof(text)));
	STREQ(text, "251\t32000\t100\t32000\n");
}

TEST(limits_below_what_exists)
{
	own_namespace();
	int a = sem_new(10);
	sem_new(10);
	OK(file_write(SEM_SYSCTL, "5 5 5 1"));
	FAILS(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	OK(SEMOP(a, OP(9, 1)));
	EQ(val(a, 9), 1);
}

TEST(ordinary_users_may_read_not_write)
{
	own_namespace();
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		OK(file_read(SEM_SYSCTL, text, sizeof(text)));
		FAILS(file_write(SEM_SYSCTL, "1 1 1 1"), EACCES);
	}
	REAP(pid);
}

TEST(next_id_chooses_once)
{
	own_namespace();
	OK(file_read("/proc/sys/kernel/sem_next_id", text, sizeof(text)));
	STREQ(text, "-1\n");
	OK(file_write("/proc/sys/kernel/sem_next_id", "1234567"));
	OK(file_read("/proc/sys/kernel/sem_next_id", text, sizeof(text)));
	STREQ(text, "1234567\n");
	int id = sem_new(1);
	EQ(id, 1234567);
	EQ(sem_stat(id).sem_perm.__seq, 1234567 >> 15);
	OK(file_read("/proc/sys/kernel/sem_next_id", text, sizeof(text)));
	STREQ(text, "-1\n");
	YES(sem_new(1) != 1234567);
	/* A taken index: another is chosen. */
	OK(file_write("/proc/sys/kernel/sem_next_id", "1234567"));
	YES(sem_new(1) != 1234567);
	FAILS(file_write("/proc/sys/kernel/sem_next_id", "-5"), EINVAL);
}
