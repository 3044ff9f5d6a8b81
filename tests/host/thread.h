/* Private to tests/host. */
#pragma once
#include "tests/host/host.h"

struct host_thread {
	pthread_t pthread;
	void (*body)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool token, signalled, asleep; /* [lock] */
	struct host_identity identity; /* the thread's own */
	s32 tid;                       /* [I] pid of its first identity */
	struct port_pi pi;
	u32 boost;            /* [a] */
	struct list tid_link; /* [tids.lock] threads that can be found */
	unsigned raised[65];
	unsigned allocation_to_fail, copy_to_fail;
	bool fault_happened;
};
struct host_thread *host_current(void);
void host_init(void); /* before any test */
/* Panics if this thread holds a spinning lock (or is in a read section, for sleeping). */
void host_may_sleep(void);
void host_may_allocate(void);
