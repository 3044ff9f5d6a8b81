/*
 * Boot, as a readable list. The architecture calls kernel_main() on processor 0 when memory map and clocks are
 * known; it becomes that processor's idle thread. Everything that may sleep happens in the boot thread, and what
 * wants a process (files, credentials) in process 1 before it becomes /init.
 */
#include "kernel/main.h"
#include "arch/boot.h"
#include "arch/clock.h"
#include "arch/console.h"
#include "arch/cpu.h"
#include "kernel/dev/device.h"
#include "kernel/dev/random.h"
#include "kernel/fs/context.h"
#include "kernel/fs/devfs.h"
#include "kernel/fs/procfs.h"
#include "kernel/fs/sysfs.h"
#include "kernel/init_arguments.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/log.h"
#include "kernel/log.h"
#include "kernel/mm/slab.h"
#include "kernel/panic.h"
#include "kernel/port/ipc_init.h"
#include "kernel/proc/task.h"
#include "kernel/sched/realtime.h"
#include "kernel/sched/vdso.h"

/* In process 1. */
static void prepare_root(void)
{
	int failure = devfs_default_nodes();
	if (failure)
		log_warn("no /dev/console: error %d", failure);
	failure = initramfs_unpack();
	if (failure)
		log_warn("initramfs: error %d", failure);
	char pattern[64];
	if (boot_option("selftest", pattern, sizeof(pattern)))
		selftest_run(pattern[0] ? pattern : "*");
	slab_leak_baseline();
}

static void boot_thread(void *unused)
{
	proc_init();
	vfs_init();
	devices_init();
	serial_enable_input();
	devfs_init();
	procfs_init();
	sysfs_init();
	ipc_init();
	vdso_init();
	const struct init_arguments *init = init_arguments();
	init_start(prepare_root, init->paths, init->argv, init->envp);
	thread_exit();
}

void kernel_main(void)
{
	char value[8];
	if (boot_option("quiet", value, sizeof(value)))
		log_set_quiet();
	panic_init();
	log_info("Halyard; command line: %s", boot_info.command_line ?: "");
	log_info("clock: %llu kHz", (unsigned long long)clock_scale.hz / 1000);
	mm_init();
	sched_init_cpu();
	realtime_init();
	random_init();
	smp_init();
	if (is_err(kthread_start(boot_thread, NULL, "boot")))
		panic("boot: no memory for the first thread");
	sched_idle_loop();
}
