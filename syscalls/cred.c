#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "syscalls/syscall.h"

/* User and group ids, credentials(7): each call makes new credentials and publishes them. -1 leaves an id alone. */

enum { KEEP = -1, NGROUPS_MAX = 65536 };
#define AUTO_CRED AUTO_PUT(cred_new)
DEFINE_GUARD(cred_new, struct cred *, cred_put)

SYSCALL0(getuid)
{
	return cred_current()->uid;
}
SYSCALL0(geteuid)
{
	return cred_current()->euid;
}
SYSCALL0(getgid)
{
	return cred_current()->gid;
}
SYSCALL0(getegid)
{
	return cred_current()->egid;
}

static int put_ids(uptr_t a, uptr_t b, uptr_t c, u32 va, u32 vb, u32 vc)
{
	TRY(copy_to_user(a, &va, sizeof(va)));
	TRY(copy_to_user(b, &vb, sizeof(vb)));
	return copy_to_user(c, &vc, sizeof(vc));
}

SYSCALL3(getresuid, uptr_t, real, uptr_t, effective, uptr_t, saved)
{
	const struct cred *c = cred_current();

	return put_ids(real, effective, saved, c->uid, c->euid, c->suid);
}

SYSCALL3(getresgid, uptr_t, real, uptr_t, effective, uptr_t, saved)
{
	const struct cred *c = cred_current();

	return put_ids(real, effective, saved, c->gid, c->egid, c->sgid);
}

/* Sets the real uid in c; going over the new user's RLIMIT_NPROC shows at the next execve(2). */
static int change_real_uid(struct cred *c, u32 uid)
{
	TRY(cred_set_real_uid(c, uid));
	task_current()->nproc_exceeded =
		load_relaxed(&c->user->processes) >= rlimit(RLIMIT_NPROC) && c->uid != 0;
	return 0;
}

SYSCALL1(setuid, u32, uid)
{
	const struct cred *old = cred_current();

	if (uid == (u32)KEEP)
		return -EINVAL;
	AUTO_CRED c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (cred_capable(old, CAP_SETUID)) {
		TRY(change_real_uid(c, uid));
		c->suid = uid;
	} else if (uid != old->uid && uid != old->suid) {
		return -EPERM;
	}
	c->euid = c->fsuid = uid;
	cred_fix_caps(c, old);
	cred_commit(TAKE(c));
	return 0;
}

