#include "kernel/fs/dentry.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/names.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/net/local.h"

/* A path name out of an address, which need not be terminated there. */
struct path_text {
	char text[UNIX_PATH_MAX + 1 + NAME_PAD];
};

int local_address_check(const void *address, u32 length)
{
	const struct abi_sockaddr_un *un = address;
	if (length <= UNIX_PATH_OFFSET || length > sizeof *un || un->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static bool is_abstract(const struct abi_sockaddr_un *un)
{
	return !un->path[0];
}

static void text_of(const struct abi_sockaddr_un *un, u32 length, struct path_text *out)
{
	memset(out, 0, sizeof *out);
	memcpy(out->text, un->path, length - UNIX_PATH_OFFSET);
}

static struct socket_key abstract_key(const struct abi_sockaddr_un *un, u32 length, u32 type)
{
	return (struct socket_key){.type = type, .length = length, .text = (const u8 *)un};
}
static struct socket_key place_key(const struct inode *i)
{
	return (struct socket_key){.place = (u64)(uintptr_t)i};
}

static struct socket *find_at(const struct path *p)
{
	struct inode *i = p->dentry->inode;
	int err = inode_permission(i, MAY_WRITE);
	if (err)
		return err_ptr(err);
	struct socket_key key = place_key(i);
	struct socket *s = S_ISSOCK(i->mode) ? socket_find(&key) : NULL;
	return s ? s : err_ptr(-ECONNREFUSED);
}

static struct socket *find_path(const struct local_route *r, u32 type)
{
	struct path_text t;
	struct path found;
	text_of(r->address, r->length, &t);
	int err = path_lookup(t.text, WALK_FOLLOW, &found);
	if (err)
		return err_ptr(err);
	AUTO_PATH held = found;
	AUTO_PUT(socket) s = find_at(&held);
	return is_err(s) || s->type == type ? TAKE(s) : err_ptr(-EPROTOTYPE);
}

static struct socket *find(const struct socket_route *route, u32 type)
{
	const struct local_route *r = container_of(route, struct local_route, route);
	if (!is_abstract(r->address))
		return find_path(r, type);
	struct socket_key key = abstract_key(r->address, r->length, type);
	struct socket *s = socket_find(&key);
	return s ? s : err_ptr(-ECONNREFUSED);
}

struct local_route local_route(const void *address, u32 length)
{
	return (struct local_route){.route.find = find, .address = address, .length = length};
}

static int bind_abstract(struct socket *s, const struct abi_sockaddr_un *un, u32 length)
{
	struct socket_key key = abstract_key(un, length, s->type);
	AUTO_PUT(socket_name) name = socket_name_new(&key, un, length, NULL);
	return name ? socket_bind(s, name) : -ENOMEM;
}

/* Names s after a node that was made for it. */
static int bind_node(struct socket *s, const struct path *node, const u8 *address, u32 length)
{
	struct socket_key key = place_key(node->dentry->inode);
	struct port_place *place = kmalloc(sizeof *place);
	if (!place)
		return -ENOMEM;
	place->path = *node;
	AUTO_PUT(socket_name) name = socket_name_new(&key, address, length, place);
	if (!name) {
		kfree(place);
		return -ENOMEM;
	}
	path_get(node);
	return socket_bind(s, name);
}

/* A node that was made for nothing. When it cannot be removed, somebody else has moved it: then it stays, as a node that
 * refuses connections. */
static void node_undo(const char *text)
{
	if (vfs_unlink(AT_FDCWD, text))
		return;
}

/* The mode of the node is that of the socket, fchmod(2), less the umask. */
static int bind_path(struct net_socket *n, const struct abi_sockaddr_un *un, u32 length)
{
	struct path_text t;
	struct path made;
	text_of(un, length, &t);
	int err = vfs_make_socket(t.text, load_relaxed(&n->file->inode->mode), &made);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	AUTO_PATH held = made;
	u8 address[SOCKET_NAME_MAX];
	size_t size = strlen(t.text) + 1;
	memcpy(address, un, UNIX_PATH_OFFSET);
	memcpy(address + UNIX_PATH_OFFSET, t.text, size);
	err = bind_node(n->local, &held, address, UNIX_PATH_OFFSET + (u32)size);
	if (err)
		node_undo(t.text);
	return err;
}

int local_bind(struct net_socket *n, const void *address, u32 length)
{
	const struct abi_sockaddr_un *un = address;
	if (length == UNIX_PATH_OFFSET && un->family == AF_UNIX)
		return socket_autobind(n->local);
	TRY(local_address_check(address, length));
	return is_abstract(un) ? bind_abstract(n->local, un, length) : bind_path(n, un, length);
}

u32 local_name_copy(const struct socket_name *name, void *address)
{
	u16 family = AF_UNIX;
	if (!name) {
		memcpy(address, &family, sizeof family);
		return sizeof family;
	}
	memcpy(address, name->address, name->length);
	return name->length;
}
