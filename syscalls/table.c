#include "abi/syscalls.h"
#include "arch/trap.h"
#include "syscalls/syscall.h"

/* What nobody defines answers ENOSYS: a strong sys_NAME elsewhere replaces the alias. */
long sys_unsupported(void);
long sys_unsupported(void)
{
	return -ENOSYS;
}

#define S(nr, name) long sys_##name(void) __attribute__((weak, alias("sys_unsupported")));
SYSCALL_LIST(S)
#undef S

syscall_fn *const syscall_table[NR_SYSCALLS] = {[0 ... NR_SYSCALLS - 1] =
                                                        (syscall_fn *)sys_unsupported,
#define S(nr, name) [nr] = (syscall_fn *)sys_##name,
                                                SYSCALL_LIST(S)
#undef S
};
