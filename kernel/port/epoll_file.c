#include "kernel/port/epoll_file.h"
#include "abi/fcntl.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/event/epoll.h"
#include "kernel/mm/page.h"
#include "kernel/proc/file.h"
#include "kernel/proc/poll.h"

static u32 instance_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;
	poll_wait(pt, f, &ep->poll.q.waitq);
	return epoll_events(ep);
}

static void instance_release(struct file *f)
{
	epoll_release(f->private);
}

/* proc(5), fdinfo. */
static void item_show(const struct epoll_item *item, void *arg)
{
	const struct file *f = item->source->what.file;
	const struct inode *i = f->inode;
	seq_printf(arg, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%llx sdev:%x\n", item->fd,
	           item->events, (unsigned long long)item->data, (long long)f->pos,
	           (unsigned long long)(i ? i->ino : 0), i ? i->super->dev : 0);
}
static void instance_fdinfo(struct file *f, struct seq *s)
{
	epoll_for_each(f->private, item_show, s);
}

/* As Linux: seeking is allowed and does nothing. */
static s64 no_seek(struct file *f, s64 offset, int whence)
{
	return 0;
}

const struct file_ops epoll_file_ops = {.poll = instance_poll,
                                        .seek = no_seek,
                                        .release = instance_release,
                                        .fdinfo = instance_fdinfo};

struct file *epoll_file_new(void)
{
	struct epoll *ep = epoll_new();
	if (!ep)
		return err_ptr(-ENOMEM);
	struct file *f = file_new_anon("eventpoll", &epoll_file_ops, O_RDWR, ep);
	if (is_err(f)) {
		epoll_release(ep);
		return f;
	}
	ep->self.what.file = f;
	f->watched = &ep->self;
	return f;
}

struct epoll_source *epoll_file_source(struct file *f)
{
	struct epoll_source *s = load_acquire(&f->watched), *none = NULL;
	if (likely(s))
		return s;
	s = epoll_source_new((struct port_watched){f});
	if (!s || __atomic_compare_exchange_n(&f->watched, &none, s, false, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_ACQUIRE))
		return s;
	epoll_source_release(s); /* another thread was faster */
	return none;
}

static void watched_release(struct file *f)
{
	epoll_source_release(f->watched);
}

void epoll_files_init(void)
{
	/* Linux: what its items would take, at most a 25th of the memory. */
	enum { ITEM_COST = 200, SHARE = 25 };
	static const struct sysctl max_user_watches = {.path = "sys/fs/epoll/max_user_watches",
	                                               .kind = SYSCTL_ULONG,
	                                               .max = INT64_MAX,
	                                               .data = &epoll_watches_max};
	epoll_init();
	epoll_watches_max = page_total / SHARE * PAGE_SIZE / ITEM_COST;
	file_watched_release = watched_release;
	sysctl_register(&max_user_watches);
}
