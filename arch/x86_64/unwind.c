/*
 * An interpreter of call-frame information: DWARF 5, 6.4, in the form of the LSB's .eh_frame, with the encodings
 * that gcc and clang emit for this kernel (augmentation "zR", pc-relative 32-bit addresses).
 */
#include "arch/unwind.h"
#include "arch/boot.h"
#include "arch/regs.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/string.h"

extern const u8 eh_frame_start[], eh_frame_end[];
extern char text_start[], text_end[], entry_text_start[], entry_text_end[], data_start[],
	image_end[];

enum {
	DWARF_RSP = 7,
	DWARF_RIP = 16,
	REGISTERS = 17,
	REMEMBER_DEPTH = 4,
	ENCODING_PCREL_S32 = 0x1b
};

/* What a row of the table says: the canonical frame address and where registers are saved relative to it. */
struct row {
	u64 cfa_register;
	s64 cfa_offset;
	s64 offset[REGISTERS]; /* from the CFA; 0: not saved */
};
struct machine {
	const u8 *p, *end;
	struct row row, initial, remembered[REMEMBER_DEPTH];
	u32 depth;
	u64 code_align, pc;
	s64 data_align;
};

static u64 uleb(const u8 **p)
{
	u64 v = 0;
	for (unsigned shift = 0;; shift += 7) {
		u8 b = *(*p)++;
		if (shift < 64)
			v |= (u64)(b & 127) << shift;
		if (!(b & 128))
			return v;
	}
}
static s64 sleb(const u8 **p)
{
	u64 v = 0;
	for (unsigned shift = 0;;) {
		u8 b = *(*p)++;
		if (shift < 64)
			v |= (u64)(b & 127) << shift;
		shift += 7;
		if (b & 128)
			continue;
		return shift < 64 && (b & 64) ? (s64)(v | ~0ull << shift) : (s64)v;
	}
}
static u32 read_u32(const u8 *p)
{
	u32 v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static void rule_offset(struct machine *m, u64 reg, u64 factored)
{
	if (reg < REGISTERS)
		m->row.offset[reg] = (s64)factored * m->data_align;
}
static void rule_restore(struct machine *m, u64 reg)
{
	if (reg < REGISTERS)
		m->row.offset[reg] = m->initial.offset[reg];
}

enum {
	CFA_NOP = 0,
	CFA_ADVANCE1 = 2,
	CFA_ADVANCE2 = 3,
	CFA_ADVANCE4 = 4,
	CFA_OFFSET_EXTENDED = 5,
	CFA_RESTORE_EXTENDED = 6,
	CFA_UNDEFINED = 7,
	CFA_SAME = 8,
	CFA_REMEMBER = 10,
	CFA_RESTORE_STATE = 11,
	CFA_DEF = 12,
	CFA_DEF_REGISTER = 13,
	CFA_DEF_OFFSET = 14,
	CFA_ARGS_SIZE = 0x2e,
};

/* One instruction. => false when it is one that this kernel's code never has. */
static bool execute_extended(struct machine *m, u8 op)
{
	struct row *row = &m->row;
	u64 reg;
	switch (op) {
	case CFA_NOP: return true;
	case CFA_ADVANCE1: m->pc += *m->p * m->code_align, m->p += 1; return true;
	case CFA_ADVANCE2:
		m->pc += (m->p[0] | m->p[1] << 8) * m->code_align, m->p += 2;
		return true;
	case CFA_ADVANCE4: m->pc += read_u32(m->p) * m->code_align, m->p += 4; return true;
	case CFA_OFFSET_EXTENDED: reg = uleb(&m->p), rule_offset(m, reg, uleb(&m->p)); return true;
	case CFA_RESTORE_EXTENDED: rule_restore(m, uleb(&m->p)); return true;
	case CFA_UNDEFINED:
	case CFA_SAME: rule_offset(m, uleb(&m->p), 0); return true;
	case CFA_DEF:
		row->cfa_register = uleb(&m->p), row->cfa_offset = (s64)uleb(&m->p);
		return true;
	case CFA_DEF_REGISTER: row->cfa_register = uleb(&m->p); return true;
	case CFA_DEF_OFFSET: row->cfa_offset = (s64)uleb(&m->p); return true;
	case CFA_ARGS_SIZE: uleb(&m->p); return true;
	case CFA_REMEMBER:
		if (m->depth == REMEMBER_DEPTH)
			return false;
		m->remembered[m->depth++] = *row;
		return true;
	case CFA_RESTORE_STATE:
		if (!m->depth)
			return false;
		*row = m->remembered[--m->depth];
		return true;
	default: return false;
	}
}

/* Runs the program up to the row that holds for `pc`. */
static bool execute(struct machine *m, u64 pc)
{
	while (m->p < m->end) {
		u8 byte = *m->p++, argument = byte & 0x3f;
		switch (byte >> 6) {
		case 1: m->pc += argument * m->code_align; break;
		case 2: rule_offset(m, argument, uleb(&m->p)); break;
		case 3: rule_restore(m, argument); break;
		default:
			if (!execute_extended(m, byte))
				return false;
		}
		if (m->pc > pc)
			return true;
	}
	return true;
}

/* Prepares *m from a CIE. => false when its encodings are not the expected ones. */
static bool cie_parse(struct machine *m, const u8 *cie)
{
	const u8 *end = cie + 4 + read_u32(cie), *p = cie + 8;
	u8 version = *p++;
	const char *augmentation = (const char *)p;
	if ((version != 1 && version != 3) || strcmp(augmentation, "zR") != 0)
		return false;
	p += sizeof("zR");
	m->code_align = uleb(&p);
	m->data_align = sleb(&p);
	uleb(&p); /* return address column */
	u64 length = uleb(&p);
	if (*p != ENCODING_PCREL_S32)
		return false;
	m->p = p + length;
	m->end = end;
	return true;
}

/* Finds the row for `pc`, by a linear search: panics are rare. */
static bool row_find(u64 pc, struct row *out)
{
	for (const u8 *e = eh_frame_start; e + 4 <= eh_frame_end && read_u32(e);) {
		const u8 *next = e + 4 + read_u32(e);
		u32 cie_distance = read_u32(e + 4);
		u64 start = (u64)(e + 8) + (s64)(s32)read_u32(e + 8), size = read_u32(e + 12);
		if (!cie_distance || pc < start || pc >= start + size) {
			e = next;
			continue;
		}
		static struct machine m; /* only the panicking processor comes here */
		m = (struct machine){0};
		if (!cie_parse(&m, e + 4 - cie_distance) || !execute(&m, UINT64_MAX - 1))
			return false;
		m.initial = m.row;
		m.pc = start;
		m.p = e + 16;
		u64 skip = uleb(&m.p);
		m.p += skip;
		m.end = next;
		if (!execute(&m, pc))
			return false;
		*out = m.row;
		return true;
	}
	return false;
}

/* Stacks lie in the vmap area or in the image. */
static bool stack_readable(u64 a)
{
	return a % 8 == 0 && ((a >= VMAP_START && a < VMAP_END - 8) ||
	                      (a >= (u64)data_start && a < (u64)image_end - 8));
}
static bool in_text(u64 pc)
{
	return pc >= (u64)text_start && pc < (u64)text_end;
}
static bool in_entry(u64 pc)
{
	return pc >= (u64)entry_text_start && pc < (u64)entry_text_end;
}

void unwind_start_at(struct unwind *u, const struct regs *r)
{
	*u = (struct unwind){.pc = r->rip,
	                     .sp = r->rsp,
	                     .saved = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp,
	                               r->rsp, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14,
	                               r->r15}};
}

