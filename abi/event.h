/* eventfd(2), timerfd_create(2), signalfd(2), epoll_ctl(2): flags and structures of the Linux x86-64 ABI. */
#pragma once
#include "abi/types.h"

enum { EFD_SEMAPHORE = 1, EFD_NONBLOCK = 04000, EFD_CLOEXEC = 02000000 };
enum {
	TFD_TIMER_ABSTIME = 1,
	TFD_TIMER_CANCEL_ON_SET = 2,
	TFD_NONBLOCK = 04000,
	TFD_CLOEXEC = 02000000,
	TFD_IOC_SET_TICKS = 0x40085400,
};
enum { SFD_NONBLOCK = 04000, SFD_CLOEXEC = 02000000 };

struct signalfd_siginfo {
	u32 signo;
	s32 error, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value;
	u64 ptr, utime, stime, addr;
	u16 addr_lsb, pad2;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd(2)");

enum { EPOLL_CLOEXEC = 02000000 };
enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 };
/* The events themselves are those of poll(2). */
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)
struct epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));
_Static_assert(sizeof(struct epoll_event) == 12, "epoll_ctl(2)");
