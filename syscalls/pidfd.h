/* What system calls that take a pidfd share. */
#pragma once
#include "kernel/proc/task.h"

/* => the main thread of the process behind a descriptor: a reference, or err_ptr: -EBADF, -ESRCH when it was reaped. */
struct task *pidfd_task_get(int pidfd);
