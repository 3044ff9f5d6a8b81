/*
 * Sleeping until a time of the wall clock: park() whose deadline moves when the clock is set (clock_settime(2)).
 * One waitq for all such sleepers is woken by every change; each computes its deadline anew.
 */
#pragma once
#include "kernel/sched/thread.h"

/* As park(), deadline in realtime_ns() time. A change of the clock counts as a spurious wake-up. */
enum park_result park_wall(u64 deadline_ns, enum park_kind kind);
