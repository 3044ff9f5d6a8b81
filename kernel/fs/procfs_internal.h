/*
 * What the files of procfs share.
 *
 * The fixed part of the tree (registered files, sys/) is in memory. What belongs to a task is made on
 * lookup; such an inode holds a reference to a task and says all else with its number:
 *
 *	63                       32  31   30      24  23            0
 *	|          tid             | T |    index   |      sub       |
 *
 * T: seen as a thread (/proc/PID/task/TID), else as a process. index: 0 for the directory itself, else
 * a row of the table of entries + 1. sub: below fd, fdinfo and ns, the descriptor (row) + 1.
 * So a number is stable as long as its object lives, and the same for stat(2) and getdents(2).
 */
#pragma once
#include "kernel/fs/dentry.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/proc/task.h"

/* --- procfs.c --- */

struct super *proc_super(void); /* made at the first registration */
/* Puts an inode (reference taken over) at a path below /proc, making directories. Boot: panics without memory. */
struct dentry *proc_plant(const char *path, struct inode *inode);
/* Tasks, for the root directory: procfs_pid.c. */
int proc_root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
bool proc_root_iterate(struct dir_emit *e); /* => false: buffer full */

/* --- procfs_pid.c --- */

enum { PROC_AS_THREAD = 1u << 31, PROC_SUB_MAX = 0xffffff };
static inline u64 proc_ino(s32 tid, u32 as_thread, u32 index, u32 sub)
{
	return (u64)(u32)tid << 32 | as_thread | index << 24 | sub;
}
static inline s32 proc_ino_tid(u64 ino)
{
	return (s32)(ino >> 32);
}
static inline u32 proc_ino_as_thread(u64 ino)
{
	return (u32)ino & PROC_AS_THREAD;
}
static inline u32 proc_ino_index(u64 ino)
{
	return (u32)ino >> 24 & 0x7f;
}
static inline u32 proc_ino_sub(u64 ino)
{
	return (u32)ino & PROC_SUB_MAX;
}

enum proc_guard { PROC_OPEN, PROC_GUARDED }; /* GUARDED: needs the right to inspect the task */
struct proc_entry {
	const char *name;
	u32 mode;                    /* type and permissions */
	const struct inode_ops *ops; /* links and directories */
	const struct file_ops *file_ops;
	int (*show)(struct seq *s, struct task *t); /* text files */
	ssize (*store)(struct task *t, char *text, size_t length);
	enum proc_guard guard;
	bool polled; /* the mount table: tells of its changes */
	u32 only;    /* PROC_IN_PROCESS, PROC_IN_THREAD; 0: both */
};
enum { PROC_IN_PROCESS = 1, PROC_IN_THREAD = 2 };
extern const struct proc_entry proc_entries[];
extern const u32 proc_entry_count;

/* An inode about t; makes its own reference. => 0 or -ENOMEM. */
MUST_CHECK int proc_inode_new(struct task *t, u32 mode, const struct inode_ops *ops, u64 ino,
                              struct inode **out);
/* => the task an inode is about, with a reference, or NULL when it is gone. For a process: its leader. */
struct task *proc_task_get(struct inode *i);
/* inode_ops of everything below a task. */
bool proc_stale(struct inode *i);
int proc_setattr(struct inode *i, const struct setattr *a);
void proc_evict(struct inode *i);
/* The task of a magic link, if the caller may follow it. => 0 and a reference, or -ENOENT, -EACCES. */
MUST_CHECK int proc_link_task(struct inode *i, struct task **out);

/* Decimal without sign or leading zeros. => -1 when it is none. */
s64 proc_parse_number(const char *name, u32 len);

/* --- procfs_fault.c: debug images --- */

extern const struct file_ops proc_fail_nth_file_ops;

/* --- procfs_link.c --- */

extern const struct inode_ops proc_exe_ops, proc_cwd_ops, proc_root_link_ops;
extern const struct inode_ops proc_ns_dir_ops;
extern const struct file_ops proc_ns_dir_file_ops;
extern const struct inode_ops proc_fd_dir_ops, proc_fdinfo_dir_ops, proc_task_dir_ops;
extern const struct file_ops proc_fd_dir_file_ops, proc_fdinfo_dir_file_ops, proc_task_dir_file_ops;

/* --- texts --- */

int proc_show_stat(struct seq *s, struct task *t);        /* of the process */
int proc_show_thread_stat(struct seq *s, struct task *t); /* of one thread */
int proc_show_statm(struct seq *s, struct task *t);
int proc_show_status(struct seq *s, struct task *t);
int proc_show_maps(struct seq *s, struct task *t);
int proc_show_smaps(struct seq *s, struct task *t);
int proc_show_smaps_rollup(struct seq *s, struct task *t);
int proc_show_cmdline(struct seq *s, struct task *t);
int proc_show_environ(struct seq *s, struct task *t);
int proc_show_auxv(struct seq *s, struct task *t);
int proc_show_limits(struct seq *s, struct task *t);
int proc_show_io(struct seq *s, struct task *t);
int proc_show_syscall(struct seq *s, struct task *t);
int proc_show_comm(struct seq *s, struct task *t);
ssize proc_store_comm(struct task *t, char *text, size_t length);
int proc_show_oom_score_adj(struct seq *s, struct task *t);
ssize proc_store_oom_score_adj(struct task *t, char *text, size_t length);
int proc_show_schedstat(struct seq *s, struct task *t);

void procfs_system_init(void); /* procfs_system.c: meminfo, cpuinfo, stat ... */
void procfs_sys_init(void);    /* procfs_sys.c: sys/kernel, sys/vm, sys/fs */
void huge_files_init(void);    /* huge_files.c: the pool of huge pages in sys/vm */
