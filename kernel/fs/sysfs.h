/*
 * A small sysfs (sysfs(5)): the facts about processors, the one memory node and the console that programs look
 * for, and the pool of huge pages. A fixed tree made at boot; every file is a text shown when it is read.
 */
#pragma once
#include "kernel/lib/result.h"

struct seq;
struct sysfs_file {
	const char *path; /* with a slash at the end: an empty directory */
	void (*show)(struct seq *s, const char *arg);
	const char *arg;
	int (*store)(const char *text); /* NULL: cannot be written. => 0 or -errno */
};
extern const struct sysfs_file sysfs_huge_files[]; /* huge_files.c */
extern const u32 sysfs_huge_file_count;

void sysfs_init(void); /* boot: registers the file system type "sysfs" */