void unwind_capture(struct regs *r); /* switch.S */

void unwind_start(struct unwind *u)
{
	struct regs r = {0};
	unwind_capture(&r);
	unwind_start_at(u, &r);
	unwind_step(u);
}

/* A return address in entry code has the struct regs of what was interrupted right above it. */
static bool step_trap(struct unwind *u)
{
	const struct regs *r = (const struct regs *)u->sp;
	if (!stack_readable(u->sp) || !stack_readable(u->sp + sizeof(*r) - 8))
		return false;
	unwind_start_at(u, r);
	u->trap = r;
	return !regs_from_user(r) && in_text(r->rip);
}

/* Execution went to an address that is no code: the call that went there left its return address on top. */
static bool step_wild(struct unwind *u)
{
	if (!stack_readable(u->sp))
		return false;
	u->pc = *(u64 *)u->sp;
	u->sp += 8;
	return in_text(u->pc);
}

bool unwind_step(struct unwind *u)
{
	struct row row;
	u->trap = NULL;
	if (!in_text(u->pc))
		return step_wild(u);
	if (in_entry(u->pc))
		return step_trap(u);
	/* A return address may lie just behind its function when the call was the last instruction. */
	if (!row_find(u->pc - 1, &row) || row.cfa_register >= REGISTERS - 1)
		return false;
	u64 base = row.cfa_register == DWARF_RSP ? u->sp : u->saved[row.cfa_register];
	u64 cfa = base + (u64)row.cfa_offset;
	for (u32 i = 0; i < DWARF_RIP; i++) {
		u64 at = cfa + (u64)row.offset[i];
		if (row.offset[i] && stack_readable(at))
			u->saved[i] = *(u64 *)at;
	}
	if (!stack_readable(cfa - 8))
		return false;
	u->pc = *(u64 *)(cfa - 8);
	u->sp = cfa;
	return in_text(u->pc);
}
