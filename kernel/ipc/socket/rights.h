/*
 * Open files on board of messages, SCM_RIGHTS.
 *
 *	               launch                       queued, received              land
 *	(being filled) ------> in flight --------------------------------> landed -----> the receiver's, or freed
 *
 * In flight: counted for the user who sent them (ETOOMANYREFS), and every socket among the files knows how often it is
 * in flight. A socket whose file has no other references than those cannot be received from but through another queue:
 * collect.c finds cycles of such and takes them apart.
 *
 * Freeing puts files, which may close sockets, which may free rights. So that the stack stays flat, whoever is
 * freeing already takes care of what is freed below him.
 *
 * Locking: no lock held in all of these; SOCKET_FLIGHT is taken. Freeing may sleep (closing a file does), the others do
 * not. What can fail: making, copying (no memory), launching (too many in flight).
 */
#pragma once
#include "kernel/ipc/socket/socket.h"

enum { SOCKET_RIGHTS_MAX = 253 }; /* SCM_MAX_FD */

struct socket_rights {
	struct socket_rights *next; /* to be freed after this one */
	struct port_user *payer;    /* who is charged, reference; NULL: not in flight */
	u32 count;
	u32 sockets;               /* of them, when launched */
	struct port_file *files[]; /* references */
};
/* Room for `room` files. => none on board yet; the files that are put on board are references. NULL: no memory. */
MUST_CHECK struct socket_rights *socket_rights_new(u32 room);
/* Charges the sender, and notes sockets as in flight. => 0, or -ETOOMANYREFS: not launched. */
MUST_CHECK int socket_rights_launch(struct socket_rights *r);
/* Before the receiver has them, or they are freed: the charge and the notes end. */
void socket_rights_land(struct socket_rights *r);
/* A landed copy with references of its own, or NULL: no memory. */
MUST_CHECK struct socket_rights *socket_rights_copy(const struct socket_rights *r);
/* Landed or never launched; NULL allowed. Puts the files. */
void socket_rights_free(struct socket_rights *r);
/* A socket was closed: if others are in flight, searches for cycles; once for all that are freed together, and so
 * seldom that a close pays for few of them. */
void socket_collect_after_close(void);
DEFINE_GUARD(socket_rights, struct socket_rights *, socket_rights_free)
