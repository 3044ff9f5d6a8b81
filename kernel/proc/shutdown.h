/* The end, reboot(2). */
#pragma once
#include "kernel/lib/compiler.h"

enum shutdown { SHUTDOWN_POWER_OFF, SHUTDOWN_RESTART, SHUTDOWN_HALT };
/* Kills every other process, waits until they are gone, reports leaks in debug builds, and stops the machine. */
NORETURN void kernel_shutdown(enum shutdown how);
