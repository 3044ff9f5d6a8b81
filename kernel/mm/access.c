#include "kernel/lib/string.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

/*
 * Keys of shared futexes. Each processor keeps the areas of its last few answers, and what of them goes into a key. An entry is
 * true as long as no write section of the address space has begun since; whoever finds it so comes before the next
 * writer, as if it had taken the lock.
 */
struct key_area {
	u64 aspace;      /* id: never used twice */
	u64 start, end;  /* of the area */
	u64 space, bias; /* key.space; key.offset - address */
	u32 writes;      /* as->lock.writes when it was looked up */
};
enum { KEY_AREAS = 8 };
static PERCPU(struct key_area, key_areas[KEY_AREAS]);

static bool page_is_own(struct vm_area *a, u64 addr)
{
	struct pte_span s;

	GUARD(spin)(&a->aspace->pte_lock);
	return pte_lookup(&a->aspace->pt, addr, &s) && s.table[s.first] & PTE_OWNED;
}

/*
 * How far around addr the answer holds, as on Linux, where it comes from looking at the page. Where an object has ended
 * there is none. A private mapping that may only be read shows the object's pages, and those count; one that it got for
 * itself before, or anonymous memory, is an error: nobody could ever change such a word.
 */
static int key_area_clip(struct vm_area *a, u64 addr, struct key_area *k)
{
	u64 page = ROUND_DOWN(addr, PAGE_SIZE), pages;
	bool constant = area_is_private(a) && !(a->prot & PROT_WRITE);

	if (!a->object)
		return constant ? -EFAULT : 0;
	pages = object_pages(a->object);
	if ((page - a->start + a->offset) / PAGE_SIZE >= pages)
		return -EFAULT;
	k->end = MIN(a->end, a->start + (pages * PAGE_SIZE - a->offset));
	if (!constant || !a->has_owned)
		return 0;
	k->start = page;
	k->end = page + PAGE_SIZE;
	return page_is_own(a, page) ? -EFAULT : 0;
}

static NOINLINE int key_area_find(struct aspace *as, u64 addr, struct key_area *out)
{
	GUARD(read)(&as->lock);
	struct vm_area *a = vm_area_find(as, addr);
	if (!a || a->start > addr || !(a->prot & PROT_ALL))
		return -EFAULT;
	*out = (struct key_area){
		.aspace = as->id,
		.start = a->start,
		.end = a->end,
		.space = as->id,
		.writes = as->lock.writes,
	};
	TRY(key_area_clip(a, addr, out));
	if (a->object && (a->flags & VM_SHARED || !(a->prot & PROT_WRITE))) {
		out->space = a->object->id;
		out->bias = a->offset - a->start;
	}
	return 0;
}

static ALWAYS_INLINE struct key_area *key_area_slot(const struct aspace *as)
{
	return &(*this_cpu_ptr(key_areas))[as->id % KEY_AREAS];
}

static ALWAYS_INLINE struct futex_key key_in_area(const struct key_area *k, uptr_t addr)
{
	return (struct futex_key){k->space, addr.addr + k->bias};
}

static NOINLINE int futex_key_miss(struct aspace *as, uptr_t addr, struct futex_key *out)
{
	struct key_area found;

	TRY(key_area_find(as, addr.addr, &found));
	*key_area_slot(as) = found; /* not looked up before: finding it may have slept */
	*out = key_in_area(&found, addr);
	return 0;
}

/* futex(2): a word of a shared mapping is the same word in every address space that maps it. */
int vm_futex_key_shared(struct aspace *as, uptr_t addr, struct futex_key *out)
{
	const struct key_area *k = key_area_slot(as);

	if (unlikely(k->aspace != as->id || addr.addr < k->start || addr.addr >= k->end ||
	             k->writes != load_acquire(&as->lock.writes)))
		return futex_key_miss(as, addr, out);
	*out = key_in_area(k, addr);
	return 0;
}

/* PTE lock held. => the page's kernel address, or NULL: not there with the needed right. */
static void *page_ready(struct vm_area *a, u64 addr, bool write)
{
	struct pte_span s;

	if (area_is_huge(a))
		return huge_page_ready(a, addr, write);
	if (!pte_lookup(&a->aspace->pt, addr, &s) || !s.table[s.first])
		return NULL;
	pte_t e = s.table[s.first];
	struct page *p = phys_page(pte_phys(e));
	bool own = e & PTE_OWNED && refcount_read(&p->refs) == 1 && !pte_span_shared(&s);
	if (write && area_is_private(a) && !own)
		return NULL;
	return page_virt(p);
}

