#include "abi/elf.h"
#include "kernel/dev/random.h"
#include "kernel/fs/path.h"
#include "kernel/lib/checked.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/exec_layout.h"
#include "kernel/proc/file.h"

enum { SEGMENTS_BYTES_MAX = 65536, LOWEST_ADDRESS = 65536, INTERPRETER_MAX = 4096 };

struct elf {
	struct file *file; /* borrowed */
	struct elf_header header;
	struct elf_segment *segment; /* header.phnum of them, owned */
	u64 low, high;               /* page-aligned extent of the PT_LOAD segments */
	u64 align;                   /* largest p_align of them */
	u64 bias;                    /* added to addresses of the file */
};

static void elf_drop(struct elf *e)
{
	kfree(e->segment);
}
#define AUTO_ELF __attribute__((cleanup(elf_drop))) struct elf

static int elf_check(const struct elf_header *h)
{
	static const u8 ident[] = {0x7f, 'E', 'L', 'F', 2 /* 64 bit */, 1 /* little endian */};

	if (memcmp(h->ident, ident, 4) || h->machine != EM_X86_64 ||
	    (h->type != ET_EXEC && h->type != ET_DYN))
		return -ENOEXEC;
	if (h->ident[4] != ident[4] || h->phentsize != sizeof(struct elf_segment) || !h->phnum ||
	    h->phnum * sizeof(struct elf_segment) > SEGMENTS_BYTES_MAX)
		return -ENOEXEC;
	return 0;
}

/* Reads exactly n bytes. Linux: a file that is too short is not executable. */
static int read_exactly(struct file *f, void *to, size_t n, u64 pos)
{
	ssize got = vfs_read_kernel(f, to, n, pos);

	if (got < 0)
		return got;
	return (size_t)got == n ? 0 : -ENOEXEC;
}

/* Every address computed later lies inside [low, high), which is checked here. */
static int elf_measure(struct elf *e)
{
	u64 last = 0;

	e->low = UINT64_MAX;
	e->align = PAGE_SIZE;
	for (u32 i = 0; i < e->header.phnum; i++) {
		const struct elf_segment *s = &e->segment[i];
		u64 end, offset_end;
		if (s->type != PT_LOAD)
			continue;
		if (s->filesz > s->memsz || add_overflows(s->vaddr, s->memsz, &end) ||
		    add_overflows(s->offset, s->filesz, &offset_end) || end > USER_TOP ||
		    offset_end > INT64_MAX || s->vaddr % PAGE_SIZE != s->offset % PAGE_SIZE)
			return -EINVAL;
		if (s->align && !(s->align & (s->align - 1)) && s->align <= (1u << 30))
			e->align = MAX(e->align, s->align);
		if (s->vaddr < last)
			return -EINVAL; /* the ABI wants ascending addresses: overlaps would show as writes */
		last = end;
		e->low = MIN(e->low, ROUND_DOWN(s->vaddr, (u64)PAGE_SIZE));
		e->high = MAX(e->high, ROUND_UP(end, (u64)PAGE_SIZE));
	}
	return e->high ? 0 : -ENOEXEC;
}

static int elf_read(struct elf *e, struct file *f, const void *header)
{
	e->file = f;
	memcpy(&e->header, header, sizeof(e->header));
	TRY(elf_check(&e->header));
	size_t n = e->header.phnum * sizeof(struct elf_segment);
	e->segment = kmalloc(n);
	if (!e->segment)
		return -ENOMEM;
	TRY(read_exactly(f, e->segment, n, e->header.phoff));
	return elf_measure(e);
}

static u32 segment_prot(const struct elf_segment *s)
{
	return (s->flags & PF_R ? PROT_READ : 0) | (s->flags & PF_W ? PROT_WRITE : 0) |
	       (s->flags & PF_X ? PROT_EXEC : 0);
}

