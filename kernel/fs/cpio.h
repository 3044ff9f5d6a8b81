/*
 * The newc form of cpio(5), as a cursor over memory: what the Linux documentation calls the initramfs
 * buffer format. Several archives may follow one another with zero bytes between them.
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "kernel/lib/result.h"

struct cpio {
	const u8 *start;
	size_t size, at;
};
struct cpio_entry {
	u32 ino, mode, uid, gid, nlink, mtime, major, minor, rdev_major, rdev_minor;
	const char *name; /* in the archive, terminated */
	u32 name_length;
	const u8 *data;
	u32 size;
};
enum cpio_next { CPIO_ENTRY, CPIO_TRAILER, CPIO_END };
/* => what stands next, or -EINVAL: not an archive from here on (cpio.at tells where). */
MUST_CHECK int cpio_next(struct cpio *c, struct cpio_entry *out);
