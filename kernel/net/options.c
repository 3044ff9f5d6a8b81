#include "arch/uaccess.h"
#include "kernel/fs/inode.h"
#include "kernel/net/net.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/task.h"

enum {
	SEND_LIMIT_MIN = 4608,
	RECEIVE_LIMIT_MIN = 2304
}; /* SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF of Linux */
enum { NS_PER_US = 1000, US_PER_SECOND = 1000000, PRIORITY_FREE_MAX = 6 };
#define NS_PER_SECOND 1000000000ull
#define NO_PATIENCE   1ull /* a time-out that is over when it begins */

struct user_time {
	s64 seconds, us;
};

/* --- Setting --- */

static int flag_of(int name)
{
	switch (name) {
	case SO_DEBUG: return NET_DEBUG;
	case SO_REUSEADDR: return NET_REUSEADDR;
	case SO_DONTROUTE: return NET_DONTROUTE;
	case SO_BROADCAST: return NET_BROADCAST;
	case SO_KEEPALIVE: return NET_KEEPALIVE;
	case SO_OOBINLINE: return NET_OOBINLINE;
	case SO_NO_CHECK: return NET_NO_CHECK;
	case SO_REUSEPORT: return NET_REUSEPORT;
	case SO_PASSSEC: return NET_PASSSEC;
	case SO_RXQ_OVFL: return NET_RXQ_OVFL;
	default: return 0;
	}
}

static void flag_set(struct net_socket *n, u32 flag, bool on)
{
	if (on)
		__atomic_fetch_or(&n->flags, flag, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&n->flags, ~flag, __ATOMIC_RELAXED);
}

/* socket(7): the kernel doubles the value. Beyond the maximum only with force. */
static void limit_set(struct net_socket *n, int which, s32 value, bool force)
{
	static const s32 least[] = {SEND_LIMIT_MIN, RECEIVE_LIMIT_MIN};
	if (force)
		value = MAX(value, 0);
	else if ((u32)value > load_relaxed(&net_buffer_max[which]))
		value = (s32)load_relaxed(&net_buffer_max[which]);
	value = MIN(value, INT32_MAX / 2) * 2;
	store_relaxed(which ? &n->receive_limit : &n->send_limit, (u32)MAX(value, least[which]));
	n->family->limits_changed(n);
}

static int timeout_set(u64 *timeout, uptr_t value, s32 length)
{
	struct user_time t;
	if (length < (s32)sizeof t)
		return -EINVAL;
	TRY(copy_from_user(&t, value, sizeof t));
	if (t.us < 0 || t.us >= US_PER_SECOND)
		return -EDOM;
	u64 ns = 0;
	if (t.seconds < 0)
		ns = NO_PATIENCE;
	else if ((u64)t.seconds < INT64_MAX / NS_PER_SECOND / 2)
		ns = (u64)t.seconds * NS_PER_SECOND + (u64)t.us * NS_PER_US;
	store_relaxed(timeout, ns);
	return 0;
}

static int linger_set(struct net_socket *n, uptr_t value, s32 length)
{
	struct abi_linger l;
	if (length < (s32)sizeof l)
		return -EINVAL;
	TRY(copy_from_user(&l, value, sizeof l));
	flag_set(n, NET_LINGER, l.on);
	if (l.on)
		store_relaxed(&n->linger_seconds, l.seconds);
	return 0;
}

static int number_set(struct net_socket *n, int name, s32 value)
{
	switch (name) {
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		limit_set(n, name == SO_RCVBUFFORCE, value, true);
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF: limit_set(n, name == SO_RCVBUF, value, false); return 0;
	case SO_PRIORITY:
		if ((value < 0 || value > PRIORITY_FREE_MAX) && !capable(CAP_NET_ADMIN))
			return -EPERM;
		store_relaxed(&n->priority, value);
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		store_relaxed(&n->mark, value);
		return 0;
	case SO_DEBUG:
		if (value && !capable(CAP_NET_ADMIN))
			return -EACCES;
		break;
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_ACCEPTCONN:
	case SO_PEERCRED:
	case SO_PEERGROUPS:
	case SO_PEERSEC:
	case SO_PEERNAME:
	case SO_SNDLOWAT:
	case SO_COOKIE: return -ENOPROTOOPT;
	case SO_REUSEPORT:
		if (value) /* a matter of networks */
			return -EOPNOTSUPP;
		break;
	case SO_BSDCOMPAT: return 0;
	}
	if (!flag_of(name))
		return -ENOPROTOOPT;
	flag_set(n, (u32)flag_of(name), value);
	return 0;
}

