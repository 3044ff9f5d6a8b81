#include "kernel/dev/device.h"
#include "kernel/fs/context.h"
#include "kernel/fs/mount_tree.h"
#include "kernel/fs/path.h"
#include "kernel/fs/seq.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/poll.h"

static const struct {
	u32 flag;
	const char *text;
} mount_words[] = {
	{MS_NOSUID, ",nosuid"},           {MS_NODEV, ",nodev"},
	{MS_NOEXEC, ",noexec"},           {MS_NOATIME, ",noatime"},
	{MS_NODIRATIME, ",nodiratime"},   {MS_RELATIME, ",relatime"},
	{MS_NOSYMFOLLOW, ",nosymfollow"},
};

static void flags_show(struct seq *s, u32 flags)
{
	for (u32 i = 0; i < ARRAY_SIZE(mount_words); i++)
		if (flags & mount_words[i].flag)
			seq_puts(s, mount_words[i].text);
}

static void super_options_show(struct seq *s, struct super *super)
{
	if (super->ops->show_options)
		super->ops->show_options(super, s);
}

static void mount_line(struct seq *s, const struct mount *m, const char *at)
{
	seq_escape(s, m->source, "#");
	seq_putc(s, ' ');
	seq_escape(s, at, "#");
	seq_printf(s, " %s %s", m->super->type->name,
	           (m->flags | m->super->flags) & MS_RDONLY ? "ro" : "rw");
	flags_show(s, m->flags);
	super_options_show(s, m->super);
	seq_puts(s, " 0 0\n");
}

static void mountinfo_line(struct seq *s, const struct mount *m, const char *at)
{
	char inner[256];
	const char *root = "/";
	if (m->root != m->super->root) {
		/* The root within the file system, whatever is mounted around it. */
		root = path_name_in_super(m->root, inner, sizeof(inner));
		if (is_err(root))
			root = "/";
	}
	u32 dev = m->super->dev;
	seq_printf(s, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : m->id, device_major(dev),
	           device_minor(dev));
	seq_escape(s, root, "#");
	seq_putc(s, ' ');
	seq_escape(s, at, "#");
	seq_printf(s, " %s", m->flags & MS_RDONLY ? "ro" : "rw");
	flags_show(s, m->flags);
	seq_printf(s, " - %s ", m->super->type->name);
	seq_escape(s, m->source, "#");
	seq_printf(s, " %s", m->super->flags & MS_RDONLY ? "ro" : "rw");
	super_options_show(s, m->super);
	seq_putc(s, '\n');
}

static struct waitq mounts_wait = WAITQ_INIT(mounts_wait);
static u32 mounts_event; /* [a] counts changes of the tree */

void mounts_changed(void)
{
	__atomic_add_fetch(&mounts_event, 1, __ATOMIC_SEQ_CST);
	waitq_wake_all(&mounts_wait, 0);
}

u32 mounts_poll(struct seq *s, struct poll_table *pt)
{
	poll_wait(pt, s->file, &mounts_wait);
	u32 now = load_acquire(&mounts_event);
	u32 seen = __atomic_exchange_n(&s->event, now, __ATOMIC_RELAXED);
	return POLLIN | POLLRDNORM | (seen != now ? POLLERR | POLLPRI : 0);
}

static void mounts_each(struct seq *s,
                        void (*line)(struct seq *, const struct mount *, const char *))
{
	char *buf = kmalloc(PATH_MAX);
	if (!buf) {
		s->failed = true;
		return;
	}
	AUTO_PATH root = fs_context_root();
	mutex_lock(&mount_mutex);
	struct mount *m;
	list_for_each (m, &mounts, link) {
		bool reachable;
		struct path at = {m, m->root};
		const char *name = path_name_from(&at, &root, buf, PATH_MAX, &reachable);
		if (!is_err(name) && reachable)
			line(s, m, name);
	}
	mutex_unlock(&mount_mutex);
	kfree(buf);
}

void mounts_show(struct seq *s)
{
	mounts_each(s, mount_line);
}

void mountinfo_show(struct seq *s)
{
	mounts_each(s, mountinfo_line);
}
