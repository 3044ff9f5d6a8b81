/* What programs about any System V family share. */
#pragma once
#include "harness.h"
#include <grp.h>
#include <sys/ipc.h>

/* An IPC namespace of this process's own: no other test's objects, no other test's limits. */
static inline void own_namespace(void)
{
	MUST(unshare(CLONE_NEWIPC));
}
/* Becomes an ordinary user with one supplementary group (0: none), without any capability. */
static inline void become(uid_t uid, gid_t gid, gid_t other)
{
	MUST(setgroups(other ? 1 : 0, &other));
	MUST(setresgid(gid, gid, gid));
	MUST(setresuid(uid, uid, uid));
}
/* fork(2) with flags of clone(2). */
static inline int clone_process(int flags)
{
	return (int)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}
