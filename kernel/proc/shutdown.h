/*
 * The end, reboot(2).
 *
 * A release build stops the machine at once. A debug build first takes everything apart, so that what is still
 * allocated afterwards is a leak: every process is killed, process 1 last, the rooms give back what users left behind
 * (hooks.h, shutdown), and a kernel thread that was made at boot for this reports and stops the machine.
 */
#pragma once
#include "kernel/lib/compiler.h"

enum shutdown { SHUTDOWN_POWER_OFF, SHUTDOWN_RESTART, SHUTDOWN_HALT };
void shutdown_init(void); /* boot */
NORETURN void kernel_shutdown(enum shutdown how);
/* Process 1 may exit: the system goes down. */
bool kernel_is_ending(void);
