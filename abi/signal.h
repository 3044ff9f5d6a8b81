/* Signal numbers and structures of the Linux x86-64 ABI: signal(7), sigaction(2), sigaltstack(2). */
#pragma once
#include "abi/types.h"

enum {
	SIGHUP = 1,
	SIGINT,
	SIGQUIT,
	SIGILL,
	SIGTRAP,
	SIGABRT,
	SIGBUS,
	SIGFPE,
	SIGKILL,
	SIGUSR1,
	SIGSEGV,
	SIGUSR2,
	SIGPIPE,
	SIGALRM,
	SIGTERM,
	SIGSTKFLT,
	SIGCHLD,
	SIGCONT,
	SIGSTOP,
	SIGTSTP,
	SIGTTIN,
	SIGTTOU,
	SIGURG,
	SIGXCPU,
	SIGXFSZ,
	SIGVTALRM,
	SIGPROF,
	SIGWINCH,
	SIGIO,
	SIGPWR,
	SIGSYS,
	SIGRTMIN = 32,
	SIGRTMAX = 64,
	NSIG = 64
};

/* si_code: who sent it. Positive codes come from the kernel and cannot be forged (rt_sigqueueinfo(2)). */
enum {
	SI_USER = 0,
	SI_KERNEL = 0x80,
	SI_QUEUE = -1,
	SI_TIMER = -2,
	SI_MESGQ = -3,
	SI_ASYNCIO = -4,
	SI_SIGIO = -5,
	SI_TKILL = -6,

	ILL_ILLOPC = 1,
	ILL_ILLOPN = 2,
	ILL_PRVOPC = 5,
	FPE_INTDIV = 1,
	FPE_INTOVF = 2,
	FPE_FLTDIV = 3,
	FPE_FLTOVF = 4,
	FPE_FLTUND = 5,
	FPE_FLTRES = 6,
	FPE_FLTINV = 7,
	SEGV_MAPERR = 1,
	SEGV_ACCERR = 2,
	SEGV_BNDERR = 3,
	BUS_ADRALN = 1,
	BUS_ADRERR = 2,
	TRAP_BRKPT = 1,
	TRAP_TRACE = 2,

	CLD_EXITED = 1,
	CLD_KILLED = 2,
	CLD_DUMPED = 3,
	CLD_TRAPPED = 4,
	CLD_STOPPED = 5,
	CLD_CONTINUED = 6,
};

/* sigaction(2) flags, sigprocmask(2) `how`, sigaltstack(2) flags. */
enum {
	SA_NOCLDSTOP = 1,
	SA_NOCLDWAIT = 2,
	SA_SIGINFO = 4,
	SA_UNSUPPORTED = 0x400,
	SA_RESTORER = 0x04000000,
	SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000,
	SA_NODEFER = 0x40000000,
	SIG_BLOCK = 0,
	SIG_UNBLOCK = 1,
	SIG_SETMASK = 2,
	SS_ONSTACK = 1,
	SS_DISABLE = 2,
	MINSIGSTKSZ = 2048,
};
#define SA_RESETHAND  0x80000000u
#define SS_AUTODISARM (1u << 31)
#define SIG_DFL       0ull
#define SIG_IGN       1ull

union sigval {
	s32 i;
	u64 ptr;
};

/* siginfo_t. Which member of the union counts follows from si_signo and si_code. */
struct siginfo {
	s32 signo, error, code, pad;
	union {
		struct {
			s32 pid;
			u32 uid;
			union sigval value; /* SI_QUEUE, SI_MESGQ */
		};
		struct {
			s32 timer_id, overrun;
			union sigval timer_value;
		};
		struct {
			s32 child_pid;
			u32 child_uid;
			s32 status, child_pad;
			s64 utime, stime; /* clock ticks */
		};
		struct {
			u64 addr;
			s16 addr_lsb;
		};
		struct {
			s64 band;
			s32 fd;
		};
		struct {
			u64 call_addr;
			s32 syscall;
			u32 arch;
		};
		u8 bytes[112];
	};
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t");
_Static_assert(offsetof(struct siginfo, pid) == 16, "si_pid");
_Static_assert(offsetof(struct siginfo, value) == 24, "si_value");
_Static_assert(offsetof(struct siginfo, status) == 24, "si_status");
_Static_assert(offsetof(struct siginfo, utime) == 32, "si_utime");
/* The part that any member reaches; the rest is zero in what user space sees. */
enum { SIGINFO_USED = 48 };
struct siginfo_used {
	u64 word[SIGINFO_USED / 8];
};
static inline void siginfo_copy_used(struct siginfo *to, const struct siginfo *from)
{
	*(struct siginfo_used *)to = *(const struct siginfo_used *)from;
}
static inline void siginfo_clear_used(struct siginfo *info)
{
	*(struct siginfo_used *)info = (struct siginfo_used){};
}

struct sigaction_abi {
	u64 handler, flags, restorer, mask;
};
_Static_assert(sizeof(struct sigaction_abi) == 32, "kernel sigaction");

struct sigaltstack_abi {
	u64 sp;
	s32 flags;
	u32 pad;
	u64 size;
};
_Static_assert(sizeof(struct sigaltstack_abi) == 24, "stack_t");
