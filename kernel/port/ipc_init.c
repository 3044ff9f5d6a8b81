#include "kernel/port/ipc_init.h"
#include "kernel/ipc/futex/futex.h"
#include "kernel/net/net.h"
#include "kernel/port/epoll_file.h"
#include "kernel/port/event_file.h"
#include "kernel/port/internal.h"

void ipc_init(void)
{
	port_memory_init();
	futex_init();
	proc_sysv_init();
	mqueue_init();
	pipe_files_init();
	event_files_init();
	epoll_files_init();
	net_init();
	task_hooks_init();
}
