#include "kernel/fs/cpio.h"
#include "kernel/lib/string.h"

enum { CPIO_HEADER = 110, CPIO_MAGIC = 6, CPIO_FIELDS = 13, CPIO_ALIGN = 4, CPIO_NAME_MAX = 4096 };
enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_SIZE,
	F_MAJOR,
	F_MINOR,
	F_RMAJOR,
	F_RMINOR,
	F_NAMESIZE,
	F_CHECK
};

static bool hex_field(const u8 *p, u32 *out)
{
	u32 v = 0;
	for (int i = 0; i < 8; i++) {
		u32 c = p[i], lower = c | 32;
		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			v = v << 4 | (lower - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

int cpio_next(struct cpio *c, struct cpio_entry *out)
{
	u32 f[CPIO_FIELDS];
	while (c->at < c->size && !c->start[c->at])
		c->at++;
	if (c->at == c->size)
		return CPIO_END;
	const u8 *p = c->start + c->at;
	size_t left = c->size - c->at;
	if (left < CPIO_HEADER ||
	    (memcmp(p, "070701", CPIO_MAGIC) && memcmp(p, "070702", CPIO_MAGIC)))
		return -EINVAL;
	for (int i = 0; i < CPIO_FIELDS; i++)
		if (!hex_field(p + CPIO_MAGIC + 8 * i, &f[i]))
			return -EINVAL;
	if (!f[F_NAMESIZE] || f[F_NAMESIZE] > CPIO_NAME_MAX)
		return -EINVAL;
	u64 data_at = ROUND_UP((u64)CPIO_HEADER + f[F_NAMESIZE], CPIO_ALIGN);
	if (data_at > left || f[F_SIZE] > left - data_at)
		return -EINVAL;
	const char *name = (const char *)p + CPIO_HEADER;
	if (name[f[F_NAMESIZE] - 1])
		return -EINVAL;
	*out = (struct cpio_entry){.ino = f[F_INO],
	                           .mode = f[F_MODE],
	                           .uid = f[F_UID],
	                           .gid = f[F_GID],
	                           .nlink = f[F_NLINK],
	                           .mtime = f[F_MTIME],
	                           .major = f[F_MAJOR],
	                           .minor = f[F_MINOR],
	                           .rdev_major = f[F_RMAJOR],
	                           .rdev_minor = f[F_RMINOR],
	                           .name = name,
	                           .name_length = (u32)strlen(name),
	                           .data = p + data_at,
	                           .size = f[F_SIZE]};
	c->at += MIN(ROUND_UP(data_at + f[F_SIZE], CPIO_ALIGN), (u64)left);
	return strcmp(name, "TRAILER!!!") ? CPIO_ENTRY : CPIO_TRAILER;
}
