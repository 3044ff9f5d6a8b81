/* What the boot list needs of the IPC module's connection to the kernel. */
#pragma once

/* After procfs_init() and before the first process: futexes, /proc files, named pipes, namespaces. */
void ipc_init(void);
