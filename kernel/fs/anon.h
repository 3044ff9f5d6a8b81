/*
 * Files without a directory: their inodes belong to internal file systems that are never mounted,
 * and their dentries are roots of their own whose name is the whole description that
 * /proc/PID/fd shows.
 */
#pragma once
#include "kernel/fs/path.h"

/* A pipe's inode, for file_new() of both ends: S_IFIFO, shown as pipe:[ino], inode->fifo = fifo, which
 * fifo_hooks->evict frees with the last reference. => 0 and a referenced path, or -ENOMEM (fifo is the caller's). */
MUST_CHECK int anon_pipe_path(void *fifo, struct path *out);
/* The inode of a socket: S_IFSOCK, shown as socket:[ino]. => 0 and a referenced path, or -ENOMEM. */
MUST_CHECK int anon_socket_path(struct path *out);
void anon_init(void);
void anon_shutdown(void); /* debug builds, no file is left: drops the dentries of the kinds */
