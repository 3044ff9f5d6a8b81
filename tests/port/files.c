#include "tests/port/files.h"
#include <stdlib.h>
#include "kernel/ipc/socket/socket.h"

s32 test_files_open, test_files_in_flight, test_flight_limit = INT32_MAX;

struct port_file *test_file_new(struct socket *s)
{
	struct port_file *f = calloc(1, sizeof *f);
	f->refs = 1;
	f->socket = s;
	if (s)
		socket_set_file(s, f, 0);
	__atomic_add_fetch(&test_files_open, 1, __ATOMIC_RELAXED);
	return f;
}

void port_file_get(struct port_file *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
}
void port_file_put(struct port_file *f)
{
	if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (f->socket)
		socket_close(f->socket);
	__atomic_sub_fetch(&test_files_open, 1, __ATOMIC_RELAXED);
	free(f);
}
u32 port_file_refs(const struct port_file *f)
{
	return (u32)load_relaxed(&f->refs);
}
struct socket *port_file_socket(struct port_file *f)
{
	return f->socket;
}

int port_flight_begin(u32 n, struct port_user **out)
{
	if (load_relaxed(&test_files_in_flight) > test_flight_limit)
		return -ETOOMANYREFS;
	__atomic_add_fetch(&test_files_in_flight, (s32)n, __ATOMIC_RELAXED);
	*out = (struct port_user *)&test_files_in_flight;
	return 0;
}
void port_flight_end(struct port_user *u, u32 n)
{
	__atomic_sub_fetch((s32 *)u, (s32)n, __ATOMIC_RELAXED);
}

/* Credentials are only counted. */
static s32 creds;
struct port_cred *port_cred_get(void)
{
	port_cred_ref((struct port_cred *)&creds);
	return (struct port_cred *)&creds;
}
void port_cred_ref(struct port_cred *c)
{
	__atomic_add_fetch((s32 *)c, 1, __ATOMIC_RELAXED);
}
void port_cred_put(struct port_cred *c)
{
	__atomic_sub_fetch((s32 *)c, 1, __ATOMIC_RELAXED);
}
void port_place_put(struct port_place *p) {}

u32 port_uid(void)
{
	return port_euid();
}
u32 port_gid(void)
{
	return port_egid();
}
