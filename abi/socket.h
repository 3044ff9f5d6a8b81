/* Sockets of the Linux x86-64 ABI: socket(2), socket(7), unix(7), netlink(7), cmsg(3). */
#pragma once
#include "abi/types.h"

enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_NETLINK = 16, AF_MAX = 46 };
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5, SOCK_MAX = 11 };
enum { SOCK_TYPE_MASK = 15, SOCK_NONBLOCK = 04000, SOCK_CLOEXEC = 02000000 };
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum { SOL_SOCKET = 1, SOL_NETLINK = 270 };

enum {
	MSG_OOB = 1,
	MSG_PEEK = 2,
	MSG_CTRUNC = 8,
	MSG_TRUNC = 0x20,
	MSG_DONTWAIT = 0x40,
	MSG_EOR = 0x80,
	MSG_WAITALL = 0x100,
	MSG_ERRQUEUE = 0x2000,
	MSG_NOSIGNAL = 0x4000,
	MSG_WAITFORONE = 0x10000,
	MSG_CMSG_CLOEXEC = 0x40000000
};

enum {
	SO_DEBUG = 1,
	SO_REUSEADDR = 2,
	SO_TYPE = 3,
	SO_ERROR = 4,
	SO_DONTROUTE = 5,
	SO_BROADCAST = 6,
	SO_SNDBUF = 7,
	SO_RCVBUF = 8,
	SO_KEEPALIVE = 9,
	SO_OOBINLINE = 10,
	SO_NO_CHECK = 11,
	SO_PRIORITY = 12,
	SO_LINGER = 13,
	SO_BSDCOMPAT = 14,
	SO_REUSEPORT = 15,
	SO_PASSCRED = 16,
	SO_PEERCRED = 17,
	SO_RCVLOWAT = 18,
	SO_SNDLOWAT = 19,
	SO_RCVTIMEO_OLD = 20,
	SO_SNDTIMEO_OLD = 21,
	SO_BINDTODEVICE = 25,
	SO_PEERNAME = 28,
	SO_TIMESTAMP_OLD = 29,
	SO_ACCEPTCONN = 30,
	SO_PEERSEC = 31,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE = 33,
	SO_PASSSEC = 34,
	SO_TIMESTAMPNS_OLD = 35,
	SO_MARK = 36,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
	SO_RXQ_OVFL = 40,
	SO_PEEK_OFF = 42,
	SO_COOKIE = 57,
	SO_PEERGROUPS = 59,
	SO_TIMESTAMP_NEW = 63,
	SO_TIMESTAMPNS_NEW = 64,
	SO_RCVTIMEO_NEW = 66,
	SO_SNDTIMEO_NEW = 67
};
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
enum { SOMAXCONN_DEFAULT = 4096 };

enum { SIOCINQ = 0x541b, SIOCOUTQ = 0x5411, SIOCATMARK = 0x8905, SIOCUNIXFILE = 0x89e0 };
enum { FIOSETOWN = 0x8901, SIOCSPGRP = 0x8902, FIOGETOWN = 0x8903, SIOCGPGRP = 0x8904 };

enum { SOCKADDR_MAX = 128, UNIX_PATH_MAX = 108, UNIX_PATH_OFFSET = 2 };
struct abi_sockaddr_un {
	u16 family;
	u8 path[UNIX_PATH_MAX];
};
struct abi_sockaddr_nl {
	u16 family, pad;
	u32 pid, groups;
};
struct abi_msghdr {
	u64 name;
	u32 namelen, pad1;
	u64 iov, iovlen;
	u64 control, controllen;
	u32 flags, pad2;
};
struct abi_mmsghdr {
	struct abi_msghdr header;
	u32 length, pad;
};
struct abi_cmsghdr {
	u64 length;
	s32 level, type;
};
struct abi_ucred {
	s32 pid;
	u32 uid, gid;
};
struct abi_linger {
	s32 on, seconds;
};
_Static_assert(sizeof(struct abi_sockaddr_un) == 110, "unix(7)");
_Static_assert(sizeof(struct abi_sockaddr_nl) == 12, "netlink(7)");
_Static_assert(sizeof(struct abi_msghdr) == 56, "recvmsg(2)");
_Static_assert(sizeof(struct abi_mmsghdr) == 64, "recvmmsg(2)");
_Static_assert(sizeof(struct abi_cmsghdr) == 16, "cmsg(3)");
_Static_assert(sizeof(struct abi_ucred) == 12, "unix(7)");
