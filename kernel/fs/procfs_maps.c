/* /proc/PID/{maps,smaps,smaps_rollup,cmdline,environ,auxv}: what is in an address space. */
#include "kernel/dev/device.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"

enum { MAPS_NAME_COLUMN = 73 };

/* => the name of an area: a path, [heap] ..., or "". buf: a page. */
static const char *area_name(const struct vm_area *a, struct aspace *as, char *buf)
{
	if (a->ops && a->ops->name) {
		const char *name = a->ops->name((struct vm_area *)a);
		if (name)
			return name;
	}
	if (a->file) {
		const char *name = path_name(&a->file->path, buf, PAGE_SIZE);
		return is_err(name) ? "" : name;
	}
	if (a->flags & VM_VDSO)
		return a->prot & PROT_EXEC ? "[vdso]" : "[vvar]";
	if (a->flags & VM_HEAP || (a->start <= as->brk && a->end > as->brk_start && as->brk_start))
		return "[heap]";
	if (a->flags & VM_STACK)
		return "[stack]";
	return "";
}

/* Unlike in mount tables, only what would break the line is escaped. */
static void put_name(struct seq *s, const char *name)
{
	for (; *name; name++) {
		if (*name == '\n')
			seq_puts(s, "\\012");
		else
			seq_putc(s, *name);
	}
}

/* From a column of the line on that began at this length. */
static void put_area_name(struct seq *s, size_t line, const char *name)
{
	while (!s->failed && s->length - line < MAPS_NAME_COLUMN)
		seq_putc(s, ' ');
	put_name(s, name);
}

static void show_area(struct seq *s, const struct vm_area *a, struct aspace *as, char *buf)
{
	size_t line = s->length;
	bool nameless = a->ops && a->ops->number;
	u64 ino = nameless                    ? a->ops->number((struct vm_area *)a)
	          : a->file && a->file->inode ? a->file->inode->ino
	                                      : 0;
	u32 dev = nameless ? device_make(0, 1) : ino ? a->file->inode->super->dev : 0;
	seq_printf(s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)a->start,
	           (unsigned long long)a->end, a->prot & PROT_READ ? 'r' : '-',
	           a->prot & PROT_WRITE ? 'w' : '-', a->prot & PROT_EXEC ? 'x' : '-',
	           a->flags & VM_SHARED ? 's' : 'p',
	           (unsigned long long)(a->object ? a->offset : 0), device_major(dev),
	           device_minor(dev), (unsigned long long)ino);
	const char *name = area_name(a, as, buf);
	if (*name)
		put_area_name(s, line, name);
	seq_putc(s, '\n');
}

/* Calls fn for each area of t's address space from s->cursor on, as far as their texts fit into a page together: readers
 * ask for a page, and one that wants the beginning only stops at a read that does not fill it. => 0, -ENOMEM. */