int net_option_set(struct net_socket *n, int level, int name, uptr_t value, s32 length)
{
	s32 number;
	if (length < 0)
		return -EINVAL;
	if (level != SOL_SOCKET)
		return n->family->set_option(n, level, name, value, (u32)length);
	if (name == SO_BINDTODEVICE)
		return length ? -ENODEV : 0;
	if (length < (s32)sizeof number)
		return -EINVAL;
	TRY(copy_from_user(&number, value, sizeof number));
	switch (name) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW: return timeout_set(&n->receive_timeout, value, length);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW: return timeout_set(&n->send_timeout, value, length);
	case SO_LINGER: return linger_set(n, value, length);
	}
	int err = number_set(n, name, number);
	return err == -ENOPROTOOPT ? n->family->set_option(n, level, name, value, (u32)length)
	                           : err;
}

/* --- Getting --- */

int net_option_put(uptr_t value, uptr_t length, const void *from, u32 size)
{
	s32 room;
	TRY(copy_from_user(&room, length, sizeof room));
	if (room < 0)
		return -EINVAL;
	room = MIN(room, (s32)size);
	TRY(copy_to_user(value, from, (size_t)room));
	return copy_to_user(length, &room, sizeof room);
}

static int timeout_get(u64 ns, uptr_t value, uptr_t length)
{
	struct user_time t = {0};
	if (ns != NO_PATIENCE)
		t = (struct user_time){(s64)(ns / NS_PER_SECOND),
		                       (s64)(ns % NS_PER_SECOND / NS_PER_US)};
	return net_option_put(value, length, &t, sizeof t);
}

static int cookie_get(struct net_socket *n, uptr_t value, uptr_t length)
{
	s32 room;
	u64 cookie = n->file->inode->ino + 1;
	TRY(copy_from_user(&room, length, sizeof room));
	return room < (s32)sizeof cookie ? -EINVAL
	                                 : net_option_put(value, length, &cookie, sizeof cookie);
}

static int linger_get(struct net_socket *n, uptr_t value, uptr_t length)
{
	struct abi_linger l = {(load_relaxed(&n->flags) & NET_LINGER) != 0,
	                       load_relaxed(&n->linger_seconds)};
	return net_option_put(value, length, &l, sizeof l);
}

static int number_get(struct net_socket *n, int name, s32 *out)
{
	switch (name) {
	case SO_TYPE: *out = (s32)n->type; break;
	case SO_PROTOCOL: *out = (s32)n->protocol; break;
	case SO_DOMAIN: *out = (s32)n->family->domain; break;
	case SO_ERROR: *out = -n->family->take_error(n); break;
	case SO_ACCEPTCONN: *out = n->family->listening(n); break;
	case SO_SNDBUF: *out = (s32)load_relaxed(&n->send_limit); break;
	case SO_RCVBUF: *out = (s32)load_relaxed(&n->receive_limit); break;
	case SO_PRIORITY: *out = load_relaxed(&n->priority); break;
	case SO_MARK: *out = load_relaxed(&n->mark); break;
	case SO_SNDLOWAT: *out = 1; break;
	case SO_BSDCOMPAT: *out = 0; break;
	default:
		if (!flag_of(name))
			return -ENOPROTOOPT;
		*out = (load_relaxed(&n->flags) & (u32)flag_of(name)) != 0;
	}
	return 0;
}

int net_option_get(struct net_socket *n, int level, int name, uptr_t value, uptr_t length)
{
	s32 room, number;
	if (level != SOL_SOCKET)
		return n->family->get_option(n, level, name, value, length);
	TRY(copy_from_user(&room, length, sizeof room));
	if (room < 0)
		return -EINVAL;
	switch (name) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW: return timeout_get(load_relaxed(&n->receive_timeout), value, length);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW: return timeout_get(load_relaxed(&n->send_timeout), value, length);
	case SO_LINGER: return linger_get(n, value, length);
	case SO_COOKIE: return cookie_get(n, value, length);
	case SO_BINDTODEVICE: return net_option_put(value, length, NULL, 0);
	}
	int err = number_get(n, name, &number);
	if (err == -ENOPROTOOPT)
		return n->family->get_option(n, level, name, value, length);
	return net_option_put(value, length, &number, sizeof number);
}
