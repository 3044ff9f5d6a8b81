/* IPC namespaces (V6). */
#include "sem.h"

static int clone_process(int flags)
{
	return (int)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}
static int namespace_fd(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

TEST(unshare_sees_nothing_of_before)
{
	own_namespace();
	int id = MUST(semget(0x42, 1, IPC_CREAT | 0600));
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		FAILS(semget(0x42, 1, 0), ENOENT);
		FAILS(val(id, 0), EINVAL);
		int mine = OK(semget(0x42, 2, IPC_CREAT | IPC_EXCL | 0600));
		OK(set_val(mine, 0, 9));
	}
	REAP(pid);
	EQ(val(id, 0), 0);
	EQ(sem_stat(id).sem_nsems, 1);
}

TEST(children_share_their_parents_namespace)
{
	own_namespace();
	int id = sem_new(1);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP(0, 2)));
	}
	REAP(pid);
	EQ(val(id, 0), 2);
}

TEST(clone_newipc)
{
	own_namespace();
	int id = MUST(semget(0x42, 1, IPC_CREAT | 0600));
	pid_t pid = clone_process(CLONE_NEWIPC);
	if (pid == 0) {
		FAILS(semget(0x42, 1, 0), ENOENT);
		FAILS(val(id, 0), EINVAL);
		_exit(0);
	}
	YES(pid > 0);
	REAP(pid);
}

TEST(newipc_and_sysvsem_exclude_each_other)
{
	FAILS(clone_process(CLONE_NEWIPC | CLONE_SYSVSEM), EINVAL);
}

TEST(newipc_needs_admin)
{
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		FAILS(unshare(CLONE_NEWIPC), EPERM);
		FAILS(clone_process(CLONE_NEWIPC), EPERM);
	}
	REAP(pid);
}

TEST(limits_are_of_the_namespace)
{
	char text[64];
	own_namespace();
	OK(file_write("/proc/sys/kernel/sem", "10 20 30 40"));
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		OK(file_read("/proc/sys/kernel/sem", text, sizeof(text)));
		STREQ(text, "32000\t1024000000\t500\t32000\n");
		OK(file_write("/proc/sys/kernel/sem", "1 2 3 4"));
	}
	REAP(pid);
	OK(file_read("/proc/sys/kernel/sem", text, sizeof(text)));
	STREQ(text, "10\t20\t30\t40\n");
}

TEST(unshare_undoes_in_the_old_namespace)
{
	own_namespace();
	int id = sem_new(1);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 3)));
		own_namespace();
		_exit(0);
	}
	REAP(pid);
	EQ(val(id, 0), 0);
}

TEST(setns_enters)
{
	own_namespace();
	int id = MUST(semget(0x42, 1, IPC_CREAT | 0600)), fd = MUST(namespace_fd(getpid()));
	pid_t pid;
	CHILD(pid)
	{
		own_namespace();
		FAILS(semget(0x42, 1, 0), ENOENT);
		OK(setns(fd, CLONE_NEWIPC));
		EQ(semget(0x42, 1, 0), id);
		OK(SEMOP(id, OP(0, 1)));
	}
	REAP(pid);
	EQ(val(id, 0), 1);
	FAILS(setns(fd, CLONE_NEWNET), EINVAL);
	FAILS(setns(-1, CLONE_NEWIPC), EBADF);
	int null = OK(open("/dev/null", O_RDONLY));
	FAILS(setns(null, CLONE_NEWIPC), EINVAL);
	OK(setns(fd, 0));
}

TEST(descriptor_keeps_the_namespace)
{
	int p[2], fd;
	pid_t pid;
	char c;
	OK(pipe(p));
	CHILD(pid)
	{
		own_namespace();
		int id = MUST(semget(0x42, 1, IPC_CREAT | 0600));
		OK(set_val(id, 0, 5));
		OK(write(p[1], "", 1));
		for (;;)
			pause();
	}
	OK(read(p[0], &c, 1));
	fd = MUST(namespace_fd(pid));
	OK(kill(pid, SIGKILL));
	reap(pid);
	/* Its last process is gone; the namespace lives as long as our descriptor. */
	OK(setns(fd, CLONE_NEWIPC));
	close(fd);
	int id = OK(semget(0x42, 1, 0));
	EQ(val(id, 0), 5);
}

TEST(links_name_namespaces)
{
	char before[64], after[64];
	memset(before, 0, sizeof(before));
	memset(after, 0, sizeof(after));
	OK(readlink("/proc/self/ns/ipc", before, sizeof(before) - 1));
	YES(!strncmp(before, "ipc:[", 5));
	own_namespace();
	OK(readlink("/proc/self/ns/ipc", after, sizeof(after) - 1));
	YES(strcmp(before, after) != 0);
}

TEST(end_of_a_namespace_frees_its_sets)
{
	/* Many short-lived namespaces full of sets: a leak would end this early. */
	for (int i = 0; i < 30; i++) {
		pid_t pid;
		CHILD(pid)
		{
			own_namespace();
			for (int j = 0; j < 20; j++)
				OK(SEMOP(sem_new(500), OP_UNDO(3, 1)));
		}
		REAP(pid);
	}
}

TEST(waiters_are_per_namespace)
{
	own_namespace();
	int id = MUST(semget(0x42, 1, IPC_CREAT | 0600));
	pid_t waiter, other;
	CHILD(waiter)
	{
		OK(SEMOP(id, OP(0, -1)));
	}
	UNTIL(ncnt(id, 0) == 1);
	CHILD(other)
	{
		own_namespace();
		int same = MUST(semget(0x42, 1, IPC_CREAT | 0600));
		EQ(same, id);
		OK(SEMOP(same, OP(0, 1)));
		EQ(val(same, 0), 1);
	}
	REAP(other);
	EQ(ncnt(id, 0), 1);
	OK(SEMOP(id, OP(0, 1)));
	REAP(waiter);
}
