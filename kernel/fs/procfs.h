/*
 * The proc file system (proc(5)), as other rooms see it: they register text files and sysctl values
 * at boot; what belongs to one process is in procfs_task*.c.
 *
 * A registered node lives for ever. `path` is relative to /proc, without a leading slash:
 * "sysvipc/sem", "sys/kernel/msgmax"; directories in between come into being (mode 0555).
 *
 * A text file is shown whole into a buffer at the first read of an open file and served from there,
 * so that offsets are consistent however small the reads are; a read at offset 0 shows it afresh.
 *
 * Locking: the tree is built before the first process and read without locks. show and store run in
 * the context of the reader or writer, with no locks held: they may sleep, allocate, and look at the
 * current task (its IPC namespace, say).
 */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/lib/result.h"

struct file;
struct process;
struct seq;
struct proc_file {
	const char *path;
	u32 mode; /* permission bits; 0: 0444, or 0644 with store */
	int (*show)(struct seq *s, const struct proc_file *f);
	/* text: what one write(2) gave, NUL-terminated, at most one page. => 0 or -errno. */
	int (*store)(const struct proc_file *f, char *text, size_t length);
	void *arg;
	/* What belongs to something that its opener is in (a namespace) makes the file itself, with seq_open(). */
	int (*open)(const struct proc_file *p, struct file *f);
};
void proc_file_register(const struct proc_file *f);

/*
 * A sysctl: `count` numbers, separated by tabs, in a variable of yours or behind functions. Semantics
 * of Linux's proc_dointvec: a read at an offset other than 0 is at end of file, a write there is
 * ignored; a write may give fewer numbers than count, which changes only those; garbage is EINVAL, a
 * number outside [min, max] EINVAL (SYSCTL_ULONG: ignored), numbers before it are kept.
 */
enum sysctl_kind { SYSCTL_INT, SYSCTL_ULONG };
struct sysctl {
	const char *path; /* "sys/kernel/sem" */
	enum sysctl_kind kind;
	u32 count;    /* 0: 1; at most SYSCTL_COUNT_MAX */
	u32 mode;     /* 0: 0644 */
	s64 min, max; /* SYSCTL_ULONG: compared unsigned; both 0: any */
	void *data;   /* int[count] or u64[count]; or NULL and: */
	/* values: count numbers, INT sign-extended. store: the first `given` were written. => 0 or -errno. */
	int (*load)(const struct sysctl *c, s64 *values);
	int (*store)(const struct sysctl *c, const s64 *values, u32 given);
	/* Or numbers of something that the opener is in (a namespace), which its file pins. */
	const struct sysctl_owner *owner;
	int (*load_of)(void *owner, s64 *values);
	int (*store_of)(void *owner, const s64 *values, u32 given);
};
struct sysctl_owner {
	void *(*get)(void); /* of the current task, with a reference */
	void (*put)(void *owner);
};
enum { SYSCTL_COUNT_MAX = 16 };
void sysctl_register(const struct sysctl *c);

/*
 * A kind of namespace, shown as /proc/PID/ns/NAME (namespaces(7)): readlink(2) gives "NAME:[number]",
 * open(2) a descriptor that pins the namespace, for setns(2).
 */
struct task;
struct file;
struct proc_ns {
	const char *name;
	u64 (*number)(struct task *t); /* 0: the task has exited */
	int (*open)(struct task *t,
	            struct file *f); /* sets f->ops and f->private; => 0 or -errno */
};
void proc_ns_register(const struct proc_ns *ns);

void procfs_init(void); /* boot: registers the file system type "proc" and its own files */

/* pidfd_send_signal(2) takes a directory /proc/PID for a pidfd. => its process with a reference;
 * err_ptr(-EBADF): f is something else, (-ESRCH): the process has gone. */
struct process *procfs_file_process(struct file *f);

/* ptrace(2), "Ptrace access mode checking": PTRACE_MODE_READ_FSCREDS of the current process on t. */
bool proc_may_inspect(struct task *t);
/* PTRACE_MODE_ATTACH_REALCREDS, and _READ_REALCREDS: to take from it what it has. */
bool proc_may_attach(struct task *t);
