/*
 * Credentials: immutable once published, shared by reference; a change makes a new one
 * (credentials(7), capabilities(7)). Each thread has its own pointer, as Linux has it; libc makes them agree.
 *
 * Lifetime: the last put frees after a grace period, so another task's ->cred may be read under RCU.
 * Locking: none; only the owner publishes (cred_commit), with release order.
 * What can fail: cred_copy for want of memory. Committing never does.
 */
#pragma once
#include "kernel/lib/guard.h"
#include "kernel/lib/refcount.h"
#include "kernel/sched/rcu.h"

struct cred {
	refcount_t refs;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u64 cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	u32 securebits;
	u32 group_count;
	struct group_list *group_list; /* reference; owns groups */
	u32 *groups;                   /* sorted */
	struct user *user;             /* reference: account of the real uid */
	struct rcu_head rcu;
};

/* What one real uid uses, for the limits that count per user; created on demand, kept while referenced. */
struct user {
	u32 uid;
	refcount_t refs;
	u32 processes;        /* [a] tasks, RLIMIT_NPROC */
	u32 signals;          /* [a] queued, RLIMIT_SIGPENDING */
	u64 mqueue_bytes;     /* [a] RLIMIT_MSGQUEUE */
	u64 locked_shm_pages; /* [a] SHM_LOCK, RLIMIT_MEMLOCK */
	u64 epoll_watches;    /* [a] fs.epoll.max_user_watches */
	u64 pipe_pages;       /* [a] fs.pipe-user-pages-soft, -hard */
	u64 files_in_flight;  /* [a] sent over sockets and not received, RLIMIT_NOFILE */
};
void user_get(struct user *u);
void user_put(struct user *u);
MUST_CHECK struct user *user_find_or_new(u32 uid); /* with reference, or NULL: no memory */

enum {
	CAP_CHOWN = 0,
	CAP_DAC_OVERRIDE = 1,
	CAP_DAC_READ_SEARCH = 2,
	CAP_FOWNER = 3,
	CAP_FSETID = 4,
	CAP_KILL = 5,
	CAP_SETGID = 6,
	CAP_SETUID = 7,
	CAP_SETPCAP = 8,
	CAP_LINUX_IMMUTABLE = 9,
	CAP_NET_ADMIN = 12,
	CAP_IPC_LOCK = 14,
	CAP_IPC_OWNER = 15,
	CAP_SYS_RAWIO = 17,
	CAP_SYS_CHROOT = 18,
	CAP_SYS_PTRACE = 19,
	CAP_SYS_ADMIN = 21,
	CAP_SYS_BOOT = 22,
	CAP_SYS_NICE = 23,
	CAP_SYS_RESOURCE = 24,
	CAP_SYS_TIME = 25,
	CAP_SYS_TTY_CONFIG = 26,
	CAP_MKNOD = 27,
	CAP_WAKE_ALARM = 35,
	CAP_BLOCK_SUSPEND = 36,
	CAP_LAST = 40
};
#define CAP_FULL (BIT(CAP_LAST + 1) - 1)
/* What an effective uid of 0 gives to file access: dropped and raised with fsuid. */
#define CAP_FS_SET                                                                                 \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |     \
	 BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(32))
enum { /* securebits */
       SECBIT_NOROOT = 1,
       SECBIT_NOROOT_LOCKED = 2,
       SECBIT_NO_SETUID_FIXUP = 4,
       SECBIT_NO_SETUID_FIXUP_LOCKED = 8,
       SECBIT_KEEP_CAPS = 16,
       SECBIT_KEEP_CAPS_LOCKED = 32,
       SECBIT_NO_CAP_AMBIENT_RAISE = 64,
       SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 128,
       SECURE_ALL_BITS = 0x55,
       SECURE_ALL_LOCKS = 0xaa,
};

const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
MUST_CHECK struct cred *cred_copy(void); /* private copy of the current one, or NULL */
void cred_commit(struct cred *c);        /* publishes for the current thread; takes the reference */
static inline bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}
bool cred_in_group(const struct cred *c, u32 gid); /* fsgid or supplementary: file access */

/* Supplementary groups, immutable once set. */
struct group_list {
	refcount_t refs;
	u32 count;
	u32 gid[];
};
MUST_CHECK struct group_list *group_list_new(u32 count); /* zeroed; NULL: no memory */
void cred_set_groups(struct cred *c,
                     struct group_list *list); /* sorts it and takes the reference */
/* Sets the real uid and moves to that user's account. => 0 or -EAGAIN (no memory). */
MUST_CHECK int cred_set_real_uid(struct cred *c, u32 uid);
/* Capability changes that follow a change of uids, capabilities(7) "Effect of user ID changes". */
void cred_fix_caps(struct cred *c, const struct cred *old);
void cred_fix_fs_caps(struct cred *c, const struct cred *old); /* setfsuid(2) */
/* execve(2): what permitted, effective and ambient become. new_uid, new_gid: effective ones, set-id bits applied.
 * => 0 or -ENOMEM; *out_secure is what AT_SECURE says. */
MUST_CHECK int cred_for_exec(u32 new_euid, u32 new_egid, struct cred **out, bool *out_secure);
extern struct cred init_cred; /* uid 0 with every capability; not reference counted away */

#include "kernel/proc/task.h" /* cred_current() and capable(): a load from the current task */
