/* Faults that are allowed to happen, and finding one's way back from those that are not. */
#include "arch/boot.h"
#include "arch/uaccess.h"
#include "arch/unwind.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/lib/symbols.h"

extern const struct fault_entry fault_table_start[], fault_table_end[];

TEST(fault_table_is_sorted_and_finds_its_entries)
{
	for (const struct fault_entry *e = fault_table_start; e + 1 < fault_table_end; e++)
		CHECK(e[0].insn < e[1].insn);
	bool nofault;
	for (const struct fault_entry *e = fault_table_start; e < fault_table_end; e++)
		CHECK_EQ(fault_table_find(e->insn, &nofault), e->fixup);
	CHECK_EQ(fault_table_find(0, &nofault), 0);
	CHECK_EQ(fault_table_find(~0ull, &nofault), 0);
}

/* A kernel thread has no user memory: each access must fail, whatever its shape. */
TEST(uaccess_fails_on_addresses_that_are_not_user_memory)
{
	static const u64 bad[] = {0,
	                          8,
	                          4095,
	                          0x400000,
	                          USER_END - 8,
	                          USER_END - 4,
	                          USER_END,
	                          USER_END + 8,
	                          0x0000800000000000,
	                          0xfffffffffffffff8,
	                          DIRECT_MAP,
	                          KERNEL_MAP};
	char buf[256] = {0};
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		uptr_t p = UPTR(bad[i]);
		u32 word;
		CHECK_EQ(copy_from_user(buf, p, 1), -EFAULT);
		CHECK_EQ(copy_from_user(buf, p, 24), -EFAULT);
		CHECK_EQ(copy_to_user(p, buf, 15), -EFAULT);
		CHECK_EQ(copy_from_user_partial(buf, p, 203), 203);
		CHECK_EQ(copy_to_user_partial(p, buf, 203), 203);
		CHECK_EQ(clear_user(p, 77), -EFAULT);
		CHECK_EQ(strncpy_from_user(buf, p, sizeof(buf)), -EFAULT);
		CHECK_EQ(user_load_u32_nofault(p, &word), -EFAULT);
		CHECK_EQ(user_cmpxchg_u32_nofault(p, 1, 2, &word), -EFAULT);
	}
}

TEST(uaccess_of_nothing_succeeds_and_huge_sizes_fail)
{
	char buf[8];
	volatile size_t none = 0, huge = SIZE_MAX;
	CHECK_EQ(copy_from_user(buf, UPTR(4096), none), 0);
	CHECK_EQ(copy_to_user(UPTR(4096), buf, none), 0);
	CHECK_EQ(copy_from_user_partial(buf, UPTR(4096), huge), SIZE_MAX);
	CHECK_EQ(clear_user(UPTR(4096), huge), -EFAULT);
}

static NOINLINE u64 named_caller(struct unwind *u)
{
	unwind_start(u);
	u64 pc = u->pc;
	compiler_barrier();
	return pc;
}
TEST(unwind_names_the_caller)
{
	struct unwind u;
	u64 start = 0, pc = named_caller(&u);
	const char *name = symbol_find(pc, &start);
	CHECK(name && strcmp(name, "named_caller") == 0);
	CHECK(start == (u64)named_caller);
	CHECK(unwind_step(&u));
	name = symbol_find(u.pc, &start);
	CHECK(name && strcmp(name, "unwind_names_the_caller") == 0);
}

TEST(boot_words_are_split_and_unquoted)
{
	const char *at = "  a b=\"c d\"  -- \"\" e";
	static const char *const want[] = {"a", "b=c d", "--", "", "e"};
	char word[32];
	for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
		CHECK(boot_word(&at, word, sizeof(word)));
		CHECK(strcmp(word, want[i]) == 0);
	}
	CHECK(!boot_word(&at, word, sizeof(word)));
}
