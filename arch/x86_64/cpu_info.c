/* The text of /proc/cpuinfo, proc(5), in Linux's words. */
#include "arch/x86_64/internal.h"
#include "arch/clock.h"
#include "arch/context.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

/* Names by bit; "" for bits that Linux does not name or that we do not let user space use. */
static const char *const flags_1_d[32] = {
	"fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", "",
	"sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", "",     "dts",
	"acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe"};
static const char *const flags_1_c[32] = {
	"pni",    "pclmulqdq", "dtes64", "",       "ds_cpl",
	"vmx",    "smx",       "est",    "tm2",    "ssse3",
	"cid",    "",          "fma",    "cx16",   "xtpr",
	"pdcm",   "",          "",       "dca",    "sse4_1",
	"sse4_2", "x2apic",    "movbe",  "popcnt", "tsc_deadline_timer",
	"aes",    "xsave",     "",       "avx",    "f16c",
	"rdrand", "hypervisor"};
static const char *const flags_7_b[32] = {
	"",           "tsc_adjust", "",           "bmi1",     "hle",    "avx2",     "",
	"smep",       "bmi2",       "erms",       "",         "rtm",    "",         "",
	"mpx",        "",           "avx512f",    "avx512dq", "rdseed", "adx",      "smap",
	"avx512ifma", "",           "clflushopt", "clwb",     "",       "avx512pf", "avx512er",
	"avx512cd",   "sha_ni",     "avx512bw",   "avx512vl"};
static const char *const flags_ext_d[32] = {
	[11] = "syscall", [20] = "nx", [22] = "mmxext",   [25] = "fxsr_opt", [26] = "pdpe1gb",
	[27] = "rdtscp",  [29] = "lm", [30] = "3dnowext", [31] = "3dnow"};
static const char *const flags_ext_c[32] = {
	[0] = "lahf_lm", [2] = "svm",         [4] = "cr8_legacy",   [5] = "abm",
	[6] = "sse4a",   [7] = "misalignsse", [8] = "3dnowprefetch"};

static int print_flags(char *buf, size_t size, u32 bits, const char *const names[32])
{
	int n = 0;
	for (int i = 0; i < 32; i++) {
		if ((bits >> i & 1) && names[i] && names[i][0])
			n += scnprintf(buf + n, size - n, " %s", names[i]);
	}
	return n;
}

static int print_identity(char *buf, size_t size, u32 cpu)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0);
	u32 family = one.a >> 8 & 15, model = one.a >> 4 & 15;
	if (family == 6 || family == 15)
		model |= (one.a >> 16 & 15) << 4;
	if (family == 15)
		family += one.a >> 20 & 255;
	u32 vendor[4] = {zero.b, zero.d, zero.c, 0}, brand[13] = {0};
	for (u32 i = 0; i < 3 && cpuid(0x80000000, 0).a >= 0x80000004; i++) {
		struct cpuid part = cpuid(0x80000002 + i, 0);
		memcpy(&brand[4 * i], &part, sizeof(part));
	}
	return scnprintf(
		buf, size,
		"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
		"model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %llu.%03llu\ncache size\t: 512 KB\n"
		"physical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
		"apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
		"cpuid level\t: %u\nwp\t\t: yes\n",
		cpu, (char *)vendor, family, model, (char *)brand, one.a & 15,
		(unsigned long long)clock_scale.hz / 1000000,
		(unsigned long long)clock_scale.hz / 1000 % 1000, cpu, cpu_apic_id[cpu],
		cpu_apic_id[cpu], zero.a);
}

/* All processors are of one kind: this one's CPUID speaks for `cpu`. */
int cpu_info_print(u32 cpu, char *buf, size_t size)
{
	struct cpuid one = cpuid(1, 0), extended = cpuid(0x80000001, 0),
		     sizes = cpuid(0x80000008, 0);
	struct cpuid seven = cpuid(0, 0).a >= 7 ? cpuid(7, 0) : (struct cpuid){0};
	u64 khz = clock_scale.hz / 1000;
	int n = print_identity(buf, size, cpu);
	n += scnprintf(buf + n, size - n, "flags\t\t:");
	n += print_flags(buf + n, size - n, one.d, flags_1_d);
	n += print_flags(buf + n, size - n, extended.d, flags_ext_d);
	n += print_flags(buf + n, size - n, one.c, flags_1_c);
	n += print_flags(buf + n, size - n, extended.c, flags_ext_c);
	n += print_flags(buf + n, size - n, seven.b, flags_7_b);
	n += scnprintf(
		buf + n, size - n,
		"\nbugs\t\t:\nbogomips\t: %llu.%02llu\nclflush size\t: %u\ncache_alignment\t: 64\n"
		"address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		(unsigned long long)khz * 2 / 1000, (unsigned long long)khz * 2 / 10 % 100,
		(one.b >> 8 & 255) * 8, sizes.a & 255, sizes.a >> 8 & 255);
	return n;
}
