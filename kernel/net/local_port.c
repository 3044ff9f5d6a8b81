/* What kernel/ipc/socket asks of the kernel: open files in flight, credentials, places. */
#include "kernel/ipc/socket/socket.h"
#include "kernel/mm/slab.h"
#include "kernel/net/local.h"
#include "kernel/net/net.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"

/* struct port_file is struct file, struct port_user struct user, struct port_cred struct cred. */

void port_file_get(struct port_file *f)
{
	file_get((struct file *)f);
}
void port_file_put(struct port_file *f)
{
	file_put((struct file *)f);
}
u32 port_file_refs(const struct port_file *f)
{
	return (u32)refcount_read(&((const struct file *)f)->refs);
}
struct socket *port_file_socket(struct port_file *file)
{
	const struct file *f = (const struct file *)file;
	return f->ops == net_local.file_ops ? ((struct net_socket *)f->private)->local : NULL;
}

int port_flight_begin(u32 n, struct port_user **out)
{
	struct user *u = cred_current()->user;
	if (load_relaxed(&u->files_in_flight) > rlimit(RLIMIT_NOFILE) &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	user_get(u);
	__atomic_fetch_add(&u->files_in_flight, n, __ATOMIC_RELAXED);
	*out = (struct port_user *)u;
	return 0;
}
void port_flight_end(struct port_user *user, u32 n)
{
	struct user *u = (struct user *)user;
	__atomic_fetch_sub(&u->files_in_flight, n, __ATOMIC_RELAXED);
	user_put(u);
}

struct port_cred *port_cred_get(void)
{
	return (struct port_cred *)cred_get(cred_current());
}
void port_cred_ref(struct port_cred *c)
{
	(void)cred_get((const struct cred *)c);
}
void port_cred_put(struct port_cred *c)
{
	cred_put((const struct cred *)c);
}

void port_place_put(struct port_place *p)
{
	path_put(&p->path);
	kfree(p);
}
