/*
 * Signals as a descriptor, signalfd(2): a read takes pending signals of the file's set off whoever
 * reads, thread first, then process. The set does not change what is blocked: a signal that is not
 * blocked is delivered before a reader sees it.
 *
 * Sleepers and pollers stand in the reading process's signal_wait, which every queued signal wakes.
 */
#pragma once
#include "kernel/proc/file.h"
#include "kernel/proc/signal.h"

/* => a file with one reference, or err_ptr. SIGKILL and SIGSTOP are taken out of the set. */
struct file *signalfd_file_new(sigset_t set, u32 flags);
/* => 0, or -EINVAL: another kind of file. */
MUST_CHECK int signalfd_update(struct file *f, sigset_t set);
