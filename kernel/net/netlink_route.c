#include "kernel/net/netlink_route.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"

struct nlmsghdr {
	u32 length;
	u16 type, flags;
	u32 seq, pid;
};
enum { NLM_F_REQUEST = 1, NLM_F_MULTI = 2, NLM_F_ACK = 4, NLM_F_DUMP = 0x300 };
enum { NLMSG_ERROR = 2, NLMSG_DONE = 3, NLMSG_MIN_TYPE = 16 };
enum { RTM_GETLINK = 18, RTM_GETADDR = 22, RTM_GETROUTE = 26, RTM_GETNEIGH = 30, RTM_GETRULE = 34 };
enum { RTM_KIND_MASK = 3, RTM_KIND_GET = 2 };

static int reply_done(struct netlink *l, const struct nlmsghdr *request)
{
	struct {
		struct nlmsghdr h;
		s32 error;
	} done = {{sizeof done, NLMSG_DONE, NLM_F_MULTI, request->seq, netlink_port(l)}, 0};
	return netlink_reply(l, &done, sizeof done);
}

/* An error quotes the whole request, a success its header. */
static int reply_ack(struct netlink *l, const struct nlmsghdr *request, s32 error)
{
	u32 quoted = error ? request->length : sizeof *request;
	struct reply {
		struct nlmsghdr h;
		s32 error;
		u8 request[];
	} *r = kzalloc(sizeof *r + quoted);
	if (!r)
		return -ENOMEM;
	r->h = (struct nlmsghdr){(u32)sizeof *r + quoted, NLMSG_ERROR, 0, request->seq,
	                         netlink_port(l)};
	r->error = error;
	memcpy(r->request, request, quoted);
	int err = netlink_reply(l, r, r->h.length);
	kfree(r);
	return err;
}

/* => 0: dumped or nothing to do, or what to answer. */
static int judge(const struct nlmsghdr *m, bool *dump)
{
	if (!(m->flags & NLM_F_REQUEST) || m->type < NLMSG_MIN_TYPE || m->length <= sizeof *m)
		return 0;
	if ((m->type & RTM_KIND_MASK) != RTM_KIND_GET)
		return capable(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM;
	switch (m->type) {
	case RTM_GETLINK:
	case RTM_GETADDR:
	case RTM_GETROUTE:
	case RTM_GETNEIGH:
	case RTM_GETRULE: *dump = m->flags & NLM_F_DUMP; return *dump ? 0 : -EOPNOTSUPP;
	default: return -EOPNOTSUPP;
	}
}

int netlink_route_request(struct netlink *l, const void *text, size_t length)
{
	const char *at = text;
	while (length >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *m = (const void *)at;
		bool dump = false;
		if (m->length < sizeof *m || m->length > length)
			return 0;
		int answer = judge(m, &dump);
		if (dump)
			TRY(reply_done(l, m));
		else if (answer || m->flags & NLM_F_ACK)
			TRY(reply_ack(l, m, answer));
		size_t step = MIN(ROUND_UP((size_t)m->length, (size_t)4), length);
		at += step;
		length -= step;
	}
	return 0;
}
