/* Event counters and timers as open files. */
#pragma once
#include "kernel/lib/result.h"

struct file;
struct timerfd;

/* flags: O_NONBLOCK. => a file with one reference, or err_ptr. */
struct file *eventfd_file_new(u32 counter, bool semaphore, u32 flags);
struct file *timerfd_file_new(bool wall_clock, u32 flags);
struct timerfd *timerfd_of(struct file *f); /* NULL: another kind of file */
/* timerfd_settime(2) changed it: whoever polls is to be told at another time. */
void timerfd_file_changed(struct file *f);
void event_files_init(void);
