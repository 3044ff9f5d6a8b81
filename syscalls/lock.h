/* fcntl(2)'s record-lock commands, dispatched by syscalls/fcntl.c. */
#pragma once
#include "kernel/lib/uptr.h"
#include "kernel/lib/compiler.h"

struct file;
/* cmd: F_GETLK, F_SETLK, F_SETLKW and the F_OFD_* ones. */
long fcntl_lock(int fd, struct file *f, u32 cmd, uptr_t user);
