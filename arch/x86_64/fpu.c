/* Floating point state: FXSAVE, or XSAVE where there is. SDM 1 13, SDM 3A 13. */
#include "arch/x86_64/fpu.h"
#include "arch/uaccess.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/string.h"
#include "kernel/panic.h"
#include "kernel/sched/thread.h"

/* The legacy area with its software bytes, as <asm/sigcontext.h> shows it to user space, and the XSAVE header. */
struct fpu_state {
	u16 control, status;
	u32 legacy1[5];
	u32 mxcsr, mxcsr_mask;
	u8 registers[416];
	u8 reserved[16];
	struct {
		u32 magic1, extended_size;
		u64 features;
		u32 state_size;
		u32 padding[7];
	} sw;
	u64 xstate_bv, xcomp_bv, header_reserved[6];
};
_Static_assert(offsetof(struct fpu_state, sw) == 464, "sw_reserved");
_Static_assert(offsetof(struct fpu_state, xstate_bv) == 512, "XSAVE header");

enum {
	FXSAVE_SIZE = 512,
	XSAVE_HEADER_SIZE = 64,
	FP_XSTATE_MAGIC1 = 0x46505853,
	FP_XSTATE_MAGIC2 = 0x46505845
};
enum { XFEATURES_KNOWN = 0xe7 }; /* x87, SSE, AVX, AVX-512 */
enum { FPU_CONTROL_INIT = 0x37f, MXCSR_INIT = 0x1f80 };

u32 fpu_state_size = FXSAVE_SIZE;
static u32 state_bytes = FXSAVE_SIZE; /* that the instructions write */
static u64 xfeatures;
static u32 mxcsr_mask = 0xffbf;
static struct fpu_state initial ALIGNED(64) = {.control = FPU_CONTROL_INIT, .mxcsr = MXCSR_INIT};

PERCPU(struct arch_thread *, fpu_owner);

static inline struct fpu_state *state_of(const struct arch_thread *a)
{
	return (struct fpu_state *)a->stack_top;
}
static inline void trap_next_use(void)
{
	write_cr0(read_cr0() | CR0_TS);
}
static inline void allow_use(void)
{
	__asm__ volatile("clts" ::: "memory");
}

