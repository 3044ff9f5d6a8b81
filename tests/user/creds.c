/* Users, groups, capabilities. */
#include "caps.h"

static void ids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;
	OK(getresuid(&a, &b, &c));
	EQ(a, r);
	EQ(b, e);
	EQ(c, s);
}
/* The system calls themselves: the library's wrappers reach all threads by other means. */
static long sys(long n, long a, long b, long c)
{
	return syscall(n, a, b, c);
}

TEST(superuser_changes_all)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(sys(SYS_setresuid, 1, 2, 3));
		ids(1, 2, 3);
		EQ(getuid(), 1);
		EQ(geteuid(), 2);
	}
	REAP(pid);
	CHILD(pid)
	{
		OK(sys(SYS_setuid, 7, 0, 0));
		ids(7, 7, 7);
		FAILS(sys(SYS_setuid, 0, 0, 0), EPERM);
	}
	REAP(pid);
}

TEST(ordinary_user_moves_among_his_own)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(sys(SYS_setresuid, 1, 2, 3));
		OK(sys(SYS_setresuid, -1, 3, -1));
		ids(1, 3, 3);
		FAILS(sys(SYS_setresuid, -1, 2, -1), EPERM);
		OK(sys(SYS_setuid, 1, 0, 0));
		ids(1, 1, 3);
		FAILS(sys(SYS_setreuid, 5, -1, 0), EPERM);
		OK(sys(SYS_setreuid, -1, 3, 0));
		ids(1, 3, 3);
	}
	REAP(pid);
}

TEST(groups)
{
	gid_t list[4] = {0, 0, 0, 0};
	pid_t pid;
	CHILD(pid)
	{
		gid_t set[3] = {30, 10, 20};
		OK(syscall(SYS_setgroups, 3, set));
		EQ(getgroups(0, NULL), 3);
		EQ(getgroups(4, list), 3);
		FAILS(getgroups(2, list), EINVAL);
		FAILS(syscall(SYS_setgroups, 65537, set), EINVAL);
		FAILS(syscall(SYS_setgroups, 3, 8), EFAULT);
		OK(sys(SYS_setresgid, 5, 6, 7));
		EQ(getgid(), 5);
		EQ(getegid(), 6);
		OK(sys(SYS_setresuid, 1, 1, 1));
		FAILS(syscall(SYS_setgroups, 0, NULL), EPERM);
		FAILS(sys(SYS_setgid, 0, 0, 0), EPERM);
		OK(sys(SYS_setgid, 7, 0, 0));
		EQ(getgroups(4, list), 3);
	}
	REAP(pid);
}

TEST(leaving_root_drops_capabilities)
{
	pid_t pid;
	YES(cap_effective() & 1ULL << CAP_SYS_ADMIN);
	CHILD(pid)
	{
		OK(sys(SYS_setresuid, -1, 1000, -1));
		EQ(cap_effective(), 0);
		OK(sys(SYS_setresuid, -1, 0, -1));
		YES(cap_effective() & 1ULL << CAP_SYS_ADMIN);
		OK(sys(SYS_setresuid, 1000, 1000, 1000));
		EQ(cap_effective(), 0);
		FAILS(cap_set(1ULL << CAP_KILL), EPERM);
	}
	REAP(pid);
}

TEST(keepcaps)
{
	pid_t pid;
	CHILD(pid)
	{
		become_with(1ULL << CAP_KILL, 1000);
		EQ(cap_effective(), 1ULL << CAP_KILL);
		OK(kill(getppid(), 0));
		FAILS(sys(SYS_setuid, 0, 0, 0), EPERM);
	}
	REAP(pid);
}

TEST(capability_calls)
{
	struct cap_header header = {CAP_VERSION_3, 0};
	struct cap_data data[2];
	OK(syscall(SYS_capget, &header, data));
	header.version = 1;
	FAILS(syscall(SYS_capget, &header, data), EINVAL);
	EQ(header.version, CAP_VERSION_3);
	OK(syscall(SYS_capget, &header, NULL));
	header.pid = 0x3fffffff;
	FAILS(syscall(SYS_capget, &header, data), ESRCH);
	header.pid = -1;
	FAILS(syscall(SYS_capget, &header, data), EINVAL);
	header.pid = getppid();
	FAILS(syscall(SYS_capset, &header, data), EPERM);
	FAILS(syscall(SYS_capget, 8, data), EFAULT);
}

/* Run under this name in the environment, the program tells who it is. */
__attribute__((constructor)) static void tell(void)
{
	if (!getenv("TELL_USER"))
		return;
	char text[32];
	int n = snprintf(text, sizeof(text), "%d %d", (int)getuid(), (int)geteuid());
	_exit(write(STDOUT_FILENO, text, (size_t)n) != n);
}
static void expect_users(const char *expected)
{
	char text[32] = "";
	int p[2];
	pid_t pid;
	OK(pipe(p));
	CHILD(pid)
	{
		char *const args[] = {"tell", NULL}, *const env[] = {"TELL_USER=1", NULL};
		become_with(0, 2000);
		dup2(p[1], STDOUT_FILENO);
		execve("/dev/shm/tell-user", args, env);
		_exit(1);
	}
	REAP(pid);
	OK(read(p[0], text, sizeof(text) - 1));
	STREQ(text, expected);
	close(p[0]);
	close(p[1]);
}

TEST(setuid_programs)
{
	/* A copy of this program, owned by user 1000 and with the set-user-id bit. */
	if (system("cat /proc/$PPID/exe >/dev/shm/tell-user && chown 1000:1000 /dev/shm/tell-user && "
	           "chmod 6755 /dev/shm/tell-user"))
		test_fail(__FILE__, __LINE__, "no set-user-id program");
	expect_users("2000 1000");
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect_users("2000 2000");
	unlink("/dev/shm/tell-user");
}
