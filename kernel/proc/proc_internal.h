/*
 * What the files of kernel/proc share among themselves; nothing here is for other rooms.
 */
#pragma once
#include "kernel/proc/cred.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/task.h"

void cred_init(void);
void file_init(void);
void fdtable_init(void);
void pid_init(void);
void task_init_caches(void);
void signal_init(void);
void groups_sort(u32 *g, u32 count);
