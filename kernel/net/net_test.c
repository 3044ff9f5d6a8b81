/* Every allocation on the way of a server and its client may fail: the right errno, and nothing stays behind. */
#include "kernel/fs/names.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/mm/slab.h"
#include "kernel/net/net.h"
#include "kernel/net/netlink.h"
#include "kernel/net/netlink_route.h"

static const char path[] = "/net-test-socket";

static struct abi_sockaddr_un address_of(void)
{
	struct abi_sockaddr_un a = {.family = AF_UNIX};
	memcpy(a.path, path, sizeof path);
	return a;
}

static int send_text(struct net_socket *n, const void *control, size_t control_length)
{
	char text[] = "hello";
	struct net_outgoing out = {.io = uio_kernel(text, sizeof text),
	                           .flags = MSG_NOSIGNAL,
	                           .control = control,
	                           .control_length = control_length};
	ssize sent = n->family->send(n, &out);
	return sent < 0 ? (int)sent : 0;
}

static int receive_text(struct net_socket *n)
{
	char text[16];
	struct net_incoming in = {.io = uio_kernel(text, sizeof text), .flags = MSG_DONTWAIT};
	ssize got = n->family->receive(n, &in);
	return got < 0 ? (int)got : 0;
}

/* One connection over a path, with credentials on board. => 0, or the first errno. */
static int serve(u32 type)
{
	struct abi_sockaddr_un a = address_of();
	u32 length = UNIX_PATH_OFFSET + sizeof path;
	struct {
		struct abi_cmsghdr header;
		struct abi_ucred ids;
	} control = {{sizeof control.header + sizeof control.ids, SOL_SOCKET, SCM_CREDENTIALS},
	             {1, 0, 0}};
	AUTO_PUT(file) server = TRY_PTR(net_file_new(AF_UNIX, type, 0, 0));
	AUTO_PUT(file) client = TRY_PTR(net_file_new(AF_UNIX, type, 0, 0));
	struct net_socket *s = server->private, *c = client->private;
	TRY(net_local.bind(s, &a, length));
	if (type == SOCK_DGRAM) {
		TRY(net_local.connect(c, &a, length));
		TRY(send_text(c, &control, sizeof control));
		return receive_text(s);
	}
	TRY(net_local.listen(s, 1));
	TRY(net_local.connect(c, &a, length));
	TRY(send_text(c, &control, sizeof control));
	AUTO_PUT(file) accepted = TRY_PTR(net_file_accepted(s, 0));
	TRY(net_local.accept(s, accepted->private, true));
	return receive_text(accepted->private);
}

static int ask_netlink(u32 type)
{
	static const u32 request[5] = {sizeof request, 22 | 0x301 << 16, 1, 0,
	                               0}; /* RTM_GETADDR, a dump */
	AUTO_PUT(file) f = TRY_PTR(net_file_new(AF_NETLINK, type, NETLINK_ROUTE, 0));
	struct net_socket *n = f->private;
	TRY(netlink_route_request(n->netlink, request, sizeof request));
	return receive_text(n);
}

static void every_allocation(int (*life)(u32 type), u32 type)
{
	int err, n = 0;
	do {
		(void)alloc_fail_nth(++n);
		err = life(type);
		bool fired = alloc_fail_nth(0);
		if (vfs_unlink(AT_FDCWD, path))
			CHECK(err || life == ask_netlink);
		CHECK(!err || fired);
		CHECK(!err || err == -ENOMEM || err == -ENOBUFS || err == -ENOSPC);
		if (!fired)
			break;
	} while (n < 100);
	CHECK_EQ(err, 0);
}

TEST(net_streams_survive_every_failed_allocation)
{
	every_allocation(serve, SOCK_STREAM);
}
TEST(net_packets_survive_every_failed_allocation)
{
	every_allocation(serve, SOCK_SEQPACKET);
}
TEST(net_datagrams_survive_every_failed_allocation)
{
	every_allocation(serve, SOCK_DGRAM);
}
TEST(net_netlink_survives_every_failed_allocation)
{
	every_allocation(ask_netlink, SOCK_RAW);
}
