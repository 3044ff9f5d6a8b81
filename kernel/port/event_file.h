/*
 * Event counters and timers as open files: eventfd(2), timerfd_create(2) over kernel/ipc/event.
 *
 * Objects and lifetimes. The counter or timer belongs to its file and ends with it. A timerfd's file has a kernel timer
 * beside it, armed only while somebody polls and nothing is to be read.
 *
 * Locking: system calls, no lock held. What can fail: making one, for want of memory.
 */
#pragma once
#include "kernel/lib/result.h"

struct file;
struct timerfd;

/* flags: O_NONBLOCK. => a file with one reference, or err_ptr(-ENOMEM). */
struct file *eventfd_file_new(u32 counter, bool semaphore, u32 flags);
struct file *timerfd_file_new(bool wall_clock, u32 flags);
/* => the timer behind f, borrowed from it; NULL: another kind of file. */
struct timerfd *timerfd_of(struct file *f);
/* timerfd_settime(2) changed f's timer, f being one: whoever polls is to be told at another time. */
void timerfd_file_changed(struct file *f);
/* Boot: follows changes of the wall clock (TFD_TIMER_CANCEL_ON_SET). */
void event_files_init(void);
