/* /proc/PID/{status,limits,io,syscall,comm,oom_score_adj}. */
#include "arch/cpu.h"
#include "kernel/fs/context.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/fdtable.h"

static const char *state_word(char letter)
{
	switch (letter) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	default: return "X (dead)";
	}
}

static void status_name(struct seq *s, const char *name)
{
	seq_puts(s, "Name:\t");
	for (; *name; name++)
		if (*name == '\n')
			seq_puts(s, "\\n");
		else if (*name == '\\')
			seq_puts(s, "\\\\");
		else
			seq_putc(s, *name);
	seq_putc(s, '\n');
}

static void status_ids(struct seq *s, struct task *t)
{
	struct process *p = t->process;
	spin_lock(&task_list_lock);
	s32 ppid = p->parent ? p->parent->pid : 0;
	spin_unlock(&task_list_lock);
	struct fs_context *fs = task_fs_get(t);
	if (fs) {
		seq_printf(s, "Umask:\t%04o\n", load_relaxed(&fs->umask));
		fs_context_put(fs);
	}
	seq_printf(s,
	           "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
	           "TracerPid:\t0\n",
	           state_word(task_state_letter(t)), p->pid, t->tid, ppid);
}

static void status_cred(struct seq *s, struct task *t, const struct cred *c)
{
	struct fdtable *files = task_files_pin(t);
	u32 slots = files ? fdtable_size(files) : 0;
	if (files)
		fdtable_unpin(files);
	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid,
	           c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid, slots);
	for (u32 i = 0; i < c->group_count; i++)
		seq_printf(s, "%s%u", i ? " " : "", c->groups[i]);
	seq_printf(s, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", t->process->pid,
	           t->tid, t->process->pgid, t->process->sid);
}

static void status_kb(struct seq *s, const char *name, u64 pages)
{
	seq_printf(s, "%s:\t%8llu kB\n", name, (unsigned long long)(pages * (PAGE_SIZE / 1024)));
}

static void status_memory(struct seq *s, struct task *t)
{
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return;
	GUARD(read)(&as->lock);
	u64 resident = as->resident_pages, anon = MIN(as->resident_anon, resident);
	u64 text = (ROUND_UP(as->code_end, PAGE_SIZE) - ROUND_DOWN(as->code_start, PAGE_SIZE)) /
	           PAGE_SIZE;
	status_kb(s, "VmPeak", MAX(as->total_peak, as->total_pages));
	status_kb(s, "VmSize", as->total_pages);
	status_kb(s, "VmLck", as->locked_pages);
	status_kb(s, "VmPin", 0);
	status_kb(s, "VmHWM", MAX(as->resident_peak, resident));
	status_kb(s, "VmRSS", resident);
	status_kb(s, "RssAnon", anon);
	status_kb(s, "RssFile", resident - anon);
	status_kb(s, "RssShmem", 0);
	status_kb(s, "VmData", as->data_pages);
	status_kb(s, "VmStk", as->stack_pages);
	status_kb(s, "VmExe", text);
	status_kb(s, "VmLib", as->exec_pages - MIN(text, as->exec_pages));
	status_kb(s, "VmPTE", resident / 512 + 1);
	status_kb(s, "VmSwap", 0);
	status_kb(s, "HugetlbPages", as->huge_pages << HUGE_PAGE_ORDER);
	seq_puts(s, "CoreDumping:\t0\nTHP_enabled:\t0\n");
}

static void status_signals(struct seq *s, struct task *t, const struct cred *c)
{
	sigset_t pending, shared, ignored, caught;
	signal_pending_sets(t, &pending, &shared);
	signal_action_sets(t->process, &ignored, &caught);
	u64 limit = load_relaxed(&t->process->rlimits.limit[RLIMIT_SIGPENDING].soft);
	seq_printf(s,
	           "Threads:\t%u\nSigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\n"
	           "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
	           load_relaxed(&t->process->thread_count),
	           c->user ? load_relaxed(&c->user->signals) : 0, (unsigned long long)limit,
	           (unsigned long long)pending, (unsigned long long)shared,
	           (unsigned long long)t->blocked, (unsigned long long)ignored,
	           (unsigned long long)caught);
}

static void status_caps(struct seq *s, struct task *t, const struct cred *c)
{
	seq_printf(
		s,
		"CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\n"
		"CapAmb:\t%016llx\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n"
		"Speculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\talways enabled\n",
		(unsigned long long)c->cap_inheritable, (unsigned long long)c->cap_permitted,
		(unsigned long long)c->cap_effective, (unsigned long long)c->cap_bounding,
		(unsigned long long)c->cap_ambient, t->no_new_privs);
}

/* "0-3,6" */
static void seq_cpu_list(struct seq *s, struct cpumask mask)
{
	const char *comma = "";
	for (u32 c = 0; c < MAX_CPUS; c++) {
		u32 first = c;
		while (c < MAX_CPUS && cpumask_has(mask, c))
			c++;
		if (c == first)
			continue;
		seq_printf(s, c - first > 1 ? "%s%u-%u" : "%s%u", comma, first, c - 1);
		comma = ",";
	}
}

static void status_sched(struct seq *s, struct task *t)
{
	struct cpumask mask = t->thread.affinity;
	mask.bits &= cpu_count < 64 ? BIT(cpu_count) - 1 : UINT64_MAX;
	if (mask.bits >> 32)
		seq_printf(s, "Cpus_allowed:\t%08x,%08x\n", (u32)(mask.bits >> 32), (u32)mask.bits);
	else
		seq_printf(s, "Cpus_allowed:\t%x\n", (u32)mask.bits);
	seq_puts(s, "Cpus_allowed_list:\t");
	seq_cpu_list(s, mask);
	seq_printf(s,
	           "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\n"
	           "nonvoluntary_ctxt_switches:\t%llu\n",
	           (unsigned long long)t->thread.switches_voluntary,
	           (unsigned long long)t->thread.switches_forced);
}

