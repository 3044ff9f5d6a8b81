/*
 * The little that is wanted of ACPI: processors and I/O APICs (MADT), power and reset registers (FADT), and the
 * sleep type for S5, which stands in AML as a package named _S5_ and is found by looking for its bytes.
 */
#include "arch/boot.h"
#include "arch/x86_64/boot/loader.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"

struct acpi_info acpi_info = {.lapic = 0xfee00000};

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
} PACKED;
struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[26];
} PACKED;
struct fadt {
	struct header header;
	u32 facs, dsdt;
	u8 model, profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4_bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	u8 skipped1[40];
	u32 flags;
	struct {
		u8 space, width, offset, access;
		u64 address;
	} PACKED reset_register;
	u8 reset_value;
	u16 arm_flags;
	u8 minor;
	u64 x_facs, x_dsdt;
} PACKED;
_Static_assert(offsetof(struct fadt, flags) == 112 && offsetof(struct fadt, x_dsdt) == 140, "FADT");
struct madt_entry {
	u8 type, length;
	union {
		struct {
			u8 uid, apic_id;
			u32 flags;
		} PACKED lapic;
		struct {
			u8 id, reserved;
			u32 address, gsi_base;
		} PACKED ioapic;
		struct {
			u8 bus, irq;
			u32 gsi;
			u16 flags;
		} PACKED override;
		struct {
			u16 reserved;
			u64 address;
		} PACKED lapic_address;
		struct {
			u16 reserved;
			u32 apic_id, flags, uid;
		} PACKED x2apic;
	};
} PACKED;
enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9
};
enum { FADT_RESET_SUPPORTED = 1 << 10, MADT_ENABLED = 1 };

static bool checksum_ok(const void *p, size_t n)
{
	u8 sum = 0;
	for (const u8 *b = p; n; n--)
		sum += *b++;
	return sum == 0;
}

/* => the table at a physical address, mapped whole, or NULL when it is damaged. */
static const struct header *table_at(u64 address)
{
	const struct header *h = direct_map_extend(address, sizeof(*h));
	direct_map_extend(address, h->length);
	return h->length >= sizeof(*h) && checksum_ok(h, h->length) ? h : NULL;
}

static bool is_rsdp(const struct rsdp *r)
{
	return memcmp(r->signature, "RSD PTR ", 8) == 0 && checksum_ok(r, 20);
}

/* Where firmware without a better way puts it: the first KiB of the EBDA, and the BIOS area. */
static const struct rsdp *rsdp_scan(void)
{
	u64 ebda = (u64) * (u16 *)phys_to_virt(0x40e) << 4;
	for (u64 p = ebda; p >= 0x400 && p < ebda + 1024; p += 16) {
		if (is_rsdp(phys_to_virt(p)))
			return phys_to_virt(p);
	}
	for (u64 p = 0xe0000; p < 0x100000; p += 16) {
		if (is_rsdp(phys_to_virt(p)))
			return phys_to_virt(p);
	}
	return NULL;
}

static void add_cpu(u32 apic_id, u32 flags)
{
	if ((flags & MADT_ENABLED) && acpi_info.cpu_count < MAX_CPUS)
		acpi_info.cpu_apic_id[acpi_info.cpu_count++] = apic_id;
}

static void add_ioapic(u64 address, u32 gsi_base)
{
	if (acpi_info.ioapic_count == ARRAY_SIZE(acpi_info.ioapic))
		return;
	acpi_info.ioapic[acpi_info.ioapic_count].address = address;
	acpi_info.ioapic[acpi_info.ioapic_count++].gsi_base = gsi_base;
}

