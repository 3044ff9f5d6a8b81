/* For tests: a few kernel threads that run one function and are waited for. One crew at a time. */
#pragma once
#include "kernel/sched/thread.h"

void crew_start(u32 count, void (*fn)(u32 id));
void crew_start_keep(u32 count, void (*fn)(u32 id),
                     struct thread **out_threads); /* out may be NULL */
void crew_join(void);
static inline void crew_run(u32 count, void (*fn)(u32 id))
{
	crew_start(count, fn);
	crew_join();
}
/* Debug builds: how long each switch lingers between unlocking its queue and looking after the thread it left, so that
 * tests meet what others do in between. */
extern u32 sched_test_linger; /* [a] turns of a loop */
/* Yields until t sleeps; or until *slot is set and that thread sleeps. */
void crew_wait_parked(struct thread *t);
void crew_wait_parked_at(struct thread **slot);