/* The part that the file backs: a private mapping, read in page by page when it is touched. */
static int map_file_part(struct aspace *as, const struct elf *e, const struct elf_segment *s)
{
	u64 start = ROUND_DOWN(s->vaddr, (u64)PAGE_SIZE), slack = s->vaddr - start;
	struct vm_map_request req = {
		.addr = e->bias + start,
		.length = ROUND_UP(slack + s->filesz, (u64)PAGE_SIZE),
		.prot = segment_prot(s),
		.how = VM_MAP_FIXED | VM_MAP_NOREPLACE,
		.offset = s->offset - slack,
		.file = e->file,
	};

	if (!e->file->ops->map)
		return -ENODEV;
	TRY(e->file->ops->map(e->file, &req));
	s64 at = vm_map(as, &req);
	if (req.object)
		vm_object_put(req.object);
	return at < 0 ? at : 0;
}

/* Memory beyond the file's part: the rest of its last page is zeroed, whole pages are anonymous. */
static int map_zero_part(struct aspace *as, const struct elf *e, const struct elf_segment *s)
{
	static const char zeroes[PAGE_SIZE];
	u64 file_end = e->bias + s->vaddr + s->filesz, end = e->bias + s->vaddr + s->memsz;
	u64 pages = ROUND_UP(s->filesz ? file_end : ROUND_DOWN(file_end, (u64)PAGE_SIZE),
	                     (u64)PAGE_SIZE);

	if (s->filesz && (s->flags & PF_W) && pages > file_end) {
		ssize n = vm_access(as, file_end, (void *)zeroes, pages - file_end, true);
		if (n < 0)
			return n;
	}
	if (ROUND_UP(end, (u64)PAGE_SIZE) <= pages)
		return 0;
	struct vm_map_request req = {
		.addr = pages,
		.length = ROUND_UP(end, (u64)PAGE_SIZE) - pages,
		.prot = segment_prot(s),
		.how = VM_MAP_FIXED | VM_MAP_NOREPLACE,
	};
	s64 at = vm_map(as, &req);
	return at < 0 ? at : 0;
}

static int elf_map(struct aspace *as, const struct elf *e)
{
	for (u32 i = 0; i < e->header.phnum; i++) {
		const struct elf_segment *s = &e->segment[i];
		if (s->type != PT_LOAD || !s->memsz)
			continue;
		if (e->bias + s->vaddr < LOWEST_ADDRESS)
			return -EPERM; /* vm.mmap_min_addr */
		if (s->filesz)
			TRY(map_file_part(as, e, s));
		if (s->memsz > s->filesz)
			TRY(map_zero_part(as, e, s));
	}
	return 0;
}

/* Below everything mapped so far, as a mapping without an address would go. */
static int place_below_mappings(struct aspace *as, struct elf *e)
{
	u64 size = e->high - e->low;

	if (size > as->mmap_base - LOWEST_ADDRESS)
		return -ENOMEM;
	u64 at = ROUND_DOWN(as->mmap_base - size, e->align);
	if (at < LOWEST_ADDRESS)
		return -ENOMEM;
	as->mmap_base = at;
	e->bias = at - e->low;
	return 0;
}

/* Programs with an interpreter go to two thirds of the address space, away from mappings; loaders run by hand and static
 * position-independent programs go among the mappings, as Linux puts them. */
static int elf_place(struct aspace *as, struct elf *e, bool has_interpreter)
{
	if (e->header.type == ET_EXEC)
		return 0;
	if (!has_interpreter)
		return place_below_mappings(as, e);
	e->bias = ROUND_DOWN(PIE_BASE + exec_random_pages(PIE_RANDOM_BITS), e->align) - e->low;
	return e->high - e->low > as->mmap_base - PIE_BASE ? -ENOMEM : 0;
}

