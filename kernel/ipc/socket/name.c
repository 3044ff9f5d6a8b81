#include "kernel/ipc/socket/internal.h"
#include "kernel/lib/hash.h"
#include "kernel/lib/string.h"

/* Named sockets: a tree for each part of the hash, so that names neither share one lock nor stand in long chains. */
enum { NAME_PARTS_BITS = 6 };
struct name_part {
	struct port_lock lock; /* class SOCKET_NAMES */
	struct rb_root tree;   /* [l] struct socket by name_node, ordered by compare() */
	bool ready;
};
static struct name_part parts[1 << NAME_PARTS_BITS];

void socket_names_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(parts); i++)
		port_lock_init(&parts[i].lock, LOCK_CLASS_SOCKET_NAMES);
}

static u64 key_hash(const struct socket_key *k)
{
	return k->place ? hash_u64(k->place) : hash_u64(hash_bytes(k->text, k->length) + k->type);
}
static struct name_part *part_of(u64 hash)
{
	return &parts[hash >> (64 - NAME_PARTS_BITS)];
}

static int compare(u64 hash, const struct socket_key *a, const struct socket_name *n)
{
	const struct socket_key *b = &n->key;
	if (hash != n->hash)
		return hash < n->hash ? -1 : 1;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->place)
		return 0;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->text, b->text, a->length);
}

struct socket_name *socket_name_new(const struct socket_key *key, const void *address, u32 length,
                                    struct port_place *node)
{
	struct socket_name *n = port_alloc(sizeof *n);
	if (!n)
		return NULL;
	refcount_init(&n->refs, 1);
	n->length = (u16)length;
	memcpy(n->address, address, length);
	n->key = *key;
	n->key.text = n->address;
	n->hash = key_hash(&n->key);
	n->node = node;
	return n;
}

void socket_name_put(struct socket_name *n)
{
	if (!refcount_put(&n->refs))
		return;
	if (n->node)
		port_place_put(n->node);
	port_free(n);
}

/* => where `key` is or would be; the part's lock held. */
static struct rb_node **find_link(struct name_part *p, u64 hash, const struct socket_key *key,
                                  struct rb_node **parent)
{
	struct rb_node **link = &p->tree.node;
	*parent = NULL;
	while (*link) {
		int order = compare(hash, key, rb_entry(*link, struct socket, name_node)->name);
		if (!order)
			break;
		*parent = *link;
		link = order < 0 ? &(*link)->left : &(*link)->right;
	}
	return link;
}

int socket_bind(struct socket *s, struct socket_name *n)
{
	struct name_part *p = part_of(n->hash);
	struct rb_node *parent;
	GUARD(port)(&p->lock);
	if (socket_name(s))
		return -EINVAL;
	struct rb_node **link = find_link(p, n->hash, &n->key, &parent);
	if (*link)
		return -EADDRINUSE;
	/* Two binds of one socket may be here with locks of different parts: the first one names it. */
	struct socket_name *none = NULL;
	if (!__atomic_compare_exchange_n(&s->name, &none, n, false, __ATOMIC_RELEASE,
	                                 __ATOMIC_RELAXED))
		return -EINVAL;
	refcount_get(&n->refs);
	rb_link(&p->tree, &s->name_node, parent, link);
	s->listed = true;
	return 0;
}

void socket_unname(struct socket *s)
{
	struct socket_name *n = socket_name(s);
	if (!n)
		return;
	struct name_part *p = part_of(n->hash);
	GUARD(port)(&p->lock);
	if (s->listed)
		rb_erase(&p->tree, &s->name_node);
	s->listed = false;
}

struct socket *socket_find(const struct socket_key *key)
{
	u64 hash = key_hash(key);
	struct name_part *p = part_of(hash);
	struct rb_node *parent;
	GUARD(port)(&p->lock);
	struct rb_node *node = *find_link(p, hash, key, &parent);
	if (!node)
		return NULL;
	/* It leaves the tree before its last reference goes. */
	struct socket *s = rb_entry(node, struct socket, name_node);
	socket_get(s);
	return s;
}

/* --- Names of the kernel's choice: five hexadecimal digits, unix(7) "Autobind feature" --- */

enum { AUTO_NAMES = 1 << 20, AUTO_TEXT = 6 /* NUL and digits */ };

static void auto_text(u8 *address, u32 number)
{
	static const char digits[] = "0123456789abcdef";
	address[0] = 1; /* AF_UNIX, little-endian */
	address[1] = 0;
	address[2] = 0;
	for (u32 i = 0; i < AUTO_TEXT - 1; i++)
		address[3 + i] = (u8)digits[number >> (4 * (AUTO_TEXT - 2 - i)) & 15];
}

int socket_autobind(struct socket *s)
{
	static u32 next_number; /* [a] */
	for (u32 tries = 0; tries < AUTO_NAMES; tries++) {
		u8 address[2 + AUTO_TEXT];
		if (socket_name(s))
			return 0;
		u32 number = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
		auto_text(address, number % AUTO_NAMES);
		struct socket_key key = {
			.type = s->type, .length = sizeof address, .text = address};
		AUTO_PUT(socket_name)
		n = socket_name_new(&key, address, sizeof address, NULL);
		if (!n)
			return -ENOMEM;
		int err = socket_bind(s, n);
		if (err != -EADDRINUSE)
			return err == -EINVAL ? 0 : err; /* another thread was faster */
	}
	return -ENOSPC;
}
