/* How large pipes are, and what they cost their user: pipe(7), "/proc files" (E4). */
#include "caps.h"
#include "harness.h"

static int p[2], q[2];
static void new_pipe(int *ends)
{
	MUST(pipe(ends));
}

TEST(a_pipe_may_grow_to_the_limit)
{
	char text[32];
	YES(file_read("/proc/sys/fs/pipe-max-size", text, sizeof text) > 0);
	int most = atoi(text);
	new_pipe(p);
	EQ(fcntl(p[1], F_SETPIPE_SZ, 0), 4096);
	EQ(fcntl(p[1], F_SETPIPE_SZ, 4097), 8192);
	FAILS(fcntl(p[1], F_SETPIPE_SZ, 0x80000001), EINVAL);
	FAILS(fcntl(MUST(open("/dev/null", O_RDWR)), F_SETPIPE_SZ, 4096), EBADF);
	pid_t child;
	CHILD(child)
	{
		become_with(0, 4321);
		EQ(fcntl(p[1], F_SETPIPE_SZ, most), most);
		FAILS(fcntl(p[1], F_SETPIPE_SZ, most + 1), EPERM);
	}
	REAP(child);
	EQ(fcntl(p[1], F_GETPIPE_SZ), most);
}

/* Beyond the soft limit new pipes are small and none may grow; a privileged user does not notice. */
TEST(pages_of_a_user_are_counted)
{
	char was[32];
	enum { SOFT = 64 };
	YES(file_read("/proc/sys/fs/pipe-user-pages-soft", was, sizeof was) > 0);
	OK(file_write("/proc/sys/fs/pipe-user-pages-soft", "64"));
	pid_t child;
	CHILD(child)
	{
		int fds[8][2];
		become_with(0, 4322);
		for (int i = 0; i < SOFT / 16; i++) {
			new_pipe(fds[i]);
			EQ(fcntl(fds[i][0], F_GETPIPE_SZ), 65536);
		}
		new_pipe(fds[4]);
		EQ(fcntl(fds[4][0], F_GETPIPE_SZ), 8192);
		FAILS(fcntl(fds[0][0], F_SETPIPE_SZ, 131072), EPERM);
		EQ(fcntl(fds[0][0], F_SETPIPE_SZ, 4096), 4096);
		close(fds[1][0]);
		close(fds[1][1]);
		new_pipe(fds[5]);
		EQ(fcntl(fds[5][0], F_GETPIPE_SZ), 65536);
	}
	REAP(child);
	OK(file_write("/proc/sys/fs/pipe-user-pages-soft", was));
	OK(file_write("/proc/sys/fs/pipe-user-pages-hard", "20"));
	CHILD(child)
	{
		become_with(0, 4323);
		new_pipe(p);
		FAILS(pipe(q), ENFILE);
		FAILS(fcntl(p[0], F_SETPIPE_SZ, 131072), EPERM);
		close(p[0]);
		close(p[1]);
		OK(pipe(q));
	}
	REAP(child);
	OK(file_write("/proc/sys/fs/pipe-user-pages-hard", "0"));
}
