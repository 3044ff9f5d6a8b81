/*
 * devtmpfs: one tmpfs, shared by all its mounts, with a node for every registered device and the
 * directories and links that programs expect: shm, pts, mqueue, fd, stdin, stdout, stderr.
 */
#pragma once
void devfs_init(void); /* boot, after devices_init(): registers the file system type */
