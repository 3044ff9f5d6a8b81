/*
 * Sysctls that are numbers of an IPC namespace: of the one that their opener was in, whoever reads or writes them later.
 * The words are read and written without a lock (kernel/ipc/ns.h); the bounds of what may be stored stand in the
 * struct sysctl (kernel/fs/procfs.h).
 *
 *	NS_LIMIT(max, msg_max, s32)	load_max, store_max: of ns->msg_max
 *	{.path = "sys/kernel/msgmax", .max = INT32_MAX, NS_SYSCTL(max)}
 */
#pragma once
#include "kernel/fs/procfs.h"
#include "kernel/ipc/ns.h"

extern const struct sysctl_owner ns_sysctl_owner; /* proc_sysv.c */

#define NS_SYSCTL(name) .owner = &ns_sysctl_owner, .load_of = load_##name, .store_of = store_##name

#define NS_LIMIT(name, field, type)                                                                \
	static int load_##name(void *owner, s64 *values)                                           \
	{                                                                                          \
		const struct ipc_namespace *ns = owner;                                            \
		values[0] = (s64)load_relaxed(&ns->field);                                         \
		return 0;                                                                          \
	}                                                                                          \
	static int store_##name(void *owner, const s64 *values, u32 given)                         \
	{                                                                                          \
		struct ipc_namespace *ns = owner;                                                  \
		store_relaxed(&ns->field, (type)values[0]);                                        \
		return 0;                                                                          \
	}