/* => the interpreter's file, NULL when the program has none, or err_ptr. */
static struct file *interpreter_open(const struct elf *e)
{
	for (u32 i = 0; i < e->header.phnum; i++) {
		const struct elf_segment *s = &e->segment[i];
		if (s->type != PT_INTERP)
			continue;
		if (s->filesz < 2 || s->filesz > INTERPRETER_MAX)
			return err_ptr(-ENOEXEC);
		char *name = kmalloc(s->filesz);
		if (!name)
			return err_ptr(-ENOMEM);
		int err = read_exactly(e->file, name, s->filesz, s->offset);
		if (!err && name[s->filesz - 1])
			err = -ENOEXEC;
		struct file *f = err ? err_ptr(err) : vfs_open_exec(name);
		kfree(name);
		return f;
	}
	return NULL;
}

/* => 0 and the entry point; a broken interpreter is ELIBBAD, execve(2). */
static int interpreter_load(struct aspace *as, struct file *f, struct exec_image *out)
{
	u8 header[sizeof(struct elf_header)];
	AUTO_ELF e = {0};

	if (read_exactly(f, header, sizeof(header), 0) < 0)
		return -EIO;
	int err = elf_read(&e, f, header);
	if (err < 0)
		return err == -ENOMEM ? err : -ELIBBAD;
	if (e.header.type == ET_DYN)
		TRY(place_below_mappings(as, &e));
	TRY(elf_map(as, &e));
	out->interpreter_base = e.bias;
	out->entry = e.bias + e.header.entry;
	return 0;
}

/* AT_PHDR: where the table of segments can be read in memory; 0 when no segment covers it. */
static u64 headers_address(const struct elf *e)
{
	for (u32 i = 0; i < e->header.phnum; i++)
		if (e->segment[i].type == PT_PHDR)
			return e->bias + e->segment[i].vaddr;
	for (u32 i = 0; i < e->header.phnum; i++) {
		const struct elf_segment *s = &e->segment[i];
		if (s->type == PT_LOAD && s->offset <= e->header.phoff &&
		    e->header.phoff < s->offset + s->filesz)
			return e->bias + e->header.phoff - s->offset + s->vaddr;
	}
	return 0;
}

/* What /proc/PID/stat and brk(2) want to know. */
static void note_extent(struct aspace *as, const struct elf *e, bool has_interpreter)
{
	as->code_start = as->data_start = UINT64_MAX;
	for (u32 i = 0; i < e->header.phnum; i++) {
		const struct elf_segment *s = &e->segment[i];
		u64 start = e->bias + s->vaddr, end = start + s->filesz;
		if (s->type != PT_LOAD)
			continue;
		if (s->flags & PF_X) {
			as->code_start = MIN(as->code_start, start);
			as->code_end = MAX(as->code_end, end);
		} else {
			as->data_start = MIN(as->data_start, start);
			as->data_end = MAX(as->data_end, end);
		}
	}
	u64 brk = e->bias + e->high;
	if (e->header.type == ET_DYN && !has_interpreter)
		brk = PIE_BASE; /* among the mappings the heap could not grow */
	as->brk_start = as->brk = brk + exec_random_pages(BRK_RANDOM_BITS);
}

int exec_elf_load(struct aspace *as, struct file *f, const void *header, struct exec_image *out)
{
	AUTO_ELF e = {0};

	TRY(elf_read(&e, f, header));
	AUTO_PUT(file) interpreter = interpreter_open(&e);
	if (is_err(interpreter))
		return ptr_err(interpreter);
	TRY(elf_place(as, &e, interpreter));
	TRY(elf_map(as, &e));
	out->program_entry = out->entry = e.bias + e.header.entry;
	out->headers = headers_address(&e);
	out->header_count = e.header.phnum;
	out->executable_stack = true; /* the ABI's default, until PT_GNU_STACK says otherwise */
	for (u32 i = 0; i < e.header.phnum; i++)
		if (e.segment[i].type == PT_GNU_STACK)
			out->executable_stack = e.segment[i].flags & PF_X;
	note_extent(as, &e, interpreter);
	return interpreter ? interpreter_load(as, interpreter, out) : 0;
}