int proc_show_status(struct seq *s, struct task *t)
{
	const struct cred *c = task_cred_get(t);
	status_name(s, t->thread.name);
	status_ids(s, t);
	status_cred(s, t, c);
	status_memory(s, t);
	status_signals(s, t, c);
	status_caps(s, t, c);
	status_sched(s, t);
	cred_put(c);
	return 0;
}

/* --- limits --- */

static void limit_value(struct seq *s, u64 v)
{
	char text[24];
	if (v == RLIM_INFINITY)
		seq_printf(s, "%-20s ", "unlimited");
	else
		seq_printf(s, "%-20s ",
		           (snprintf(text, sizeof text, "%llu", (unsigned long long)v), text));
}

int proc_show_limits(struct seq *s, struct task *t)
{
	static const struct {
		const char *name, *unit;
	} limits[RLIMIT_COUNT] = {
		[RLIMIT_CPU] = {"Max cpu time", "seconds"},
		[RLIMIT_FSIZE] = {"Max file size", "bytes"},
		[RLIMIT_DATA] = {"Max data size", "bytes"},
		[RLIMIT_STACK] = {"Max stack size", "bytes"},
		[RLIMIT_CORE] = {"Max core file size", "bytes"},
		[RLIMIT_RSS] = {"Max resident set", "bytes"},
		[RLIMIT_NPROC] = {"Max processes", "processes"},
		[RLIMIT_NOFILE] = {"Max open files", "files"},
		[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
		[RLIMIT_AS] = {"Max address space", "bytes"},
		[RLIMIT_LOCKS] = {"Max file locks", "locks"},
		[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
		[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
		[RLIMIT_NICE] = {"Max nice priority", ""},
		[RLIMIT_RTPRIO] = {"Max realtime priority", ""},
		[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
	};
	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (u32 i = 0; i < RLIMIT_COUNT; i++) {
		const struct rlimit_pair *p = &t->process->rlimits.limit[i];
		seq_printf(s, "%-25s ", limits[i].name);
		limit_value(s, load_relaxed(&p->soft));
		limit_value(s, load_relaxed(&p->hard));
		seq_printf(s, "%-10s\n", limits[i].unit);
	}
	return 0;
}

/* Bytes are not counted: that would cost every read and write, and nothing here is on a disk. */
int proc_show_io(struct seq *s, struct task *t)
{
	static const char *const names[] = {"rchar",
	                                    "wchar",
	                                    "syscr",
	                                    "syscw",
	                                    "read_bytes",
	                                    "write_bytes",
	                                    "cancelled_write_bytes"};
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		seq_printf(s, "%s: 0\n", names[i]);
	return 0;
}

/* --- syscall --- */

/* => whether t stands still, or is the reader, and *out has its registers: none (orig_rax -1) when they are gone. */
static bool task_user_regs(struct task *t, struct regs *out)
{
	struct sighand *s = sighand_lock(t->process);
	/* A thread that has not begun to exit, which takes this lock, has a kernel stack. */
	bool there = !t->exiting && t->thread.arch.user;
	bool still = t == task_current() || thread_is_parked(&t->thread);
	if (there && still)
		*out = *arch_thread_regs(&t->thread.arch);
	else
		*out = (struct regs){.orig_rax = ~0ull};
	sighand_unlock(s);
	return still || !there;
}

int proc_show_syscall(struct seq *s, struct task *t)
{
	struct regs r;
	if (!proc_may_inspect(t))
		return -EPERM;
	if (!task_user_regs(t, &r)) {
		seq_puts(s, "running\n");
		return 0;
	}
	seq_printf(s, "%d", (s32)r.orig_rax);
	if ((s32)r.orig_rax >= 0) {
		const u64 args[] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
		for (u32 i = 0; i < ARRAY_SIZE(args); i++)
			seq_printf(s, " 0x%llx", (unsigned long long)args[i]);
	}
	seq_printf(s, " 0x%llx 0x%llx\n", (unsigned long long)r.rsp, (unsigned long long)r.rip);
	return 0;
}

/* --- comm --- */

int proc_show_comm(struct seq *s, struct task *t)
{
	seq_printf(s, "%s\n", t->thread.name);
	return 0;
}

ssize proc_store_comm(struct task *t, char *text, size_t length)
{
	if (t->process != process_current())
		return -EINVAL;
	char name[sizeof t->thread.name] = {0};
	size_t n = MIN(length, sizeof name - 1);
	memcpy(name, text, n);
	char *end = memchr(name, '\n', n);
	if (end)
		memset(end, 0, (size_t)(name + sizeof name - end));
	memcpy(t->thread.name, name, sizeof name);
	return (ssize)length;
}

/* --- oom_score_adj --- */

int proc_show_oom_score_adj(struct seq *s, struct task *t)
{
	seq_printf(s, "%d\n", load_relaxed(&t->process->oom_score_adj));
	return 0;
}

ssize proc_store_oom_score_adj(struct task *t, char *text, size_t length)
{
	bool negative = *text == '-';
	s64 value = 0;
	char *p = text + negative;
	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9' && value < 10000; p++)
		value = value * 10 + (*p - '0');
	value = negative ? -value : value;
	if ((*p && *p != '\n') || value < -1000 || value > 1000)
		return -EINVAL;
	if (value < load_relaxed(&t->process->oom_score_adj) && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	store_relaxed(&t->process->oom_score_adj, (s32)value);
	return (ssize)length;
}
