#include "kernel/port/ipc_init.h"
#include "kernel/port/internal.h"

void ipc_init(void)
{
	proc_files_init();
	pipe_files_init();
}
