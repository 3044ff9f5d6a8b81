/* What the boot list and the proc file system need of the IPC module's connection to the kernel. */
#pragma once
#include "kernel/lib/result.h"

struct ipc_namespace;
struct file;
struct task;

/* Boot, after procfs_init() and before the first process: /proc files, named pipes. */
void ipc_init(void);

/* /proc/PID/ns/ipc: the namespace's number ("ipc:[%llu]"), and a file that pins it, for setns(2).
 * => number, 0 when the task has exited; file or err_ptr. */
u64 ipc_ns_number(struct task *t);
MUST_CHECK struct file *ipc_ns_file(struct task *t);