static void registers_save(struct fpu_state *s)
{
	if (xfeatures)
		__asm__ volatile("xsave64 %0" : "+m"(*s) : "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave64 %0" : "+m"(*s)::"memory");
}
static void registers_load(const struct fpu_state *s)
{
	if (xfeatures)
		__asm__ volatile("xrstor64 %0" ::"m"(*s), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxrstor64 %0" ::"m"(*s) : "memory");
}

static void probe(void)
{
	static struct fpu_state probe_area ALIGNED(64);
	__asm__ volatile("fxsave64 %0" : "+m"(probe_area)::"memory");
	if (probe_area.mxcsr_mask)
		mxcsr_mask = probe_area.mxcsr_mask;
	if (!cpu_features.xsave)
		return;
	struct cpuid leaf = cpuid(13, 0);
	xfeatures = leaf.a & XFEATURES_KNOWN;
}

static void xsave_enable(void)
{
	__asm__ volatile("xsetbv" ::"a"((u32)xfeatures), "d"(0), "c"(0));
	state_bytes = cpuid(13, 0).b; /* for what XCR0 enables */
	fpu_state_size = ROUND_UP(state_bytes, 64);
}

void fpu_init_cpu(void)
{
	allow_use();
	__asm__ volatile("fninit");
	if (cpu_id() == 0)
		probe();
	if (xfeatures)
		xsave_enable();
	trap_next_use();
}

/* Gives the registers, whatever is in them, to the current thread. Its save area may be fresh memory, of whose
 * header XSAVE would keep what it does not write. */
static void registers_claim(struct arch_thread *a)
{
	allow_use();
	if (!a->fpu_used && xfeatures)
		memset(&state_of(a)->xstate_bv, 0, XSAVE_HEADER_SIZE);
	this_cpu(fpu_owner) = a;
	a->fpu_used = 1;
	a->fpu_cpu = cpu_id();
	a->fpu_live = 1;
}

/* The same, with its own state in them. */
static void make_live(struct arch_thread *a)
{
	allow_use();
	if (!a->fpu_used)
		registers_load(&initial);
	else if (this_cpu(fpu_owner) != a || a->fpu_cpu != cpu_id())
		registers_load(state_of(a));
	registers_claim(a);
}

/* From the kernel only out of the frame accesses below: they slept in a page fault and lost the registers. */
void fpu_trap(struct regs *regs)
{
	bool nofault;
	if (!regs_from_user(regs) && !fault_table_find(regs->rip, &nofault))
		panic_at(regs, "floating point used in the kernel");
	make_live(&thread_current()->arch);
}

void fpu_save(struct arch_thread *a)
{
	registers_save(state_of(a));
	a->fpu_live = 0;
	trap_next_use();
}

void fpu_drop(struct arch_thread *a)
{
	if (a->fpu_live)
		trap_next_use();
	a->fpu_used = a->fpu_live = 0;
	a->fpu_cpu = ~0u;
}

void fpu_copy(struct arch_thread *to, struct arch_thread *from)
{
	if (!from->fpu_used)
		return;
	if (from->fpu_live)
		registers_save(state_of(from)); /* and stays live */
	memcpy(state_of(to), state_of(from), state_bytes);
	to->fpu_used = 1;
}

/*
 * The frame that signal handlers and sigreturn(2) see: the save area; with XSAVE its size and features in the software
 * bytes, and a second magic number behind it, so that user space can tell a complete frame from a legacy one.
 */
size_t arch_fpu_frame_size(void)
{
	return xfeatures ? state_bytes + sizeof(u32) : FXSAVE_SIZE;
}

/* The registers to and from user memory, without a copy between. => 0 or -EFAULT, also for contents that the
 * processor refuses. */
#define FRAME_ACCESS(insn, addr)                                                                   \
	__asm__ volatile goto(USER_OPEN "1:\t" insn                                                \
	                                " (%0)\n\t" USER_CLOSE USER_FAULT("1b", "%l3", "0")        \
	                      :                                                                    \
	                      : "r"(addr), "a"(~0u), "d"(~0u)                                      \
	                      : "memory"                                                           \
	                      : fault)
static int registers_to_user(u64 to)
{
	if (xfeatures)
		FRAME_ACCESS("xsave64", to);
	else
		FRAME_ACCESS("fxsave64", to);
	return 0;
fault:
	return -EFAULT;
}
static int registers_from_user(u64 from)
{
	if (xfeatures)
		FRAME_ACCESS("xrstor64", from);
	else
		FRAME_ACCESS("fxrstor64", from);
	return 0;
fault:
	return -EFAULT;
}

/* The software bytes, and an empty header, which XSAVE only adds to. */
static int xsave_marks_to_user(u64 to)
{
	struct fpu_state *at = (struct fpu_state *)to; /* for addresses only */
	__typeof__(at->sw) sw = {.magic1 = FP_XSTATE_MAGIC1,
	                         .extended_size = state_bytes + sizeof(u32),
	                         .features = xfeatures,
	                         .state_size = state_bytes};
	u32 magic2 = FP_XSTATE_MAGIC2;
	TRY(clear_user(UPTR(&at->xstate_bv), XSAVE_HEADER_SIZE));
	TRY(registers_to_user(to));
	TRY(copy_to_user(UPTR(&at->sw), &sw, sizeof(sw)));
	return copy_to_user(UPTR(to + state_bytes), &magic2, sizeof(magic2));
}

int arch_fpu_to_user(u64 user_addr)
{
	struct arch_thread *a = &thread_current()->arch;
	if (!user_range_ok(UPTR(user_addr), arch_fpu_frame_size()))
		return -EFAULT;
	if (!a->fpu_live)
		make_live(a);
	return xfeatures ? xsave_marks_to_user(user_addr) : registers_to_user(user_addr);
}

/* => true when the frame at user_addr carries a whole XSAVE area of ours. */
static bool frame_is_extended(u64 user_addr)
{
	const struct fpu_state *at = (const struct fpu_state *)user_addr; /* for addresses only */
	u32 magic1, size, magic2;
	return xfeatures && copy_from_user(&magic1, UPTR(&at->sw.magic1), sizeof(magic1)) == 0 &&
	       magic1 == FP_XSTATE_MAGIC1 &&
	       copy_from_user(&size, UPTR(&at->sw.state_size), sizeof(size)) == 0 &&
	       size == state_bytes &&
	       copy_from_user(&magic2, UPTR(user_addr + state_bytes), sizeof(magic2)) == 0 &&
	       magic2 == FP_XSTATE_MAGIC2;
}

/* A frame with only the legacy area: all else gets its initial state. */
static int legacy_from_user(u64 user_addr)
{
	registers_load(&initial);
	FRAME_ACCESS("fxrstor64", user_addr);
	return 0;
fault:
	return -EFAULT;
}

/* -EFAULT means that the caller, sigreturn(2), kills the thread: as in Linux also for an MXCSR with reserved bits. */
int arch_fpu_from_user(u64 user_addr)
{
	struct arch_thread *a = &thread_current()->arch;
	struct fpu_state *at = (struct fpu_state *)user_addr; /* for addresses only */
	u32 mxcsr;
	if (!user_addr) {
		fpu_drop(a);
		return 0;
	}
	if (!user_range_ok(UPTR(user_addr), FXSAVE_SIZE))
		return -EFAULT;
	TRY(copy_from_user(&mxcsr, UPTR(&at->mxcsr), sizeof(mxcsr)));
	if (mxcsr & ~mxcsr_mask)
		return -EFAULT;
	bool legacy = xfeatures && !frame_is_extended(user_addr);
	registers_claim(a);
	int failure = legacy ? legacy_from_user(user_addr) : registers_from_user(user_addr);
	if (failure)
		fpu_drop(a);
	return failure;
}