/* Copies within one page. The copy is made under the PTE lock, so that it cannot fall between a fault's
 * copy of the page and the change of the entry. */
static bool page_access(struct vm_area *a, u64 addr, void *buf, size_t n, bool write)
{
	GUARD(spin)(&a->aspace->pte_lock);
	char *page = page_ready(a, addr, write);
	if (!page)
		return false;
	if (write)
		memcpy(page + addr % PAGE_SIZE, buf, n);
	else
		memcpy(buf, page + addr % PAGE_SIZE, n);
	return true;
}

/* checked: only as the owner could. Else a debugger's rights: anything but writing to a shared mapping that
 * is not writable. */
static bool access_allowed(const struct vm_area *a, bool write, bool checked)
{
	if (checked)
		return a->prot & (write ? PROT_WRITE : PROT_ALL);
	return !write || area_is_private(a) || a->prot & PROT_WRITE;
}

static ssize part_access(struct aspace *as, u64 addr, void *buf, size_t n, bool write, bool checked)
{
	GUARD(read)(&as->lock);
	struct vm_area *a = vm_area_find(as, addr);
	if (!a || a->start > addr || !access_allowed(a, write, checked))
		return -EFAULT;
	n = MIN(n, (size_t)(PAGE_SIZE - addr % PAGE_SIZE));
	while (!page_access(a, addr, buf, n, write)) {
		TRY(fault_in(a, addr, write));
		cond_resched(); /* perhaps a fork elsewhere has to end first */
	}
	return (ssize)n;
}

static ssize access(struct aspace *as, u64 addr, void *buf, size_t n, bool write, bool checked)
{
	size_t done = 0;

	while (done < n) {
		ssize part =
			part_access(as, addr + done, (char *)buf + done, n - done, write, checked);
		if (part < 0)
			return done ? (ssize)done : part;
		done += (size_t)part;
	}
	return (ssize)done;
}

ssize vm_access(struct aspace *as, u64 addr, void *buf, size_t n, bool write)
{
	ssize done = access(as, addr, buf, n, write, false);

	return done < 0 && done != -ENOMEM ? -EIO : done;
}

ssize vm_access_checked(struct aspace *as, u64 addr, void *buf, size_t n, bool write)
{
	ssize done = access(as, addr, buf, n, write, true);

	return done < 0 && done != -ENOMEM ? -EFAULT : done;
}

/* One present entry's page: anonymous pages are dirty, object pages dirty where they may be written. */
static void stats_add(struct vm_area_stats *out, pte_t e)
{
	struct page *p = phys_page(pte_phys(e));
	bool dirty = e & (PTE_OWNED | PTE_DIRTY);
	s32 users = refcount_read(&p->refs) - !(e & PTE_OWNED); /* the object is none */
	u64 part = PAGE_SIZE / (u64)MAX(users, 1);

	if (p == zero_page)
		return;
	out->resident += PAGE_SIZE;
	out->proportional += part;
	if (dirty)
		out->proportional_dirty += part;
	if (e & PTE_OWNED) {
		out->anonymous += PAGE_SIZE;
		out->proportional_anonymous += part;
	}
	if (users > 1)
		*(dirty ? &out->shared_dirty : &out->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &out->private_dirty : &out->private_clean) += PAGE_SIZE;
}

static void stats_add_huge(struct vm_area_stats *out, pte_t e)
{
	s32 users = refcount_read(&phys_page(pte_phys(e))->refs) - !(e & PTE_OWNED);

	*(users > 1 ? &out->shared_huge : &out->private_huge) += HUGE_PAGE_SIZE;
}

void vm_area_stats(struct vm_area *a, struct vm_area_stats *out)
{
	struct pte_span s;
	u32 i;

	*out = (struct vm_area_stats){0};
	GUARD(spin)(&a->aspace->pte_lock);
	for (u64 at = a->start; pte_span_next(&a->aspace->pt, &at, a->end, &s);) {
		if (unlikely(pte_span_huge(&s)))
			stats_add_huge(out, *s.link);
		else
			pte_for_each (&s, i)
				stats_add(out, s.table[i]);
	}
}
