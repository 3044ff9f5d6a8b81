/* Between the files of kernel/port. */
#pragma once
void proc_sem_init(void); /* /proc/sysvipc/sem, and the limits of semaphores in /proc/sys/kernel */
void proc_msg_init(void); /* the same for message queues */
void proc_shm_init(void); /* the same for shared memory */
void pipe_files_init(void); /* named pipes */
void task_hooks_init(void); /* /proc/PID/ns/ipc */
