/*
 * The guided tour's scenes. Each says in one line what it shows, then what really happened; what happened is checked,
 * and the exit status of the tour tells whether all of it was as it should be. It runs on Linux as well.
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

void scene(const char *what);
/* Prints what happened, and marks it if it should not have. */
__attribute__((format(printf, 2, 3))) void saw(int as_expected, const char *fmt, ...);
int all_was_right(void);

/* fork(2), or the end of the tour. */
pid_t start(void);
/* Waits for a child. => its status, or -1. */
int status_of(pid_t pid);
/* Returns once process PID sleeps, as the kernel's own list of processes says. */
void until_asleep(pid_t pid);

void tour_sem(void);
void tour_msg(void);
void tour_shm(void);
void tour_posix(void);
void tour_events(void);
