/* What the VFS itself does with superblocks and time stamps; file systems need only inode.h. */
#pragma once
#include "kernel/fs/inode.h"

struct mount;
void inode_touch_read(const struct mount *m, struct inode *i);
u32 inode_suid_bits(const struct inode *i); /* of i->mode, what a write by the unprivileged drops */
/* One word "name=value" or "name" of a comma-separated option string, which is cut up. => false at the end. */
bool mount_option_next(char **data, char **name, char **value);
/* Decimal, octal or hexadecimal by C's prefixes; with suffix: k m g t p e, and % of `whole`. => 0 or -EINVAL. */
MUST_CHECK int mount_option_u64(const char *text, unsigned base, u64 *out);
MUST_CHECK int mount_option_size(const char *text, u64 whole, u64 *out);