static int areas_for_each(struct seq *s, struct task *t,
                          void (*fn)(struct seq *s, struct vm_area *a, struct aspace *as, char *buf,
                                     void *arg),
                          void *arg)
{
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return 0;
	char *buf = kmalloc(PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	read_lock(&as->lock);
	struct vm_area *a = vm_area_find(as, s->cursor);
	s->cursor = 0;
	for (; a; a = vm_area_next(a)) {
		size_t before = s->length;
		fn(s, a, as, buf, arg);
		if (before && s->length > PAGE_SIZE) {
			s->length = before;
			s->cursor = a->start;
			break;
		}
	}
	read_unlock(&as->lock);
	kfree(buf);
	return 0;
}

static void maps_one(struct seq *s, struct vm_area *a, struct aspace *as, char *buf, void *arg)
{
	show_area(s, a, as, buf);
}

int proc_show_maps(struct seq *s, struct task *t)
{
	return areas_for_each(s, t, maps_one, NULL);
}

/* --- smaps --- */

static void kb(struct seq *s, const char *name, u64 bytes)
{
	size_t pad = 16 - MIN(strlen(name), (size_t)15);
	seq_printf(s, "%s:%*s%8llu kB\n", name, (int)pad - 1, "",
	           (unsigned long long)(bytes / 1024));
}

static void show_area_stats(struct seq *s, const struct vm_area_stats *st, u64 locked, bool rolled)
{
	kb(s, "Rss", st->resident);
	kb(s, "Pss", st->proportional);
	kb(s, "Pss_Dirty", st->proportional_dirty);
	if (rolled) { /* files are in memory, which Linux calls Shmem: so nothing is left for File */
		kb(s, "Pss_Anon", st->proportional_anonymous);
		kb(s, "Pss_File", 0);
		kb(s, "Pss_Shmem", st->proportional - st->proportional_anonymous);
	}
	kb(s, "Shared_Clean", st->shared_clean);
	kb(s, "Shared_Dirty", st->shared_dirty);
	kb(s, "Private_Clean", st->private_clean);
	kb(s, "Private_Dirty", st->private_dirty);
	kb(s, "Referenced", st->resident);
	kb(s, "Anonymous", st->anonymous);
	kb(s, "LazyFree", 0);
	kb(s, "AnonHugePages", 0);
	kb(s, "ShmemPmdMapped", 0);
	kb(s, "FilePmdMapped", 0);
	kb(s, "Shared_Hugetlb", st->shared_huge);
	kb(s, "Private_Hugetlb", st->private_huge);
	kb(s, "Swap", 0);
	kb(s, "SwapPss", 0);
	kb(s, "Locked", locked);
}

static void put_prot(struct seq *s, u32 prot, const char *const names[3])
{
	static const u32 bits[] = {PROT_READ, PROT_WRITE, PROT_EXEC};
	for (u32 i = 0; i < ARRAY_SIZE(bits); i++)
		if (prot & bits[i])
			seq_puts(s, names[i]);
}

/* In the order of Linux' bits. */
static void show_flags(struct seq *s, const struct vm_area *a)
{
	static const struct {
		u32 flag;
		const char *name;
	} names[] = {{VM_SHARED, "ms "},   {VM_GROWSDOWN, "gd "},  {VM_LOCKED, "lo "},
	             {VM_DONTFORK, "dc "}, {VM_DONTEXPAND, "de "}, {VM_NORESERVE, "nr "},
	             {VM_HUGE, "ht "},     {VM_WIPEONFORK, "wf "}, {VM_DONTDUMP, "dd "}};
	seq_puts(s, "VmFlags: ");
	put_prot(s, a->prot, (const char *const[]){"rd ", "wr ", "ex "});
	if (a->flags & VM_SHARED)
		seq_puts(s, "sh ");
	put_prot(s, a->max_prot, (const char *const[]){"mr ", "mw ", "me "});
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (a->flags & names[i].flag)
			seq_puts(s, names[i].name);
	seq_puts(s, "sd \n"); /* soft-dirty from birth, and never cleared */
}

static void smaps_one(struct seq *s, struct vm_area *a, struct aspace *as, char *buf, void *arg)
{
	struct vm_area_stats st;
	vm_area_stats(a, &st);
	show_area(s, a, as, buf);
	kb(s, "Size", a->end - a->start);
	kb(s, "KernelPageSize", a->flags & VM_HUGE ? HUGE_PAGE_SIZE : PAGE_SIZE);
	kb(s, "MMUPageSize", a->flags & VM_HUGE ? HUGE_PAGE_SIZE : PAGE_SIZE);
	show_area_stats(s, &st, a->flags & VM_LOCKED ? st.resident : 0, false);
	seq_puts(s, "THPeligible:    0\n");
	show_flags(s, a);
}

int proc_show_smaps(struct seq *s, struct task *t)
{
	return areas_for_each(s, t, smaps_one, NULL);
}

struct rollup {
	struct vm_area_stats sum;
	u64 first, last, locked;
};

static void rollup_one(struct seq *s, struct vm_area *a, struct aspace *as, char *buf, void *arg)
{
	struct rollup *r = arg;
	struct vm_area_stats st;
	vm_area_stats(a, &st);
	r->sum.resident += st.resident;
	r->sum.private_clean += st.private_clean;
	r->sum.private_dirty += st.private_dirty;
	r->sum.shared_clean += st.shared_clean;
	r->sum.shared_dirty += st.shared_dirty;
	r->sum.anonymous += st.anonymous;
	r->sum.proportional += st.proportional;
	r->sum.proportional_dirty += st.proportional_dirty;
	r->sum.proportional_anonymous += st.proportional_anonymous;
	r->sum.shared_huge += st.shared_huge;
	r->sum.private_huge += st.private_huge;
	r->locked += a->flags & VM_LOCKED ? st.resident : 0;
	if (!r->first)
		r->first = a->start;
	r->last = a->end;
}

int proc_show_smaps_rollup(struct seq *s, struct task *t)
{
	struct rollup r = {0};
	TRY(areas_for_each(s, t, rollup_one, &r));
	size_t line = s->length;
	seq_printf(s, "%08llx-%08llx ---p 00000000 00:00 0 ", (unsigned long long)r.first,
	           (unsigned long long)r.last);
	put_area_name(s, line, "[rollup]");
	seq_putc(s, '\n');
	show_area_stats(s, &r.sum, r.locked, true);
	return 0;
}

/* --- argument and environment blocks --- */

/* Appends [start, end) of the address space, as far as it can be read. => 0, -ENOMEM. */
static int show_memory(struct seq *s, struct aspace *as, u64 start, u64 end)
{
	char *buf = kmalloc(PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	while (start < end && !s->failed) {
		ssize n = vm_access(as, start, buf, MIN(end - start, (u64)PAGE_SIZE), false);
		if (n <= 0)
			break;
		seq_write(s, buf, (size_t)n);
		start += (u64)n;
	}
	kfree(buf);
	return 0;
}

/*
 * A program may rename itself by writing over its arguments (setproctitle): when it has overwritten
 * the last NUL, the text is one string that ends at its first NUL and may reach into the environment.
 */
int proc_show_cmdline(struct seq *s, struct task *t)
{
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return 0;
	read_lock(&as->lock);
	u64 start = as->arg_start, end = as->arg_end, env_start = as->env_start,
	    env_end = as->env_end;
	read_unlock(&as->lock);
	if (start >= end)
		return 0;
	TRY(show_memory(s, as, start, end));
	if (s->failed || !s->length || s->text[s->length - 1] == 0)
		return 0;
	if (env_start == end && env_end > env_start)
		TRY(show_memory(s, as, env_start, MIN(env_end, env_start + PAGE_SIZE)));
	char *nul = s->failed ? NULL : memchr(s->text, 0, s->length);
	if (nul)
		s->length = (size_t)(nul - s->text) + 1;
	return 0;
}

int proc_show_environ(struct seq *s, struct task *t)
{
	if (!proc_may_inspect(t))
		return -EACCES;
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return 0;
	read_lock(&as->lock);
	u64 start = as->env_start, end = as->env_end;
	read_unlock(&as->lock);
	return show_memory(s, as, start, end);
}

int proc_show_auxv(struct seq *s, struct task *t)
{
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return 0;
	u32 n = 0;
	while (n + 2 < ARRAY_SIZE(as->auxv) && as->auxv[n])
		n += 2;
	seq_write(s, as->auxv, (n + 2) * sizeof as->auxv[0]);
	return 0;
}
