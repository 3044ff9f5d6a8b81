/*
 * How a system call is written. The entry code calls sys_NAME with the six argument registers.
 *
 *	SYSCALL3(semop, int, semid, uptr_t, sops, size_t, nsops) { ... return 0 or -errno; }
 *
 * Argument types: integers (truncated to their width, as the ABI wants) and uptr_t. This file's
 * directory decodes and copies; the mechanism is elsewhere.
 */
#pragma once
#include "abi/errno.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

#define SYSARG(T, raw_)                                                                            \
	(((union {                                                                                 \
		 long raw;                                                                         \
		 T val;                                                                            \
	 }){.raw = (raw_)})                                                                        \
	         .val)

#define SYSCALL0(name)                                                                             \
	long sys_##name(void);                                                                     \
	long sys_##name(void)
#define SYSCALL1(name, T1, a1)                                                                     \
	static inline long do_sys_##name(T1);                                                      \
	long sys_##name(long);                                                                     \
	long sys_##name(long r1)                                                                   \
	{                                                                                          \
		return do_sys_##name(SYSARG(T1, r1));                                              \
	}                                                                                          \
	static inline long do_sys_##name(T1 a1)
#define SYSCALL2(name, T1, a1, T2, a2)                                                             \
	static inline long do_sys_##name(T1, T2);                                                  \
	long sys_##name(long, long);                                                               \
	long sys_##name(long r1, long r2)                                                          \
	{                                                                                          \
		return do_sys_##name(SYSARG(T1, r1), SYSARG(T2, r2));                              \
	}                                                                                          \
	static inline long do_sys_##name(T1 a1, T2 a2)
#define SYSCALL3(name, T1, a1, T2, a2, T3, a3)                                                     \
	static inline long do_sys_##name(T1, T2, T3);                                              \
	long sys_##name(long, long, long);                                                         \
	long sys_##name(long r1, long r2, long r3)                                                 \
	{                                                                                          \
		return do_sys_##name(SYSARG(T1, r1), SYSARG(T2, r2), SYSARG(T3, r3));              \
	}                                                                                          \
	static inline long do_sys_##name(T1 a1, T2 a2, T3 a3)
#define SYSCALL4(name, T1, a1, T2, a2, T3, a3, T4, a4)                                             \
	static inline long do_sys_##name(T1, T2, T3, T4);                                          \
	long sys_##name(long, long, long, long);                                                   \
	long sys_##name(long r1, long r2, long r3, long r4)                                        \
	{                                                                                          \
		return do_sys_##name(SYSARG(T1, r1), SYSARG(T2, r2), SYSARG(T3, r3),               \
		                     SYSARG(T4, r4));                                              \
	}                                                                                          \
	static inline long do_sys_##name(T1 a1, T2 a2, T3 a3, T4 a4)
#define SYSCALL5(name, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5)                                     \
	static inline long do_sys_##name(T1, T2, T3, T4, T5);                                      \
	long sys_##name(long, long, long, long, long);                                             \
	long sys_##name(long r1, long r2, long r3, long r4, long r5)                               \
	{                                                                                          \
		return do_sys_##name(SYSARG(T1, r1), SYSARG(T2, r2), SYSARG(T3, r3),               \
		                     SYSARG(T4, r4), SYSARG(T5, r5));                              \
	}                                                                                          \
	static inline long do_sys_##name(T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
#define SYSCALL6(name, T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6)                             \
	static inline long do_sys_##name(T1, T2, T3, T4, T5, T6);                                  \
	long sys_##name(long, long, long, long, long, long);                                       \
	long sys_##name(long r1, long r2, long r3, long r4, long r5, long r6)                      \
	{                                                                                          \
		return do_sys_##name(SYSARG(T1, r1), SYSARG(T2, r2), SYSARG(T3, r3),               \
		                     SYSARG(T4, r4), SYSARG(T5, r5), SYSARG(T6, r6));              \
	}                                                                                          \
	static inline long do_sys_##name(T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