static void madt_entry(const struct madt_entry *e)
{
	switch (e->type) {
	case MADT_LAPIC: add_cpu(e->lapic.apic_id, e->lapic.flags); break;
	case MADT_X2APIC: add_cpu(e->x2apic.apic_id, e->x2apic.flags); break;
	case MADT_IOAPIC: add_ioapic(e->ioapic.address, e->ioapic.gsi_base); break;
	case MADT_LAPIC_ADDRESS: acpi_info.lapic = e->lapic_address.address; break;
	case MADT_OVERRIDE:
		if (e->override.irq < 16) {
			acpi_info.irq_gsi[e->override.irq] = e->override.gsi;
			acpi_info.irq_flags[e->override.irq] = e->override.flags;
		}
		break;
	default: break;
	}
}

static void madt_parse(const struct header *h)
{
	const char *p = (const char *)(h + 1), *end = (const char *)h + h->length;
	acpi_info.lapic = *(const u32 *)p;
	p += 8;
	while (p + 2 <= end && ((const struct madt_entry *)p)->length >= 2) {
		madt_entry((const struct madt_entry *)p);
		p += ((const struct madt_entry *)p)->length;
	}
}

/* An AML integer as it stands in packages: a byte constant with prefix 0x0a, or ZeroOp, OneOp. */
static const u8 *aml_byte(const u8 *p, u8 *out)
{
	if (*p == 0x0a)
		p++;
	*out = *p;
	return p + 1;
}

/* NameOp "_S5_" PackageOp length count SLP_TYPa SLP_TYPb ... ; ACPI 6.4, 7.4.2 and 20.2. */
static void dsdt_parse(const struct header *dsdt)
{
	const u8 *p = (const u8 *)(dsdt + 1), *end = (const u8 *)dsdt + dsdt->length - 12;
	for (; p < end; p++) {
		if (memcmp(p, "_S5_", 4) != 0 || p[4] != 0x12)
			continue;
		p += 5;
		p += (*p >> 6) + 2; /* the package length's bytes, and the count */
		p = aml_byte(p, &acpi_info.s5_type_a);
		aml_byte(p, &acpi_info.s5_type_b);
		acpi_info.s5_known = 1;
		return;
	}
}

static void fadt_parse(const struct fadt *f)
{
	acpi_info.pm1a_control = (u16)f->pm1a_control;
	acpi_info.pm1b_control = (u16)f->pm1b_control;
	acpi_info.smi_command = (u16)f->smi_command;
	acpi_info.acpi_enable = f->acpi_enable;
	if (f->header.length > offsetof(struct fadt, reset_value) &&
	    (f->flags & FADT_RESET_SUPPORTED)) {
		acpi_info.reset_known = 1;
		acpi_info.reset_space = f->reset_register.space;
		acpi_info.reset_address = f->reset_register.address;
		acpi_info.reset_value = f->reset_value;
	}
	u64 dsdt = f->dsdt;
	if (f->header.length >= sizeof(*f) && f->x_dsdt)
		dsdt = f->x_dsdt;
	const struct header *h = table_at(dsdt);
	if (h)
		dsdt_parse(h);
}

static void root_parse(const struct header *root, size_t entry_size)
{
	const char *p = (const char *)(root + 1), *end = (const char *)root + root->length;
	for (; p + entry_size <= end; p += entry_size) {
		u64 address = 0;
		memcpy(&address, p, entry_size);
		const struct header *h = table_at(address);
		if (h && memcmp(h->signature, "APIC", 4) == 0)
			madt_parse(h);
		else if (h && memcmp(h->signature, "FACP", 4) == 0)
			fadt_parse((const struct fadt *)h);
	}
}

void acpi_init(void)
{
	for (u32 irq = 0; irq < 16; irq++)
		acpi_info.irq_gsi[irq] = irq;
	const struct rsdp *rsdp =
		loader_info.rsdp ? direct_map_extend(loader_info.rsdp, sizeof(*rsdp)) : rsdp_scan();
	if (!rsdp || !is_rsdp(rsdp)) {
		log_warn("acpi: no root pointer; one processor");
		return;
	}
	bool extended = rsdp->revision >= 2 && rsdp->xsdt;
	const struct header *root = table_at(extended ? rsdp->xsdt : rsdp->rsdt);
	if (root)
		root_parse(root, extended ? 8 : 4);
}
