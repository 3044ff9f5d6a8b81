/* Between the files of kernel/sched: what the tick calls. */
#pragma once
#include "kernel/sched/thread.h"

/* Threads wait here: wakes an idle processor that may take one; `spread`: hands one to a processor with fewer. */
void balance_tick(bool spread);
void loadavg_tick(void);
