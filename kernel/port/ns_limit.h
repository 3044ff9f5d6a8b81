/*
 * Sysctls that are one word of the reader's IPC namespace: the pair of functions that struct sysctl
 * (kernel/fs/procfs.h) wants. The words are read and written without a lock (kernel/ipc/ns.h); the
 * bounds of what may be stored stand in the sysctl.
 *
 *	NS_LIMIT(max, msg_max, s32)	load_max, store_max of ns->msg_max
 *	NS_NEXT_ID(msg)			load_next_id, store_next_id of ns->msg
 */
#pragma once
#include "kernel/fs/procfs.h"
#include "kernel/ipc/ns.h"

#define NS_LIMIT(name, field, type)                                                                \
	static int load_##name(const struct sysctl *c, s64 *values)                                \
	{                                                                                          \
		values[0] = (s64)load_relaxed(&port_ipc_ns()->field);                              \
		return 0;                                                                          \
	}                                                                                          \
	static int store_##name(const struct sysctl *c, const s64 *values, u32 given)              \
	{                                                                                          \
		store_relaxed(&port_ipc_ns()->field, (type)values[0]);                             \
		return 0;                                                                          \
	}

#define NS_NEXT_ID(family)                                                                         \
	static int load_next_id(const struct sysctl *c, s64 *values)                               \
	{                                                                                          \
		values[0] = ipc_ids_next_id(&port_ipc_ns()->family);                               \
		return 0;                                                                          \
	}                                                                                          \
	static int store_next_id(const struct sysctl *c, const s64 *values, u32 given)             \
	{                                                                                          \
		return given ? ipc_ids_set_next_id(&port_ipc_ns()->family, (s32)values[0]) : 0;    \
	}
