/* Capabilities, capget(2): musl's headers do not have them. */
#pragma once
#include "harness.h"
#include <grp.h>
#include <sys/prctl.h>

enum {
	CAP_CHOWN = 0,
	CAP_DAC_OVERRIDE = 1,
	CAP_KILL = 5,
	CAP_SETUID = 7,
	CAP_IPC_LOCK = 14,
	CAP_IPC_OWNER = 15,
	CAP_SYS_ADMIN = 21,
	CAP_SYS_RESOURCE = 24
};

struct cap_header {
	uint32_t version;
	int pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};
enum { CAP_VERSION_3 = 0x20080522 };

static inline int cap_set(uint64_t mask)
{
	struct cap_header header = {CAP_VERSION_3, 0};
	struct cap_data data[2] = {{(uint32_t)mask, (uint32_t)mask, 0},
	                           {(uint32_t)(mask >> 32), (uint32_t)(mask >> 32), 0}};
	return (int)syscall(SYS_capset, &header, data);
}
static inline uint64_t cap_effective(void)
{
	struct cap_header header = {CAP_VERSION_3, 0};
	struct cap_data data[2] = {{0, 0, 0}, {0, 0, 0}};
	syscall(SYS_capget, &header, data);
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* Becomes an ordinary user that keeps exactly the capabilities of MASK. */
static inline void become_with(uint64_t mask, uid_t uid)
{
	OK(prctl(PR_SET_KEEPCAPS, 1));
	MUST(setgroups(0, NULL));
	MUST(setresgid(uid, uid, uid));
	MUST(setresuid(uid, uid, uid));
	OK(cap_set(mask));
}
