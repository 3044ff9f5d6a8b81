#include "abi/elf.h"
#include "abi/process.h"
#include "arch/cpu.h"
#include "arch/sigframe.h"
#include "kernel/dev/random.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/exec_layout.h"
#include "kernel/proc/task.h"
#include "kernel/sched/vdso.h"

enum {
	STACK_FIRST = 132 << 10, /* mapped at once; the rest grows */
	GAP_MIN = 128 << 20,
	RANDOM_BYTES = 16,
	AUXV_MAX = 24,
	ADDR_NO_RANDOMIZE = 0x40000,
};
#define GAP_MAX (USER_TOP / 6 * 5)

u64 exec_random_pages(unsigned bits)
{
	if (process_current()->personality & ADDR_NO_RANDOMIZE)
		return 0;
	return (random_u64() & (BIT(bits) - 1)) << PAGE_SHIFT;
}

/* Mappings grow down from below the largest extent that the stack may reach. */
void exec_layout_choose(struct aspace *as, u64 stack_limit)
{
	u64 slack = (BIT(STACK_RANDOM_BITS) << PAGE_SHIFT) + (1 << 20);
	u64 gap = stack_limit > GAP_MAX - slack ? GAP_MAX : stack_limit + slack;

	as->stack_top = USER_TOP - exec_random_pages(STACK_RANDOM_BITS);
	gap = CLAMP(gap, (u64)GAP_MIN, GAP_MAX);
	as->mmap_base =
		USER_TOP - ROUND_UP(gap, (u64)PAGE_SIZE) - exec_random_pages(MMAP_RANDOM_BITS);
}

static int map_stack(struct aspace *as, const struct exec_image *image, size_t need)
{
	u64 size = ROUND_UP(need, (u64)PAGE_SIZE) + STACK_FIRST;
	struct vm_map_request req = {
		.addr = as->stack_top - size,
		.length = size,
		.prot = PROT_READ | PROT_WRITE | (image->executable_stack ? PROT_EXEC : 0),
		.flags = VM_GROWSDOWN | VM_STACK,
		.how = VM_MAP_FIXED,
	};
	s64 at = vm_map(as, &req);

	return at < 0 ? at : 0;
}

struct auxv {
	u64 *at;
	u32 count;
};

static void auxv_add(struct auxv *v, u64 type, u64 value)
{
	v->at[2 * v->count] = type;
	v->at[2 * v->count + 1] = value;
	v->count++;
}

static u64 hwcap(void)
{
	u32 eax = 1, ebx, ecx, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return edx;
}

static void auxv_fill(struct auxv *v, const struct aspace *as, const struct exec_image *image,
                      const struct exec_identity *id, u64 name, u64 random, u64 platform)
{
	enum { HWCAP2_FSGSBASE = 2 };

	if (as->vdso)
		auxv_add(v, AT_SYSINFO_EHDR, as->vdso);
	auxv_add(v, AT_HWCAP, hwcap());
	auxv_add(v, AT_PAGESZ, PAGE_SIZE);
	auxv_add(v, AT_CLKTCK, USER_HZ);
	auxv_add(v, AT_PHDR, image->headers);
	auxv_add(v, AT_PHENT, sizeof(struct elf_segment));
	auxv_add(v, AT_PHNUM, image->header_count);
	auxv_add(v, AT_BASE, image->interpreter_base);
	auxv_add(v, AT_FLAGS, 0);
	auxv_add(v, AT_ENTRY, image->program_entry);
	auxv_add(v, AT_UID, id->uid);
	auxv_add(v, AT_EUID, id->euid);
	auxv_add(v, AT_GID, id->gid);
	auxv_add(v, AT_EGID, id->egid);
	auxv_add(v, AT_SECURE, id->secure);
	auxv_add(v, AT_RANDOM, random);
	auxv_add(v, AT_HWCAP2, cpu_features.fsgsbase ? HWCAP2_FSGSBASE : 0);
	auxv_add(v, AT_EXECFN, name);
	auxv_add(v, AT_PLATFORM, platform);
	auxv_add(v, AT_MINSIGSTKSZ, sigframe_max_size());
	auxv_add(v, AT_NULL, 0);
}

/* Writes one vector of pointers to consecutive strings, terminated. => behind it; *string: behind the last one. */
static u64 *fill_vector(u64 *to, u32 count, const char *text, u64 base, size_t *string)
{
	while (count--) {
		*to++ = base + *string;
		*string += strlen(text + *string) + 1;
	}
	*to++ = 0;
	return to;
}

/*
 * From the top: a null word, the file's name, environment and argument strings; "x86_64", sixteen random bytes; and
 * what the stack pointer points to: argc, argv, envp, auxv (psABI 3.4.1).
 */
int exec_stack_build(struct aspace *as, const struct exec_args *args, const char *name,
                     const struct exec_image *image, const struct exec_identity *id, u64 *out_sp)
{
	static const char platform[] = "x86_64";
	size_t name_size = strlen(name) + 1;
	u64 name_at = as->stack_top - sizeof(u64) - name_size;
	u64 text_at = name_at - args->used;
	u64 platform_at = ROUND_DOWN(text_at - sizeof(platform), 16ull);
	u64 random_at = platform_at - RANDOM_BYTES;
	size_t words = 1 + (args->argc + 1ul) + (args->envc + 1ul) + 2 * AUXV_MAX;
	u64 sp = ROUND_DOWN(random_at - words * sizeof(u64), 16ull);
	size_t size = text_at - sp;

	TRY(map_stack(as, image, as->stack_top - sp));
	char *block = size <= PAGE_SIZE ? kzalloc(size) : kvzalloc(size);
	if (!block)
		return -ENOMEM;
	u64 *word = (u64 *)block;
	size_t string = 0;
	*word++ = args->argc;
	word = fill_vector(word, args->argc, args->text, text_at, &string);
	as->arg_start = text_at;
	as->arg_end = as->env_start = text_at + string;
	word = fill_vector(word, args->envc, args->text, text_at, &string);
	as->env_end = text_at + string;
	struct auxv auxv = {.at = word};
	auxv_fill(&auxv, as, image, id, name_at, random_at, platform_at);
	memcpy(as->auxv, word, 2 * auxv.count * sizeof(u64));
	random_bytes(block + (random_at - sp), RANDOM_BYTES);
	memcpy(block + (platform_at - sp), platform, sizeof(platform));

	ssize n = vm_access(as, sp, block, size, true);
	kvfree(block);
	if (n >= 0)
		n = vm_access(as, text_at, args->text, args->used, true);
	if (n >= 0)
		n = vm_access(as, name_at, (void *)name, name_size, true);
	*out_sp = sp;
	return n < 0 ? n : 0;
}
