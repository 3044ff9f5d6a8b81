#include "kernel/lib/test.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/proc_internal.h"

static struct cred root_like(void)
{
	return (struct cred){
		.cap_permitted = CAP_FULL, .cap_effective = CAP_FULL, .cap_ambient = 1};
}

TEST(caps_go_when_the_last_root_id_goes)
{
	struct cred old = root_like(), new = old;

	new.uid = new.euid = new.suid = 1000;
	cred_fix_caps(&new, &old);
	CHECK_EQ(new.cap_permitted, 0);
	CHECK_EQ(new.cap_effective, 0);
	CHECK_EQ(new.cap_ambient, 0);
}

TEST(caps_stay_permitted_while_a_saved_id_is_root)
{
	struct cred old = root_like(), new = old;

	new.euid = 1000;
	cred_fix_caps(&new, &old);
	CHECK_EQ(new.cap_permitted, CAP_FULL);
	CHECK_EQ(new.cap_effective, 0);

	struct cred back = new;
	back.euid = 0;
	cred_fix_caps(&back, &new);
	CHECK_EQ(back.cap_effective, CAP_FULL);
}

TEST(caps_keep_with_keepcaps_but_lose_effective)
{
	struct cred old = root_like(), new;

	old.securebits = SECBIT_KEEP_CAPS;
	new = old;
	new.uid = new.euid = new.suid = 1000;
	cred_fix_caps(&new, &old);
	CHECK_EQ(new.cap_permitted, CAP_FULL);
	CHECK_EQ(new.cap_effective, 0);
	CHECK_EQ(new.cap_ambient, 0);
}

TEST(caps_of_files_follow_fsuid)
{
	struct cred old = root_like(), new = old;

	new.fsuid = 1000;
	cred_fix_fs_caps(&new, &old);
	CHECK_EQ(new.cap_effective, CAP_FULL & ~CAP_FS_SET);

	struct cred back = new;
	back.fsuid = 0;
	cred_fix_fs_caps(&back, &new);
	CHECK_EQ(back.cap_effective, CAP_FULL);
}

TEST(groups_sort_and_search)
{
	u32 g[101];

	for (u32 i = 0; i < 101; i++)
		g[i] = i * 37 % 101 * 2;
	groups_sort(g, 101);
	for (u32 i = 0; i < 101; i++)
		CHECK_EQ(g[i], 2 * i);
	struct cred c = {.fsgid = 7, .egid = 9, .groups = g, .group_count = 101};
	for (u32 i = 0; i < 101; i++) {
		CHECK(cred_in_group(&c, 2 * i));
		CHECK(!cred_in_group(&c, 2 * i + 1) || 2 * i + 1 == 7);
	}
	CHECK(cred_in_group(&c, 7));
	groups_sort(g, 0);
	groups_sort(g, 1);
}
