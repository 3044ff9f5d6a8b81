/* What the programs about files on tmpfs share: every case works in a directory of its own on /dev/shm. */
#pragma once
#include "harness.h"
#include <dirent.h>
#include <limits.h>

static char dir[64];
__attribute__((constructor)) static void room_name(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/files-%d", (int)getpid());
}
static inline void room(void)
{
	char command[128];
	umask(022);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		test_fail(__FILE__, __LINE__, "%s", command);
	MUST(mkdir(dir, 0777));
	MUST(chmod(dir, 0777));
	MUST(chdir(dir));
}
static inline int file(const char *name, const char *text)
{
	int fd = MUST(open(name, O_CREAT | O_TRUNC | O_RDWR, 0644));
	EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}
static inline long size(const char *name)
{
	struct stat st;
	return stat(name, &st) ? -1 : (long)st.st_size;
}
