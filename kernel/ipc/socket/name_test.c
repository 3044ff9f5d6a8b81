#include "kernel/ipc/socket/socket.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

enum { NAMES = 300, ADDRESS = 7 };

static struct socket_key key_of(u8 *address, u32 n, u32 type)
{
	static const u8 head[3] = {1, 0, 0};
	memcpy(address, head, sizeof head);
	memcpy(address + sizeof head, &n, sizeof n);
	return (struct socket_key){.type = type, .length = ADDRESS, .text = address};
}

static int bind_number(struct socket *s, u32 n)
{
	u8 address[ADDRESS];
	struct socket_key key = key_of(address, n, s->type);
	AUTO_PUT(socket_name) name = socket_name_new(&key, address, ADDRESS, NULL);
	return name ? socket_bind(s, name) : -ENOMEM;
}

static bool found(u32 n, u32 type, const struct socket *expected)
{
	u8 address[ADDRESS];
	struct socket_key key = key_of(address, n, type);
	AUTO_PUT(socket) s = socket_find(&key);
	return s == expected;
}

TEST(socket_names_are_found_until_their_sockets_close)
{
	struct socket *sockets[NAMES];
	for (u32 i = 0; i < NAMES; i++) {
		sockets[i] = socket_new(SOCKET_DGRAM);
		ASSERT(sockets[i]);
		CHECK_EQ(bind_number(sockets[i], i * 7), 0);
	}
	for (u32 i = 0; i < NAMES; i++) {
		CHECK(found(i * 7, SOCKET_DGRAM, sockets[i]));
		CHECK(found(i * 7, SOCKET_STREAM, NULL));
		CHECK(found(i * 7 + 1, SOCKET_DGRAM, NULL));
		CHECK_EQ(bind_number(sockets[i], 5), -EINVAL);
	}
	for (u32 i = 0; i < NAMES; i += 2)
		socket_close(sockets[i]);
	for (u32 i = 0; i < NAMES; i++)
		CHECK(found(i * 7, SOCKET_DGRAM, i % 2 ? sockets[i] : NULL));
	struct socket *again = socket_new(SOCKET_DGRAM);
	ASSERT(again);
	CHECK_EQ(bind_number(again, 7), -EADDRINUSE);
	CHECK_EQ(bind_number(again, 14), 0);
	socket_close(again);
	for (u32 i = 1; i < NAMES; i += 2)
		socket_close(sockets[i]);
}

TEST(socket_autobind_gives_each_its_own)
{
	struct socket *sockets[NAMES];
	for (u32 i = 0; i < NAMES; i++) {
		sockets[i] = socket_new(SOCKET_STREAM);
		ASSERT(sockets[i]);
		CHECK_EQ(socket_autobind(sockets[i]), 0);
		CHECK_EQ(socket_autobind(sockets[i]), 0);
		struct socket_name *n = socket_name(sockets[i]);
		for (u32 k = 0; k < i; k++)
			CHECK(memcmp(n->address, socket_name(sockets[k])->address, n->length));
	}
	for (u32 i = 0; i < NAMES; i++)
		socket_close(sockets[i]);
}
