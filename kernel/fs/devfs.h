/*
 * devtmpfs: one tmpfs, shared by all its mounts, with a node for every registered device and the
 * directories and links that programs expect: shm, pts, mqueue, fd, stdin, stdout, stderr.
 */
#pragma once
#include "kernel/lib/result.h"

void devfs_init(void); /* boot, after devices_init(): registers the file system type */
/* /dev and /dev/console in the root file system, as Linux's built-in archive has them, so that an initramfs
 * without any devices gets its output out. In process 1, before initramfs_unpack(). => 0 or -errno. */
MUST_CHECK int devfs_default_nodes(void);
