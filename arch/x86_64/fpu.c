/* Floating point state: FXSAVE, or XSAVE where there is. SDM 1 13, SDM 3A 13. */
#include "arch/x86_64/fpu.h"
#include "abi/signal.h"
#include "arch/trap.h"
#include "arch/uaccess.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/string.h"
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

enum { FXSAVE_SIZE = 512, FP_XSTATE_MAGIC1 = 0x46505853, FP_XSTATE_MAGIC2 = 0x46505845 };
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

void fpu_trap(struct regs *regs)
{
	struct thread *t = thread_current();
	struct arch_thread *a = &t->arch;
	if (!regs_from_user(regs))
		panic("floating point used in the kernel at %#llx", (unsigned long long)regs->rip);
	allow_use();
	if (!a->fpu_used)
		registers_load(&initial);
	else if (this_cpu(fpu_owner) != a || a->fpu_cpu != cpu_id())
		registers_load(state_of(a));
	this_cpu(fpu_owner) = a;
	a->fpu_used = 1;
	a->fpu_cpu = cpu_id();
	a->fpu_live = 1;
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

static int xsave_magic_to_user(u64 to)
{
	struct fpu_state *at = (struct fpu_state *)to; /* for addresses only */
	__typeof__(at->sw) sw = {.magic1 = FP_XSTATE_MAGIC1,
	                         .extended_size = state_bytes + sizeof(u32),
	                         .features = xfeatures,
	                         .state_size = state_bytes};
	u32 magic2 = FP_XSTATE_MAGIC2;
	TRY(copy_to_user(UPTR(to + offsetof(struct fpu_state, sw)), &sw, sizeof(sw)));
	return copy_to_user(UPTR(to + state_bytes), &magic2, sizeof(magic2));
}

int arch_fpu_to_user(u64 user_addr)
{
	struct arch_thread *a = &thread_current()->arch;
	const struct fpu_state *from = a->fpu_used ? state_of(a) : &initial;
	if (a->fpu_live)
		registers_save(state_of(a));
	/* `initial` is shorter than an XSAVE area with AVX: its header says that the rest is in its initial state. */
	size_t n = a->fpu_used ? state_bytes : MIN(state_bytes, (u32)sizeof(initial));
	TRY(copy_to_user(UPTR(user_addr), from, n));
	TRY(clear_user(UPTR(user_addr + n), state_bytes - n));
	return xfeatures ? xsave_magic_to_user(user_addr) : 0;
}

/* => true when the frame at user_addr carries a whole XSAVE area of ours. */
static bool frame_is_extended(const struct fpu_state *s, u64 user_addr)
{
	u32 magic2;
	return xfeatures && s->sw.magic1 == FP_XSTATE_MAGIC1 && s->sw.state_size == state_bytes &&
	       copy_from_user(&magic2, UPTR(user_addr + state_bytes), sizeof(magic2)) == 0 &&
	       magic2 == FP_XSTATE_MAGIC2;
}

/* User space wrote it: whatever makes the load fault is forced to be harmless. */
static void state_sanitise(struct fpu_state *s, bool extended)
{
	s->mxcsr &= mxcsr_mask;
	if (!xfeatures)
		return;
	s->xstate_bv = extended ? s->xstate_bv & xfeatures : xfeatures & 3;
	s->xcomp_bv = 0;
	memset(s->header_reserved, 0, sizeof(s->header_reserved));
}

int arch_fpu_from_user(u64 user_addr)
{
	struct arch_thread *a = &thread_current()->arch;
	struct fpu_state *s = state_of(a);
	fpu_drop(a);
	if (!user_addr)
		return 0;
	TRY(copy_from_user((void *)s, UPTR(user_addr), FXSAVE_SIZE));
	bool extended = frame_is_extended(s, user_addr);
	if (extended)
		TRY(copy_from_user((char *)s + FXSAVE_SIZE, UPTR(user_addr + FXSAVE_SIZE),
		                   state_bytes - FXSAVE_SIZE));
	state_sanitise(s, extended);
	a->fpu_used = 1;
	return 0;
}
