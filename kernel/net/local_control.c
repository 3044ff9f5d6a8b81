#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/net/local.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/task.h"
#include "kernel/sched/realtime.h"

enum { CMSG_ALIGNMENT = 8 };
#define CMSG_ALIGN(n) ROUND_UP(n, (u64)CMSG_ALIGNMENT)

/* --- What a sender attaches --- */

/* Room for n files more: most messages carry one set of them. => 0, -EINVAL, -ENOMEM. */
static int make_room(struct socket_outgoing *out, size_t n)
{
	struct socket_rights *old = out->rights;
	u32 count = old ? old->count : 0;
	if (n > SOCKET_RIGHTS_MAX - count)
		return -EINVAL;
	struct socket_rights *r = socket_rights_new(count + (u32)n);
	if (!r)
		return -ENOMEM;
	if (old) {
		r->count = count;
		memcpy(r->files, old->files, count * sizeof old->files[0]);
		old->count = 0; /* its references have moved */
		socket_rights_free(old);
	}
	out->rights = r;
	return 0;
}

static int take_files(struct socket_rights *r, const s32 *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct fdref ref = fdref_get_path(fds[i]);
		if (!ref.file)
			return -EBADF;
		file_get(ref.file);
		fdref_put(ref);
		r->files[r->count++] = (struct port_file *)ref.file;
	}
	return 0;
}

static int parse_rights(const struct abi_cmsghdr *c, struct socket_outgoing *out)
{
	size_t n = (c->length - sizeof *c) / sizeof(s32);
	if (!n)
		return 0;
	TRY(make_room(out, n));
	return take_files(out->rights, (const s32 *)(c + 1), n);
}

/* Who may claim to be whom, unix(7) "SCM_CREDENTIALS". */
static int check_ids(const struct abi_ucred *u)
{
	const struct cred *c = cred_current();
	if (u->pid != process_current()->pid && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid && !capable(CAP_SETGID))
		return -EPERM;
	return 0;
}

static int parse_ids(const struct abi_cmsghdr *c, struct socket_outgoing *out)
{
	struct abi_ucred u;
	if (c->length != sizeof *c + sizeof u)
		return -EINVAL;
	memcpy(&u, c + 1, sizeof u);
	TRY(check_ids(&u));
	if (u.pid != process_current()->pid) {
		AUTO_PUT(process) p = process_lookup(u.pid);
		if (!p)
			return -ESRCH;
	}
	if (u.uid == UINT32_MAX || u.gid == UINT32_MAX)
		return -EINVAL;
	out->has_ids = true;
	out->ids = (struct socket_ids){u.pid, u.uid, u.gid};
	return 0;
}

static int parse_one(const struct abi_cmsghdr *c, struct socket_outgoing *out)
{
	if (c->level != SOL_SOCKET)
		return 0;
	switch (c->type) {
	case SCM_RIGHTS: return parse_rights(c, out);
	case SCM_CREDENTIALS: return parse_ids(c, out);
	default: return -EINVAL;
	}
}

int local_control_parse(const void *control, size_t length, struct socket_outgoing *out)
{
	size_t at = 0;
	int err = 0;
	while (!err && at <= length && length - at >= sizeof(struct abi_cmsghdr)) {
		const struct abi_cmsghdr *c = (const void *)((const char *)control + at);
		if (c->length < sizeof *c || c->length > length - at)
			err = -EINVAL;
		else
			err = parse_one(c, out);
		at += CMSG_ALIGN(c->length);
	}
	if (err)
		socket_rights_free(TAKE(out->rights));
	return err;
}

/* --- What a receiver gets --- */

static void control_put(struct net_control *c, s32 level, s32 type, const void *data, u32 size)
{
	u64 length = sizeof(struct abi_cmsghdr) + size;
	if (uptr_null(c->at) || c->left < sizeof(struct abi_cmsghdr)) {
		c->truncated = true;
		return;
	}
	if (c->left < length) {
		c->truncated = true;
		length = c->left;
	}
	struct abi_cmsghdr h = {.length = length, .level = level, .type = type};
	if (copy_to_user(c->at, &h, sizeof h) ||
	    copy_to_user(uptr_add(c->at, sizeof h), data, length - sizeof h))
		return;
	u64 space = MIN(CMSG_ALIGN(sizeof h + size), c->left);
	c->at = uptr_add(c->at, space);
	c->left -= space;
}

/* One file as a new descriptor whose number is written to `to`. */
static int give_file(struct file *f, uptr_t to, u32 o_flags)
{
	int fd = TRY(fd_reserve(0, o_flags));
	int err = copy_to_user(to, &fd, sizeof fd);
	if (err) {
		fd_cancel(fd);
		return err;
	}
	file_get(f);
	fd_install(fd, f);
	return 0;
}

static void give_files(const struct socket_rights *r, struct net_incoming *m)
{
	struct net_control *c = &m->control;
	struct abi_cmsghdr h = {.level = SOL_SOCKET, .type = SCM_RIGHTS};
	u64 room = c->left <= sizeof h ? 0 : (c->left - sizeof h) / sizeof(s32);
	u32 given = 0, flags = m->flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0;
	uptr_t data = uptr_add(c->at, sizeof h);
	while (given < r->count && given < room &&
	       !give_file((struct file *)r->files[given], uptr_add(data, given * sizeof(s32)),
	                  flags))
		given++;
	if (given < r->count)
		c->truncated = true;
	if (!given)
		return;
	h.length = sizeof h + given * sizeof(s32);
	if (copy_to_user(c->at, &h, sizeof h))
		return;
	u64 space = MIN(CMSG_ALIGN(h.length), c->left);
	c->at = uptr_add(c->at, space);
	c->left -= space;
}

static void give_time(struct net_socket *n, u64 ns, struct net_incoming *m)
{
	enum { SCM_TIMESTAMP = SO_TIMESTAMP_OLD, SCM_TIMESTAMPNS = SO_TIMESTAMPNS_OLD };
	u32 flags = load_relaxed(&n->flags);
	if (!ns)
		ns = realtime_ns();
	s64 time[2] = {(s64)(ns / 1000000000), (s64)(ns % 1000000000)};
	s32 type = flags & NET_TIMES_NEW ? SO_TIMESTAMPNS_NEW : SCM_TIMESTAMPNS;
	if (!(flags & NET_TIMES_NS)) {
		time[1] /= 1000;
		type = flags & NET_TIMES_NEW ? SO_TIMESTAMP_NEW : SCM_TIMESTAMP;
	}
	control_put(&m->control, SOL_SOCKET, type, time, sizeof time);
}

void local_control_give(struct socket *s, struct net_socket *n, struct socket_incoming *in,
                        struct net_incoming *m)
{
	bool ids = load_relaxed(&s->want_ids);
	if (in->has_time)
		give_time(n, in->time, m);
	if (uptr_null(m->control.at)) {
		m->control.truncated |= ids || in->rights;
		return;
	}
	if (ids) {
		struct abi_ucred u = {in->ids.pid, in->ids.uid, in->ids.gid};
		control_put(&m->control, SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
	}
	if (in->rights)
		give_files(in->rights, m);
}
