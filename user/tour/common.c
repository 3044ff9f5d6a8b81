/* What the scenes share. */
#include "user/tour/tour.h"
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int scenes, wrong;

void scene(const char *what)
{
	printf("\n%d. %s\n", ++scenes, what);
}

void saw(int as_expected, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	printf("   %s ", as_expected ? "->" : "WRONG:");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	wrong += !as_expected;
}

int all_was_right(void)
{
	return !wrong;
}

pid_t start(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0) {
		perror("tour: fork");
		exit(1);
	}
	return pid;
}

int status_of(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

void until_asleep(pid_t pid)
{
	char path[64], text[256], state = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'S') {
		FILE *f = fopen(path, "r");
		if (!f)
			return;
		if (fgets(text, sizeof(text), f) && strrchr(text, ')'))
			state = strrchr(text, ')')[2];
		fclose(f);
		sched_yield();
	}
}
