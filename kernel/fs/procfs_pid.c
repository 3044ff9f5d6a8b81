/* /proc/PID and /proc/PID/task/TID: directories, entries, and who may look. */
#include "kernel/fs/procfs_internal.h"
#include "kernel/fs/mount.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/proc/cred.h"

s64 proc_parse_number(const char *name, u32 len)
{
	s64 n = 0;
	if (len == 0 || len > 10 || (name[0] == '0' && len > 1))
		return -1;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n <= INT32_MAX ? n : -1;
}

/* --- rights --- */

static bool may_look_into(struct task *t, u32 uid, u32 gid)
{
	if (t->process == process_current())
		return true;
	const struct cred *me = cred_current();
	rcu_read_lock();
	const struct cred *it = rcu_dereference(t->cred);
	bool same = uid == it->euid && uid == it->suid && uid == it->uid && gid == it->egid &&
	            gid == it->sgid && gid == it->gid;
	bool weaker = !(it->cap_permitted & ~me->cap_permitted);
	rcu_read_unlock();
	if (cred_capable(me, CAP_SYS_PTRACE))
		return true;
	return same && weaker && t->process->dumpable;
}

bool proc_may_inspect(struct task *t)
{
	return may_look_into(t, cred_current()->fsuid, cred_current()->fsgid);
}

bool proc_may_attach(struct task *t)
{
	return may_look_into(t, cred_current()->uid, cred_current()->gid);
}

/* Sets owner and permissions from the task's credentials. Walk context. */
static void proc_refresh_owner(struct inode *i, struct task *t)
{
	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->cred);
	/* What a set-uid program did not make readable stays root's; the directories open to all do not. */
	bool show = t->process->dumpable || i->mode == (S_IFDIR | 0555);
	store_relaxed(&i->uid, show ? c->euid : 0);
	store_relaxed(&i->gid, show ? c->egid : 0);
	rcu_read_unlock();
}

/* --- inodes about tasks --- */

/* RCU. => the task that has the inode's number now, if it is still the one meant, or NULL. */
static struct task *proc_task_now(struct inode *i)
{
	struct task *was = i->private, *now = task_find(proc_ino_tid(i->ino));
	if (!now || now->process != was->process)
		return NULL;
	/* A process may have a new leader (exec by another thread), a thread is itself only. */
	return proc_ino_as_thread(i->ino) && now != was ? NULL : now;
}

