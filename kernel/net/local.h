/*
 * AF_UNIX: from the system calls' view to kernel/ipc/socket's: addresses and control messages.
 *
 * Objects and lifetimes. A struct local_route borrows the address that it was made from. A struct port_place keeps the
 * node that a socket is bound to, for as long as the socket's name lives.
 *
 * Locking: system calls, no lock held; all may sleep, but local_address_check() and local_route(). What can fail: see
 * unix(7).
 */
#pragma once
#include "kernel/fs/path.h"
#include "kernel/ipc/socket/rights.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/net/net.h"

struct port_place {
	struct path path; /* reference */
};

/* --- Addresses: local_address.c --- */

/* A destination, looked up anew each time it is asked for: => a socket with a reference, or err_ptr: -ECONNREFUSED,
 * -EPROTOTYPE, or why a path cannot be walked. */
struct local_route {
	struct socket_route route;
	const struct abi_sockaddr_un *address;
	u32 length;
};
/* => 0, or -EINVAL for what is no address of AF_UNIX. */
MUST_CHECK int local_address_check(const void *address, u32 length);
/* address has passed local_address_check(), and outlives the route. */
struct local_route local_route(const void *address, u32 length);
/* bind(2), the family alone: a name of the kernel's choice. => 0, -EINVAL (no address, or n has a name),
 * -EADDRINUSE, -ENOMEM, -ENOSPC, or why no node could be made. */
MUST_CHECK int local_bind(struct net_socket *n, const void *address, u32 length);
/* name: NULL, or borrowed. address: SOCKADDR_MAX bytes. => length; of a socket without a name, that of the family
 * alone. */
u32 local_name_copy(const struct socket_name *name, void *address);

/* --- Control messages: local_control.c --- */

/* control: a kernel copy. => 0, and what is on board in *out (files referenced, not launched yet); or -EINVAL,
 * -EBADF, -EPERM, -ESRCH, -ENOMEM, with nothing on board. */
MUST_CHECK int local_control_parse(const void *control, size_t length, struct socket_outgoing *out);
/* Gives the caller what came with a message: credentials if asked for, files as new descriptors, which take
 * references of their own. What does not fit, or faults, is left out, and MSG_CTRUNC noted where Linux notes it. */
void local_control_give(struct socket *s, struct net_socket *n, struct socket_incoming *in,
                        struct net_incoming *m);
