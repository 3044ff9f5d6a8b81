/* What the files of the socket calls share. */
#pragma once
#include "kernel/net/net.h"
#include "kernel/proc/fdtable.h"

/* => the socket behind a descriptor, or err_ptr: -EBADF, -ENOTSOCK. */
static inline struct net_socket *socket_of(struct fdref r)
{
	if (unlikely(!r.file))
		return err_ptr(-EBADF);
	struct net_socket *n = net_socket_of(r.file);
	return likely(n) ? n : err_ptr(-ENOTSOCK);
}

/* Copies an address in, at most SOCKADDR_MAX bytes. => 0, -EINVAL, -EFAULT. */
MUST_CHECK int socket_address_get(void *to, uptr_t from, s32 length);
/* Copies one out, cut at *user_length, which is set to its whole length. => 0, -EINVAL, -EFAULT. */
MUST_CHECK int socket_address_put(const void *from, s32 length, uptr_t to, uptr_t user_length);