struct task *proc_task_get(struct inode *i)
{
	rcu_read_lock();
	struct task *t = proc_task_now(i);
	if (t && !refcount_get_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

bool proc_stale(struct inode *i)
{
	struct task *t = proc_task_now(i);
	if (t)
		proc_refresh_owner(i, t);
	return !t;
}

int proc_setattr(struct inode *i, const struct setattr *a)
{
	return a->valid & (SETATTR_MODE | SETATTR_UID | SETATTR_GID) ? -EPERM : 0;
}

void proc_evict(struct inode *i)
{
	task_put(i->private);
}

int proc_inode_new(struct task *t, u32 mode, const struct inode_ops *ops, u64 ino,
                   struct inode **out)
{
	struct inode *i = inode_new(proc_super(), mode, ops, ino);
	if (!i)
		return -ENOMEM;
	task_get(t);
	i->private = t;
	proc_refresh_owner(i, t);
	*out = i;
	return 0;
}

/* --- text files --- */

static const struct proc_entry *proc_entry_of(const struct inode *i)
{
	return &proc_entries[proc_ino_index(i->ino) - 1];
}

static int proc_text_show(struct seq *s, void *arg)
{
	struct inode *i = arg;
	AUTO_PUT(task) t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	return proc_entry_of(i)->show(s, t);
}

static ssize proc_text_store(struct file *f, void *arg, char *text, size_t length, u64 *pos)
{
	struct inode *i = arg;
	AUTO_PUT(task) t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	if (!proc_entry_of(i)->store)
		return -EINVAL;
	return proc_entry_of(i)->store(t, text, length);
}

static const struct seq_ops proc_text_seq = {.show = proc_text_show, .store = proc_text_store};
static const struct seq_ops proc_mounts_seq = {.show = proc_text_show, .poll = mounts_poll};

static int proc_text_open(struct inode *i, struct file *f)
{
	AUTO_PUT(task) t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	if (proc_entry_of(i)->guard == PROC_GUARDED && !proc_may_inspect(t))
		return -EACCES;
	/* The file keeps the inode. */
	return seq_open(f, proc_entry_of(i)->polled ? &proc_mounts_seq : &proc_text_seq, i);
}

static const struct inode_ops proc_text_ops = {
	.open = proc_text_open, .stale = proc_stale, .setattr = proc_setattr, .evict = proc_evict};

#if DEBUG_BUILD
static const struct inode_ops proc_plain_ops = {
	.stale = proc_stale, .setattr = proc_setattr, .evict = proc_evict};
#endif

/* --- the entries --- */

static int show_mounts(struct seq *s, struct task *t)
{
	mounts_show(s);
	return 0;
}
static int show_mountinfo(struct seq *s, struct task *t)
{
	mountinfo_show(s);
	return 0;
}
/* What is the same for every process here: one control group, no audit session, no user namespace. */
static int show_cgroup(struct seq *s, struct task *t)
{
	seq_puts(s, "0::/\n");
	return 0;
}
static int show_no_id(struct seq *s, struct task *t)
{
	seq_puts(s, "4294967295");
	return 0;
}
static int show_zero(struct seq *s, struct task *t)
{
	seq_puts(s, "0\n");
	return 0;
}
static int show_wchan(struct seq *s, struct task *t)
{
	seq_putc(s, '0');
	return 0;
}
static int show_id_map(struct seq *s, struct task *t)
{
	seq_printf(s, "%10u %10u %10u\n", 0u, 0u, UINT32_MAX);
	return 0;
}
static int show_setgroups(struct seq *s, struct task *t)
{
	seq_puts(s, "allow\n");
	return 0;
}
static int show_personality(struct seq *s, struct task *t)
{
	seq_puts(s, "00000000\n");
	return 0;
}
static int show_timerslack(struct seq *s, struct task *t)
{
	seq_printf(s, "%llu\n", (unsigned long long)t->timer_slack_ns);
	return 0;
}

#define DIR_(name_, mode_, ops_, fops_)                                                            \
	{                                                                                          \
		.name = name_, .mode = S_IFDIR | (mode_), .ops = &(ops_), .file_ops = &(fops_)     \
	}
#define LINK_(name_, ops_)                                                                         \
	{                                                                                          \
		.name = name_, .mode = S_IFLNK | 0777, .ops = &(ops_)                              \
	}
#define TEXT_(name_, mode_, show_)                                                                 \
	{                                                                                          \
		.name = name_, .mode = S_IFREG | (mode_), .ops = &proc_text_ops, .show = show_     \
	}
#define POLLED_(name_, mode_, show_)                                                               \
	{                                                                                          \
		.name = name_, .mode = S_IFREG | (mode_), .ops = &proc_text_ops, .show = show_,    \
		.polled = true                                                                     \
	}
#define GUARDED_(name_, mode_, show_)                                                              \
	{                                                                                          \
		.name = name_, .mode = S_IFREG | (mode_), .ops = &proc_text_ops, .show = show_,    \
		.guard = PROC_GUARDED                                                              \
	}
#define STORE_(name_, mode_, show_, store_)                                                        \
	{                                                                                          \
		.name = name_, .mode = S_IFREG | (mode_), .ops = &proc_text_ops, .show = show_,    \
		.store = store_                                                                    \
	}

const struct proc_entry proc_entries[] = {
	{.name = "task",
         .mode = S_IFDIR | 0555,
         .ops = &proc_task_dir_ops,
         .file_ops = &proc_task_dir_file_ops,
         .only = PROC_IN_PROCESS},
	DIR_("fd", 0500, proc_fd_dir_ops, proc_fd_dir_file_ops),
	DIR_("fdinfo", 0555, proc_fdinfo_dir_ops, proc_fdinfo_dir_file_ops),
	DIR_("ns", 0511, proc_ns_dir_ops, proc_ns_dir_file_ops),
	LINK_("exe", proc_exe_ops),
	LINK_("cwd", proc_cwd_ops),
	LINK_("root", proc_root_link_ops),
	{.name = "stat",
         .mode = S_IFREG | 0444,
         .ops = &proc_text_ops,
         .show = proc_show_stat,
         .only = PROC_IN_PROCESS},
	{.name = "stat",
         .mode = S_IFREG | 0444,
         .ops = &proc_text_ops,
         .show = proc_show_thread_stat,
         .only = PROC_IN_THREAD},
	TEXT_("statm", 0444, proc_show_statm),
	TEXT_("status", 0444, proc_show_status),
	TEXT_("cmdline", 0444, proc_show_cmdline),
	TEXT_("limits", 0444, proc_show_limits),
	STORE_("comm", 0644, proc_show_comm, proc_store_comm),
	GUARDED_("maps", 0444, proc_show_maps),
	GUARDED_("smaps", 0444, proc_show_smaps),
	GUARDED_("smaps_rollup", 0444, proc_show_smaps_rollup),
	GUARDED_("environ", 0400, proc_show_environ),
	GUARDED_("auxv", 0400, proc_show_auxv),
	GUARDED_("io", 0400, proc_show_io),
	GUARDED_("personality", 0400, show_personality),
	TEXT_("syscall", 0400, proc_show_syscall),
	POLLED_("mounts", 0444, show_mounts),
	POLLED_("mountinfo", 0444, show_mountinfo),
	TEXT_("cgroup", 0444, show_cgroup),
	TEXT_("oom_score", 0444, show_zero),
	STORE_("oom_score_adj", 0644, proc_show_oom_score_adj, proc_store_oom_score_adj),
	TEXT_("loginuid", 0444, show_no_id),
	TEXT_("sessionid", 0444, show_no_id),
	TEXT_("wchan", 0444, show_wchan),
	TEXT_("schedstat", 0444, proc_show_schedstat),
	TEXT_("timerslack_ns", 0444, show_timerslack),
	TEXT_("uid_map", 0444, show_id_map),
	TEXT_("gid_map", 0444, show_id_map),
	TEXT_("setgroups", 0444, show_setgroups),
#if DEBUG_BUILD
	{.name = "fail-nth",
         .mode = S_IFREG | 0644,
         .ops = &proc_plain_ops,
         .file_ops = &proc_fail_nth_file_ops},
#endif
};
const u32 proc_entry_count = ARRAY_SIZE(proc_entries);

/* --- the directory of one task --- */

static bool proc_entry_shown(const struct proc_entry *e, const struct inode *dir)
{
	u32 here = proc_ino_as_thread(dir->ino) ? PROC_IN_THREAD : PROC_IN_PROCESS;
	return !e->only || e->only == here;
}

static u64 proc_entry_ino(const struct inode *dir, u32 k)
{
	return proc_ino(proc_ino_tid(dir->ino), proc_ino_as_thread(dir->ino), k + 1, 0);
}

static int proc_pid_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct task *t = proc_task_now(dir);
	if (!t)
		return -ENOENT;
	for (u32 k = 0; k < proc_entry_count; k++) {
		const struct proc_entry *e = &proc_entries[k];
		if (strlen(e->name) != len || memcmp(e->name, name, len) ||
		    !proc_entry_shown(e, dir))
			continue;
		TRY(proc_inode_new(t, e->mode, e->ops, proc_entry_ino(dir, k), out));
		(*out)->file_ops = e->file_ops;
		return 0;
	}
	return -ENOENT;
}

static int proc_pid_readdir(struct file *f, struct dir_emit *e)
{
	AUTO_PUT(task) t = proc_task_get(f->inode);
	if (!t)
		return -ENOENT;
	if (!dir_emit_dots(f, e))
		return 0;
	for (u32 k = (u32)e->pos - 2; k < proc_entry_count; k++) {
		const struct proc_entry *p = &proc_entries[k];
		if (proc_entry_shown(p, f->inode) &&
		    !dir_emit(e, p->name, (u32)strlen(p->name), proc_entry_ino(f->inode, k),
		              mode_to_dt(p->mode), k + 3))
			return 0;
		e->pos = k + 3;
	}
	return 0;
}

/* Who holds the directory of a process that has gone may not even look into it. */
static int proc_pid_permission(struct inode *i, u32 mask)
{
	return proc_task_now(i) ? inode_permission_generic(i, mask) : -ESRCH;
}

static const struct file_ops proc_pid_file_ops = {.iterate = proc_pid_readdir,
                                                  .seek = file_seek_no_end};
static const struct inode_ops proc_pid_ops = {.lookup = proc_pid_lookup,
                                              .permission = proc_pid_permission,
                                              .stale = proc_stale,
                                              .setattr = proc_setattr,
                                              .evict = proc_evict};

static int proc_pid_dir_new(struct task *t, s32 tid, u32 as_thread, struct inode **out)
{
	TRY(proc_inode_new(t, S_IFDIR | 0555, &proc_pid_ops, proc_ino(tid, as_thread, 0, 0), out));
	(*out)->file_ops = &proc_pid_file_ops;
	return 0;
}

struct process *procfs_file_process(struct file *f)
{
	if (!f->inode || f->inode->ops != &proc_pid_ops || proc_ino_as_thread(f->inode->ino))
		return err_ptr(-EBADF);
	AUTO_PUT(task) t = proc_task_get(f->inode);
	if (!t)
		return err_ptr(-ESRCH);
	process_get(t->process);
	return t->process;
}

/* --- /proc --- */

int proc_root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	s64 tid = proc_parse_number(name, len);
	struct task *t = tid > 0 ? task_find((s32)tid) : NULL;
	if (!t || !refcount_get_not_zero(&t->refs))
		return -ENOENT;
	int err = proc_pid_dir_new(t, (s32)tid, 0, out);
	task_put(t);
	return err;
}

