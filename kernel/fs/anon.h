/* Inodes without a name. */
#pragma once
#include "kernel/fs/path.h"

/* A nameless FIFO inode (shown as pipe:[ino]); its fifo is freed through fifo_hooks->evict. => 0 or -ENOMEM. */
MUST_CHECK int anon_pipe_path(void *fifo, struct path *out);
