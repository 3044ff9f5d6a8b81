/* Times and clocks of the Linux x86-64 ABI: time(7), clock_gettime(2), getitimer(2), adjtimex(2). */
#pragma once
#include "abi/types.h"

struct abi_timespec {
	s64 sec;
	s64 nsec;
};
_Static_assert(sizeof(struct abi_timespec) == 16, "ABI");
struct abi_timeval {
	s64 sec;
	s64 usec;
};
struct abi_itimerspec {
	struct abi_timespec interval, value;
};
struct abi_itimerval {
	struct abi_timeval interval, value;
};
struct abi_timezone {
	s32 minutes_west, dst_time;
};

enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_PROCESS_CPUTIME_ID = 2,
	CLOCK_THREAD_CPUTIME_ID = 3,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9,
	CLOCK_TAI = 11,
	TIMER_ABSTIME = 1,
	COARSE_RESOLUTION_NS = 4000000,
};
enum { ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2 };

struct abi_timex {
	u32 modes, pad0;
	s64 offset, freq, maxerror, esterror;
	s32 status, pad1;
	s64 constant, precision, tolerance;
	struct abi_timeval time;
	s64 tick, ppsfreq, jitter;
	s32 shift, pad2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai, reserved[11];
};
_Static_assert(sizeof(struct abi_timex) == 208, "struct timex");
enum { /* timex.modes */
       ADJ_OFFSET = 0x1,
       ADJ_FREQUENCY = 0x2,
       ADJ_MAXERROR = 0x4,
       ADJ_ESTERROR = 0x8,
       ADJ_STATUS = 0x10,
       ADJ_TIMECONST = 0x20,
       ADJ_MICRO = 0x1000,
       ADJ_TICK = 0x4000,
       ADJ_OFFSET_SINGLESHOT = 0x8001, /* adjtime(3) */
       ADJ_OFFSET_SS_READ = 0xa001,
       ADJ_ADJTIME = 0x8000, /* the bit that the last two have, and how they differ: */
       ADJ_OFFSET_READONLY = 0x2000,
};
enum { STA_UNSYNC = 0x40, TIME_ERROR = 5 };

struct abi_sigevent {
	u64 value;
	s32 signo, notify;
	s32 tid, pad[11];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "struct sigevent");
enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 };
