/*
 * devpts: the directory of pseudo-terminals, usually at /dev/pts: a node for each open pair, and ptmx.
 * One instance, shared by all its mounts. Options of the first mounts set owner group and modes of nodes made
 * from then on: gid=, uid=, mode=, ptmxmode=.
 */
#pragma once
#include "kernel/fs/path.h"

struct devpts_node;
void devpts_init(u32 ptmx_number); /* boot: registers the file system type */
/* A node named `index`, owned by the caller. => node or err_ptr. The caller serialises. */
MUST_CHECK struct devpts_node *devpts_node_add(u32 index, u32 number);
void devpts_node_remove(struct devpts_node *n);
/* => 0 and a referenced path without a mount. */
MUST_CHECK int devpts_node_path(struct devpts_node *n, struct path *out);
