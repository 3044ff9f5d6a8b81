/*
 * Memory that runs out anywhere: each case makes the first, second, ... allocation inside one system call fail until
 * the call no longer notices (/proc/self/fail-nth, which kernels with fault injection have; Halyard's debug image
 * does). The call must succeed or say that there is no memory, and the next one must succeed: nothing half
 * done, nothing held. What was lost shows in the leak report at the end of the boot.
 */
#pragma once
#include "harness.h"

enum { TRIES = 400, PAGE = 4096 };

static int control = -1;
static char text[64 << 10];

static void arm(int n)
{
	char digits[16];
	int length = snprintf(digits, sizeof(digits), "%d", n);
	if (pwrite(control, digits, (size_t)length, 0) != length)
		_exit(97);
}
/* => did the armed allocation fail? */
static int disarm(void)
{
	char digits[16] = "";
	if (pread(control, digits, sizeof(digits) - 1, 0) <= 0)
		_exit(98);
	arm(0);
	return digits[0] == '0';
}

/* What a call may say when there is no memory: fork and timer_create say EAGAIN, sockets ENOBUFS, open ENFILE. */
static int is_shortage(int error)
{
	return error == ENOMEM || error == EAGAIN || error == ENOBUFS || error == ENFILE ||
	       error == ENOSPC;
}

/* call() => its result; undo(result) takes back what it did. */
static void exhaust(const char *name, long (*call)(void), void (*undo)(long))
{
	if (control < 0)
		control = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return; /* a kernel without fault injection */
	for (int n = 1, fired = 1; fired; n++) {
		arm(n);
		errno = 0;
		long result = call();
		int error = errno;
		fired = disarm();
		if (result == -1 && (!fired || !is_shortage(error)))
			test_fail(__FILE__, __LINE__, "%s, allocation %d: %s%s", name, n,
			          errno_name(error), fired ? "" : ", and none failed");
		if (result != -1 && undo)
			undo(result);
		if (n > TRIES || (!fired && result == -1))
			break;
	}
}
#define EXHAUST(call, undo) exhaust(#call, call, undo)

/* What the case in hand works on. */
static int id;

static inline long make_child(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}
static inline void wait_child(long pid)
{
	EQ(waitpid((pid_t)pid, NULL, 0), pid);
}