bool proc_root_iterate(struct dir_emit *e)
{
	s32 pid = (s32)(e->pos - DIR_DYNAMIC_POS);
	for (;; pid++) {
		AUTO_PUT(process) p = process_next(&pid);
		if (!p)
			return true;
		char name[12];
		u32 len = (u32)scnprintf(name, sizeof name, "%d", pid);
		if (!dir_emit(e, name, len, proc_ino(pid, 0, 0, 0), DT_DIR,
		              DIR_DYNAMIC_POS + (u64)pid + 1))
			return false;
	}
}

/* --- /proc/PID/task --- */

static int proc_task_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	s64 tid = proc_parse_number(name, len);
	struct task *owner = proc_task_now(dir), *t = tid > 0 ? task_find((s32)tid) : NULL;
	if (!owner || !t || t->process != owner->process || !refcount_get_not_zero(&t->refs))
		return -ENOENT;
	int err = proc_pid_dir_new(t, (s32)tid, PROC_AS_THREAD, out);
	task_put(t);
	return err;
}

static int proc_task_readdir(struct file *f, struct dir_emit *e)
{
	AUTO_PUT(task) owner = proc_task_get(f->inode);
	if (!owner)
		return -ENOENT;
	if (!dir_emit_dots(f, e))
		return 0;
	for (s32 tid = (s32)(e->pos - 2);; tid++) {
		AUTO_PUT(task) t = process_next_task(owner->process, &tid);
		if (!t)
			return 0;
		char name[12];
		u32 len = (u32)scnprintf(name, sizeof name, "%d", tid);
		if (!dir_emit(e, name, len, proc_ino(tid, PROC_AS_THREAD, 0, 0), DT_DIR,
		              (u64)tid + 3))
			return 0;
	}
}

static void proc_task_getattr(struct inode *i, struct kstat *st)
{
	st->nlink = 2 + load_relaxed(&((struct task *)i->private)->process->thread_count);
}

const struct file_ops proc_task_dir_file_ops = {.iterate = proc_task_readdir,
                                                .seek = file_seek_no_end};
const struct inode_ops proc_task_dir_ops = {.lookup = proc_task_lookup,
                                            .stale = proc_stale,
                                            .getattr = proc_task_getattr,
                                            .setattr = proc_setattr,
                                            .evict = proc_evict};
