/* Sending signals on behalf of user space: who may signal whom, and to which of many, kill(2). */
#pragma once
#include "kernel/proc/signal.h"

/* kill(2): pid > 0, 0, -1, < -1. sig 0 only checks. => 0, -ESRCH, -EPERM, -EINVAL. */
MUST_CHECK int signal_kill(s32 pid, int sig, const struct siginfo *info);
/* tgkill(2); tgid 0: tkill(2). */
MUST_CHECK int signal_kill_thread(s32 tgid, s32 tid, int sig, const struct siginfo *info);
/* pidfd_send_signal(2), waitid's kin: permission and sending for one process. */
MUST_CHECK int signal_kill_process(struct process *p, int sig, const struct siginfo *info);

/* rt_sigtimedwait(2): => signal number, -EAGAIN (time-out), -EINTR. */
MUST_CHECK int signal_wait(sigset_t set, struct siginfo *info, u64 deadline_ns);
/* sigaction(2): old and new may be NULL. => 0 or -EINVAL. */
MUST_CHECK int signal_action(int sig, const struct sigaction_abi *new, struct sigaction_abi *old);
/* rt_sigsuspend(2), pause(2): => -ERESTARTNOHAND. */
MUST_CHECK int signal_suspend(void);
