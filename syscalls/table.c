/* From numbers to functions: abi/syscalls.h, numbers in order. */
#include "abi/syscalls.h"
#include "arch/trap.h"
#include "syscalls/syscall.h"

/* What nobody defines answers ENOSYS: a strong sys_NAME elsewhere replaces the alias. In this file every
 * call has six arguments, whatever its definition takes: they are registers. */
syscall_fn sys_unsupported;
long sys_unsupported(long a, long b, long c, long d, long e, long f)
{
	return -ENOSYS;
}

#define S(nr, name) syscall_fn sys_##name __attribute__((weak, alias("sys_unsupported")));
SYSCALL_LIST(S)
#undef S

/* These go through entry code that saves and restores all registers. */
#define sys_fork         full_regs_fork
#define sys_vfork        full_regs_vfork
#define sys_clone        full_regs_clone
#define sys_clone3       full_regs_clone3
#define sys_execve       full_regs_execve
#define sys_execveat     full_regs_execveat
#define sys_rt_sigreturn full_regs_rt_sigreturn

#define HOLE_FIRST 335 /* Linux left these numbers free so that later ones agree on all machines */
#define HOLE_LAST  423
syscall_fn *const syscall_table[NR_SYSCALLS] = {
#define S(nr, name) [nr] = sys_##name,
	SYSCALL_LIST(S)
#undef S
		[HOLE_FIRST... HOLE_LAST] = sys_unsupported,
};
