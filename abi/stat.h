/* File types, modes and the structures of stat(2), statx(2), statfs(2), getdents(2) on x86-64, inode(7). */
#pragma once
#include "abi/time.h"
#include "abi/types.h"

enum {
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFLNK = 0120000,
	S_IFREG = 0100000,
	S_IFBLK = 0060000,
	S_IFDIR = 0040000,
	S_IFCHR = 0020000,
	S_IFIFO = 0010000,
	S_ISUID = 04000,
	S_ISGID = 02000,
	S_ISVTX = 01000,
	S_IXGRP = 0010,
	S_IALLUGO = 07777
};
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

struct abi_stat {
	u64 dev, ino, nlink;
	u32 mode, uid, gid, pad;
	u64 rdev;
	s64 size, blksize, blocks;
	struct abi_timespec atime, mtime, ctime;
	s64 unused[3];
};
_Static_assert(sizeof(struct abi_stat) == 144, "stat(2)");

struct abi_statx_time {
	s64 sec;
	u32 nsec;
	s32 pad;
};
struct abi_statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad1;
	u64 ino, size, blocks, attributes_mask;
	struct abi_statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 mnt_id;
	u32 dio_mem_align, dio_offset_align;
	u64 spare[12];
};
_Static_assert(sizeof(struct abi_statx) == 256, "statx(2)");
enum {
	STATX_BASIC_STATS = 0x7ff,
	STATX_BTIME = 0x800,
	STATX_MNT_ID = 0x1000,
	STATX_RESERVED = (int)0x80000000,
	STATX_ATTR_APPEND = 0x20,
	STATX_ATTR_IMMUTABLE = 0x10,
	STATX_ATTR_NODUMP = 0x40,
	STATX_ATTR_MOUNT_ROOT = 0x2000
};

struct abi_statfs {
	s64 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	s64 namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct abi_statfs) == 120, "statfs(2)");
enum { /* statfs flags */
       ST_RDONLY = 1,
       ST_NOSUID = 2,
       ST_NODEV = 4,
       ST_NOEXEC = 8,
       ST_VALID = 0x20,
       ST_NOATIME = 0x400,
       ST_NODIRATIME = 0x800,
       ST_RELATIME = 0x1000
};

struct abi_dirent64 {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
} PACKED;
_Static_assert(sizeof(struct abi_dirent64) == 19, "getdents64(2)");
struct abi_dirent { /* getdents(2): the type in the last byte of the record */
	u64 ino, off;
	u16 reclen;
	char name[];
} PACKED;
_Static_assert(sizeof(struct abi_dirent) == 18, "getdents(2)");
