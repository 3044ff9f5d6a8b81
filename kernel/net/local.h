/* AF_UNIX: from the system calls' view to kernel/ipc/socket's. */
#pragma once
#include "kernel/fs/path.h"
#include "kernel/ipc/socket/rights.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/net/net.h"

struct port_place {
	struct path path; /* reference */
};

/* --- Addresses: local_address.c --- */

/* A destination: looked up anew each time it is asked for. */
struct local_route {
	struct socket_route route;
	const struct abi_sockaddr_un *address;
	u32 length;
};
/* => 0, or -EINVAL for what is no address of AF_UNIX. */
MUST_CHECK int local_address_check(const void *address, u32 length);
struct local_route local_route(const void *address, u32 length); /* checked */
MUST_CHECK int local_bind(struct net_socket *n, const void *address, u32 length);
/* => length; of a socket without a name, that of the family alone. */
u32 local_name_copy(const struct socket_name *name, void *address);

/* --- Control messages: local_control.c --- */

/* => 0, and what is on board in *out, or -EINVAL, -EBADF, -EPERM, -ESRCH, -ENOMEM. */
MUST_CHECK int local_control_parse(const void *control, size_t length, struct socket_outgoing *out);
/* Gives the caller what came: credentials if asked for, files as new descriptors. */
void local_control_give(struct socket *s, struct net_socket *n, struct socket_incoming *in,
                        struct net_incoming *m);