SYSCALL2(setreuid, u32, real, u32, effective)
{
	const struct cred *old = cred_current();
	bool may = cred_capable(old, CAP_SETUID);
	AUTO_CRED c = cred_copy();

	if (!c)
		return -ENOMEM;
	if (real != (u32)KEEP) {
		if (real != old->uid && real != old->euid && !may)
			return -EPERM;
		TRY(change_real_uid(c, real));
	}
	if (effective != (u32)KEEP) {
		if (effective != old->uid && effective != old->euid && effective != old->suid &&
		    !may)
			return -EPERM;
		c->euid = effective;
	}
	if (real != (u32)KEEP || (effective != (u32)KEEP && effective != old->uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	cred_fix_caps(c, old);
	cred_commit(TAKE(c));
	return 0;
}

static bool is_one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == (u32)KEEP || id == a || id == b || id == c;
}

SYSCALL3(setresuid, u32, real, u32, effective, u32, saved)
{
	const struct cred *old = cred_current();

	if (!cred_capable(old, CAP_SETUID) &&
	    !(is_one_of(real, old->uid, old->euid, old->suid) &&
	      is_one_of(effective, old->uid, old->euid, old->suid) &&
	      is_one_of(saved, old->uid, old->euid, old->suid)))
		return -EPERM;
	AUTO_CRED c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (real != (u32)KEEP)
		TRY(change_real_uid(c, real));
	if (effective != (u32)KEEP)
		c->euid = effective;
	if (saved != (u32)KEEP)
		c->suid = saved;
	c->fsuid = c->euid;
	cred_fix_caps(c, old);
	cred_commit(TAKE(c));
	return 0;
}

SYSCALL1(setgid, u32, gid)
{
	const struct cred *old = cred_current();

	if (gid == (u32)KEEP)
		return -EINVAL;
	AUTO_CRED c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (cred_capable(old, CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != old->gid && gid != old->sgid)
		return -EPERM;
	c->egid = c->fsgid = gid;
	cred_commit(TAKE(c));
	return 0;
}

SYSCALL2(setregid, u32, real, u32, effective)
{
	const struct cred *old = cred_current();
	bool may = cred_capable(old, CAP_SETGID);
	AUTO_CRED c = cred_copy();

	if (!c)
		return -ENOMEM;
	if (real != (u32)KEEP) {
		if (real != old->gid && real != old->egid && !may)
			return -EPERM;
		c->gid = real;
	}
	if (effective != (u32)KEEP) {
		if (effective != old->gid && effective != old->egid && effective != old->sgid &&
		    !may)
			return -EPERM;
		c->egid = effective;
	}
	if (real != (u32)KEEP || (effective != (u32)KEEP && effective != old->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	cred_commit(TAKE(c));
	return 0;
}

SYSCALL3(setresgid, u32, real, u32, effective, u32, saved)
{
	const struct cred *old = cred_current();

	if (!cred_capable(old, CAP_SETGID) &&
	    !(is_one_of(real, old->gid, old->egid, old->sgid) &&
	      is_one_of(effective, old->gid, old->egid, old->sgid) &&
	      is_one_of(saved, old->gid, old->egid, old->sgid)))
		return -EPERM;
	AUTO_CRED c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (real != (u32)KEEP)
		c->gid = real;
	if (effective != (u32)KEEP)
		c->egid = effective;
	if (saved != (u32)KEEP)
		c->sgid = saved;
	c->fsgid = c->egid;
	cred_commit(TAKE(c));
	return 0;
}

/* setfsuid(2), setfsgid(2): => the previous id in every case, also of failure. */
SYSCALL1(setfsuid, u32, uid)
{
	const struct cred *old = cred_current();
	u32 before = old->fsuid;

	if (uid == (u32)KEEP || uid == before ||
	    !(is_one_of(uid, old->uid, old->euid, old->suid) || cred_capable(old, CAP_SETUID)))
		return before;
	struct cred *c = cred_copy();
	if (!c)
		return before;
	c->fsuid = uid;
	cred_fix_fs_caps(c, old);
	cred_commit(c);
	return before;
}

SYSCALL1(setfsgid, u32, gid)
{
	const struct cred *old = cred_current();
	u32 before = old->fsgid;

	if (gid == (u32)KEEP || gid == before ||
	    !(is_one_of(gid, old->gid, old->egid, old->sgid) || cred_capable(old, CAP_SETGID)))
		return before;
	struct cred *c = cred_copy();
	if (!c)
		return before;
	c->fsgid = gid;
	cred_commit(c);
	return before;
}

SYSCALL2(getgroups, int, size, uptr_t, list)
{
	const struct cred *c = cred_current();

	if (size < 0)
		return -EINVAL;
	if (size) {
		if ((u32)size < c->group_count)
			return -EINVAL;
		TRY(copy_to_user(list, c->groups, c->group_count * sizeof(u32)));
	}
	return c->group_count;
}

static void group_list_drop(struct group_list *l)
{
	kvfree(l);
}
DEFINE_GUARD(group_list, struct group_list *, group_list_drop)

SYSCALL2(setgroups, int, size, uptr_t, list)
{
	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned)size > NGROUPS_MAX)
		return -EINVAL;
	AUTO_PUT(group_list) l = group_list_new(size);
	if (!l)
		return -ENOMEM;
	TRY(copy_from_user(l->gid, list, size * sizeof(u32)));
	for (int i = 0; i < size; i++)
		if (l->gid[i] == (u32)KEEP)
			return -EINVAL;
	struct cred *c = cred_copy();
	if (!c)
		return -ENOMEM;
	cred_set_groups(c, TAKE(l));
	cred_commit(c);
	return 0;
}
