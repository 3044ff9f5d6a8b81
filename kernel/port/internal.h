/* Between the files of kernel/port: parts of ipc_init(), each called once at boot, in this order; none can fail. */
#pragma once
void port_memory_init(void); /* port.c: first */
void proc_sysv_init(void);   /* /proc/sysvipc, and the limits of System V IPC in /proc/sys/kernel */
void mqueue_init(void);      /* the file system "mqueue" and /proc/sys/fs/mqueue */
void pipe_files_init(void);  /* named pipes */
void task_hooks_init(void);  /* /proc/PID/ns/ipc */
