/* Between the files of kernel/sched: what the tick calls. */
#pragma once
#include "kernel/sched/thread.h"

/* Threads wait here: hands one to an idle processor, or, if `spread`, to one with fewer. */
void balance_tick(bool spread);
void loadavg_tick(void);
