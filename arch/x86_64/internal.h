/*
 * What the files of this directory tell each other; nobody else includes it.
 */
#pragma once
#include "arch/cpu.h"
#include "arch/regs.h"
#include "arch/x86_64/asm.h"

/* Model-specific registers, SDM 4. */
enum {
	MSR_APIC_BASE = 0x1b,
	MSR_MTRR_CAP = 0xfe,
	MSR_EFER = 0xc0000080,
	MSR_STAR = 0xc0000081,
	MSR_LSTAR = 0xc0000082,
	MSR_CSTAR = 0xc0000083,
	MSR_SYSCALL_MASK = 0xc0000084,
	MSR_FS_BASE = 0xc0000100,
	MSR_GS_BASE = 0xc0000101,
	MSR_KERNEL_GS_BASE = 0xc0000102,
	MSR_TSC_AUX = 0xc0000103,
	MSR_X2APIC = 0x800,
};
enum { EFER_SCE = 1, EFER_LME = 0x100, EFER_NXE = 0x800 };
enum { CR0_MP = 2, CR0_TS = 8, CR0_NE = 0x20, CR0_WP = 1 << 16, CR0_AM = 1 << 18 };
enum {
	CR4_PGE = 1 << 7,
	CR4_OSFXSR = 1 << 9,
	CR4_OSXMMEXCPT = 1 << 10,
	CR4_UMIP = 1 << 11,
	CR4_OSXSAVE = 1 << 18,
	CR4_SMEP = 1 << 20,
	CR4_SMAP = 1 << 21,
};
enum {
	RFLAGS_ONE = 2,
	RFLAGS_TF = 0x100,
	RFLAGS_IF = 0x200,
	RFLAGS_DF = 0x400,
	RFLAGS_IOPL = 0x3000,
	RFLAGS_NT = 0x4000,
	RFLAGS_RF = 0x10000,
	RFLAGS_AC = 0x40000,
	/* What user space may choose: CF PF AF ZF SF TF DF OF NT RF AC ID. */
	RFLAGS_USER = 0x254dd5,
};

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
#define CONTROL_REGISTER(n)                                                                        \
	static inline u64 read_cr##n(void)                                                         \
	{                                                                                          \
		u64 v;                                                                             \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));                                  \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_cr##n(u64 v)                                                      \
	{                                                                                          \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(v) : "memory");                           \
	}
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
	u8 v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u16 inw(u16 port)
{
	u16 v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

struct cpuid {
	u32 a, b, c, d;
};
static inline struct cpuid cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;
	__asm__ volatile("cpuid"
	                 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
	                 : "a"(leaf), "c"(sub));
	return r;
}

/* cpu.c */
void cpu_features_init(void); /* processor 0, first of all */
void cpu_init_control(void);  /* each processor: control registers, FPU, system call MSRs */

/* gdt.c: descriptor tables, task state and interrupt stacks of this processor. ist: three stack tops. */
enum {
	IST_DOUBLE_FAULT = 1,
	IST_NMI = 2,
	IST_MACHINE_CHECK = 3,
	IST_COUNT = 3,
	IST_STACK_SIZE = 4096
};
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, io_map;
} PACKED;
EXTERN_PERCPU(struct tss, tss);
void gdt_init_cpu(u32 cpu, const u64 ist[IST_COUNT]);
void idt_init(void); /* once */
void idt_load(void); /* each processor */

/* acpi.c: what is wanted of the firmware tables. */
struct acpi_info {
	u64 lapic;
	u32 cpu_count, ioapic_count;
	u32 cpu_apic_id[MAX_CPUS]; /* enabled processors, table order */
	struct {
		u64 address;
		u32 gsi_base;
	} ioapic[8];
	u32 irq_gsi[16], irq_flags[16]; /* ISA overrides: MPS INTI flags */
	u16 pm1a_control, pm1b_control, smi_command;
	u8 acpi_enable, s5_type_a, s5_type_b, s5_known;
	u8 reset_space, reset_value, reset_known;
	u64 reset_address;
};
extern struct acpi_info acpi_info;
void acpi_init(void); /* before page_init() */

/* lapic.c */
void lapic_init(void);     /* once, before page_init(): maps it */
void lapic_init_cpu(void); /* each processor */
void lapic_calibrate(u64 ticks, u64 ns);
u32 lapic_id(void);
void lapic_eoi(void);
u32 lapic_timer_count(void);
void lapic_timer_start_counting(void);
void lapic_send(u32 apic_id, u32 vector);
enum { LAPIC_INIT = 0x4500, LAPIC_STARTUP = 0x4600, LAPIC_NMI = 0x4400 };
void lapic_send_mode(u32 apic_id, u32 mode);
extern u32 cpu_apic_id[MAX_CPUS]; /* smp.c: by processor number */

/* ioapic.c */
void ioapic_init(void); /* before page_init(): maps it, masks everything; masks the 8259s */
void ioapic_route(u32 isa_irq, u32 vector, u32 apic_id);

void clock_init(void); /* calibrates TSC and LAPIC timer, reads the battery clock */
void serial_init(void);

/* fault_table.c */
struct fault_entry {
	u64 insn, fixup;
	u64 nofault; /* the access must not sleep */
};
void fault_table_init(void);
/* => where to resume, or 0; *out_nofault tells which kind. */
u64 fault_table_find(u64 insn, bool *out_nofault);
void smap_patch(void);

/* spinlock.c: the fair way, whatever the machine */
struct raw_spinlock;
void raw_spin_lock_queued(struct raw_spinlock *l);

/* The NMI that smp_stop_others() sends; never returns there. */
void smp_nmi(void);

/* sleeps for a few microseconds by the TSC, after clock_init(). */
void delay_us(u64 us);
