#include "kernel/sched/vdso.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/lib/bug.h"
#include "kernel/mm/aspace.h"
#include "kernel/sched/realtime.h"

extern const char vdso_image_start[], vdso_image_end[];

static struct vm_object *object; /* data page, then the image */
static struct vdso_data *data;   /* [a] NULL until vdso_init */
static u64 image_size;

static const char *vvar_name(struct vm_area *a)
{
	return "[vvar]";
}
static const char *vdso_name(struct vm_area *a)
{
	return "[vdso]";
}
static const struct vm_area_ops vvar_ops = {.name = vvar_name};
static const struct vm_area_ops vdso_ops = {.name = vdso_name};

void vdso_update_clock(void)
{
	struct vdso_data *d = load_acquire(&data);

	if (!d)
		return;
	/* Partners: the acquire load and fence in the image's read_ns(). */
	store_relaxed(&d->sequence, d->sequence + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store_relaxed(&d->wall_offset_ns, load_relaxed(&realtime_offset));
	store_release(&d->sequence, d->sequence + 1);
}

void vdso_set_timezone(s32 minutes_west, s32 dst_time)
{
	store_relaxed(&data->minutes_west, minutes_west);
	store_relaxed(&data->dst_time, dst_time);
}

/* Whether arch made the segment from which user space can tell its processor. */
static bool cpu_segment_works(void)
{
	u32 limit = ~0u;

	__asm__("lsl %1, %0" : "+r"(limit) : "r"((u32)VDSO_CPU_SEGMENT) : "cc");
	return (limit & 0xfff) == cpu_id() && limit != ~0u;
}

void vdso_init(void)
{
	struct page *page;
	struct vdso_data *d;

	image_size = ROUND_UP((u64)(vdso_image_end - vdso_image_start), (u64)PAGE_SIZE);
	object = vm_object_new(PAGE_SIZE + image_size, NULL, NULL);
	if (!object || vm_object_page(object, 0, &page) ||
	    vm_object_write(object, PAGE_SIZE, vdso_image_start, vdso_image_end - vdso_image_start))
		panic("no memory for the vDSO");
	d = page_virt(page); /* the reference stays: the page is there for ever */
	d->base_cycles = clock_scale.base_cycles;
	d->mult = clock_scale.mult;
	d->has_cpu_segment = cpu_segment_works();
	store_release(&data, d);
	vdso_update_clock();
}

int vdso_map(struct aspace *as, u64 *out_base)
{
	struct vm_map_request vvar = {
		.length = PAGE_SIZE + image_size,
		.prot = PROT_READ,
		.max_prot = PROT_READ,
		.flags = VM_VDSO | VM_DONTDUMP,
		.object = object,
		.ops = &vvar_ops,
	};
	struct vm_map_request vdso = {
		.length = image_size,
		.prot = PROT_READ | PROT_EXEC,
		.max_prot = PROT_ALL,
		.flags = VM_VDSO,
		.how = VM_MAP_FIXED,
		.object = object,
		.offset = PAGE_SIZE,
		.ops = &vdso_ops,
	};
	/* Both in one piece, then the image over its part. */
	s64 base = TRY(vm_map(as, &vvar));

	vdso.addr = (u64)base + PAGE_SIZE;
	TRY(vm_map(as, &vdso));
	*out_base = vdso.addr;
	return 0;
}
