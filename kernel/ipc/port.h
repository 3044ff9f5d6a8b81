/*
 * The port: the only door from the IPC module outward.
 *
 * kernel/ipc includes abi/, kernel/lib/ and itself, and nothing else. Whatever it needs from the
 * system around it (memory, locks, sleep, time, the caller's identity, user memory, files) it asks
 * for here. The same .c files therefore link into three worlds:
 *
 *	kernel/port	the kernel
 *	tests/host	pthreads: unit tests and random histories under ASan, UBSan and TSan
 *	tests/sim	coroutines and a virtual clock: explores interleavings, fails allocations
 *
 * A world supplies a header <ipc_port_world.h>, found on its include path, that defines the
 * structs named below and, as static inline, whichever functions it wants to be fast; everything
 * else it defines in .c files. docs/porting.md walks through it.
 *
 * Objects and lifetimes
 *	struct port_thread	a thread of control; its memory outlives every read section in which a
 *				pointer to it was obtained, so unpark through such a pointer is safe.
 *	struct port_lock	spinning lock: short sections, never blocks inside.
 *	struct port_mutex	sleeping lock: may be held over user copies and sleeps.
 *	struct port_defer	embedded in what is freed after a grace period.
 *	struct port_pollq	who polls an object.
 *	struct port_poll_later	a queue `q` of these, that can be woken a little later.
 *	struct port_watched	an open file that epoll watches.
 *	struct port_watch	the world's part of one such registration.
 *	struct port_io		the memory side of a read or write, with a cursor.
 *
 * What may be done where ("x" = allowed)
 *				 port_alloc	user copy, mutex, park	 port_unpark, port_defer
 *	nothing held		    x			x			   x
 *	port_mutex held		    x			x			   x
 *	port_read_lock held	    x			-			   x
 *	port_lock held		    -			-			   x
 *
 * What can fail: what says so with MUST_CHECK. Allocation may fail at any call, a user copy at any
 * byte; the test worlds make each of them fail in turn.
 */
#pragma once
#include "kernel/lib/bug.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/list.h"
#include "kernel/lib/lock_class.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

struct epoll_item;
struct ipc_namespace;
struct pi_waiter;
struct sem_undo_list;
struct port_mq_names;
struct port_notice;
struct port_thread;

enum port_sleep {
	PORT_UNINTERRUPTIBLE,
	PORT_INTERRUPTIBLE, /* an unblocked signal ends the sleep */
};
enum port_wake { PORT_WOKEN, PORT_TIMEOUT, PORT_SIGNAL };
#define PORT_FOREVER UINT64_MAX
/* A deadline is a port_mono_ns() time, or this bit and a port_real_ns() time: it follows the clock when that is set. */
#define PORT_WALL (1ull << 63)

enum port_capability { /* capabilities(7): the numbers are the ABI's */
	               PORT_CAP_IPC_LOCK = 14,
	               PORT_CAP_IPC_OWNER = 15,
	               PORT_CAP_SYS_ADMIN = 21,
	               PORT_CAP_SYS_RESOURCE = 24,
};

enum { PORT_PAGE_SIZE = 4096, PORT_BLOCK_SIZE = 8192 };

/* Names a 32-bit word of user memory across address spaces, futex(7). */
struct port_futex_key {
	u64 space;  /* address space, or memory object when shared */
	u64 offset; /* address, or byte offset into the object */
};

#include <ipc_port_world.h>

/* --- Memory. Zeroed; any size; never sleeps. => NULL when there is none. --- */
MUST_CHECK void *port_alloc(size_t size);
void port_free(void *p); /* NULL allowed */
/* At most PORT_BUFFER_MAX bytes, not zeroed; for what is filled at once and lives shortly. Beyond a page it may fail although
 * smaller ones would not. */
enum { PORT_BUFFER_MAX = 8 * PORT_PAGE_SIZE };
MUST_CHECK void *port_buffer_alloc(size_t size);
void port_buffer_free(void *p);
/* The same of PORT_BLOCK_SIZE bytes; may fail while single pages are left. */
MUST_CHECK void *port_block_alloc(void);
void port_block_free(void *block); /* NULL allowed */
/* A buffer page of PORT_PAGE_SIZE bytes, not zeroed, with one reference; free drops one. */
MUST_CHECK void *port_page_alloc(void);
void port_page_get(void *page);
void port_page_free(void *page);
void port_page_free_sole(void *page); /* nobody else has a reference */

/* --- Locks. The class gives the rank, kernel/lib/lock_class.h; checked in debug and test worlds. --- */
void port_lock_init(struct port_lock *l, enum lock_class class);
void port_lock(struct port_lock *l);
void port_unlock(struct port_lock *l);
/* Two locks of one class in address order; a == b is taken once. */
void port_lock2(struct port_lock *a, struct port_lock *b);
void port_unlock2(struct port_lock *a, struct port_lock *b);
void port_assert_held(const struct port_lock *l);
void port_mutex_init(struct port_mutex *m, enum lock_class class);
void port_mutex_lock(struct port_mutex *m);
void port_mutex_unlock(struct port_mutex *m);
void port_mutex_lock2(struct port_mutex *a, struct port_mutex *b);
void port_mutex_unlock2(struct port_mutex *a, struct port_mutex *b);
/* As port_mutex_lock(), with others of its class held: the caller has an order of its own for them. */
void port_mutex_lock_nested(struct port_mutex *m);

/* --- Read sections: lookup without lock or reference. They nest and must not block. --- */
void port_read_lock(void);
void port_read_unlock(void);
/* Calls fn(d) once every read section that is now open has ended. Never fails, never blocks. */
void port_defer(struct port_defer *d, void (*fn)(struct port_defer *d));

/* --- Sleep and wake, by token: unpark leaves a token, park consumes one or sleeps until one comes.
 * So "check; park; check again" loses no wake-up; a wake-up may be spurious. --- */
struct port_thread *port_self(void);
/* deadline: as above, or PORT_FOREVER. => PORT_SIGNAL also without sleeping, when a
 * signal is already pending and there is no token. */
enum port_wake port_park(u64 deadline, enum port_sleep kind);
void port_unpark(struct port_thread *t);

/* --- Time --- */
u64 port_mono_ns(void);      /* CLOCK_MONOTONIC */
u64 port_real_ns(void);      /* CLOCK_REALTIME */
s64 port_real_seconds(void); /* CLOCK_REALTIME in seconds, cheap */

/* --- The caller --- */
s32 port_pid(void); /* thread group, as getpid(2) */
s32 port_tid(void); /* of the calling thread, gettid(2) */
/* --- Priorities: 1..99 real-time, 0 ordinary. The base priority is the thread's own, without what was lent to it. --- */
u32 port_base_priority(const struct port_thread *t);
/* t runs at least at that priority; 0 ends it. Locks may be held. */
void port_boost(struct port_thread *t, u32 priority);
/* In a read section. => NULL: no such thread. */
struct port_thread *port_thread_find(s32 tid);
/* What the module keeps in each thread, kernel/ipc/futex/pi.h; zeroed when it begins, then futex_pi_thread_init(). */
struct port_pi {
	struct port_lock lock; /* class FUTEX_PI */
	u32 boost;             /* [lock] what it was lent: the first of `held` */
	struct rb_root held;   /* [lock] words it owns for which others sleep, by what they lend */
	struct pi_waiter *waiting; /* [lock] its sleep for an owned word, or NULL */
	u32 sleeps;                /* [lock] how many such sleeps it has begun */
	bool gone;                 /* [lock] will own nothing more */
	bool ready;                /* initialised */
};
struct port_pi *port_pi(struct port_thread *t);
u32 port_uid(void); /* real */
u32 port_gid(void);
/* Whom a queue of sleepers serves first, Linux's way: 0..39 ordinary, by nice value, 40 + priority when real-time. */
u32 port_urgency(void);
u32 port_euid(void);
u32 port_egid(void);
bool port_in_group(u32 gid); /* file-system group or supplementary */
bool port_capable(enum port_capability cap);
struct ipc_namespace *port_ipc_ns(void);    /* borrowed: good until the caller changes it */
struct sem_undo_list **port_sem_undo(void); /* where the caller's SEM_UNDO list hangs */
void port_raise(int sig);                   /* sends a signal to the calling thread */

/* --- User memory. The plain ones may sleep; nofault ones fail where the page is not present. --- */
/* => 0 or -EFAULT; on failure dst may be partly written. */
MUST_CHECK int port_copy_in(void *dst, uptr_t src, size_t n);
MUST_CHECK int port_copy_out(uptr_t dst, const void *src, size_t n);
MUST_CHECK int port_user_load_nofault(uptr_t p, u32 *out);
/* Stores `desired` when the word equals `expected`. => 0 and the word found in *out_old, or -EFAULT. */
MUST_CHECK int port_user_cmpxchg_nofault(uptr_t p, u32 expected, u32 desired, u32 *out_old);
/* Makes a nofault access that failed worth another try. => 0 or -EFAULT. */
MUST_CHECK int port_user_fault_in(uptr_t p, bool write);
/* => 0 or -EFAULT. May sleep when shared. */
MUST_CHECK int port_futex_key(uptr_t p, bool shared, struct port_futex_key *out);

/* --- Files. Kinds of descriptor live in the world; the module moves bytes and announces changes. --- */
/* Copies up to n bytes, advancing the cursor. => bytes copied, short only at a user fault. */
MUST_CHECK size_t port_io_put(struct port_io *io, const void *from,
                              size_t n);                                /* towards the caller */
MUST_CHECK size_t port_io_take(struct port_io *io, void *to, size_t n); /* from the caller */
size_t port_io_left(const struct port_io *io);
void port_pollq_init(struct port_pollq *q);
/* Tells whoever polls q that `events` (POLL*) may be true now. P locks of lower rank may be held. */
void port_poll_wake(struct port_pollq *q, u32 events);
/* The same, and of those who watch exclusively all: for what will not change again. */
void port_poll_wake_all(struct port_pollq *q, u32 events);

/* --- Watching, for epoll. What is watched is an open file of the world: it knows how to ask for its events and on which
 * queues changes are announced. struct port_watched names the file, struct port_watch is one registration. --- */
/* Stands on the queues of `what` from here on: each change calls epoll_notice(), under a lock of rank WAITQ or below. events:
 * what is waited for; EPOLLEXCLUSIVE: of those who say so, one is told. => events now, or -ENOMEM. May sleep. */
MUST_CHECK s64 port_watch_begin(struct port_watch *w, const struct port_watched *what,
                                struct epoll_item *item, u32 events);
void port_watch_init(struct port_watch *w);
/* Leaves the queues: epoll_notice() runs no more, on any processor. Also after port_watch_begin() failed, or twice. */
void port_watch_end(struct port_watch *w);
MUST_CHECK u32 port_watched_events(const struct port_watched *what); /* POLL*, now. May sleep. */
/* From epoll_notice(): port_poll_wake(&l->q, POLLIN | POLLRDNORM) as soon as no lock of rank WAITQ is held any more; a
 * read section lasts until then. */
void port_poll_later_init(struct port_poll_later *l);
void port_poll_wake_later(struct port_poll_later *l);

/* --- Accounts of the caller's real user. The reference keeps the counters. --- */
enum port_account { PORT_EPOLL_WATCHES, PORT_PIPE_PAGES, PORT_MQUEUE_BYTES };
struct port_user;
struct port_user *port_user_get(void);
void port_user_put(struct port_user *u);
u64 *port_user_account(struct port_user *u, enum port_account which); /* [a] */

/* --- Memory that processes map, for shared memory segments. --- */
struct port_memory; /* pages, zero until written, filled on demand */
struct shm_segment;
enum port_memory_kind {
	PORT_RESERVED = 0,   /* refused when there could never be as much */
	PORT_UNRESERVED = 1, /* may turn out not to be there when it is touched */
	PORT_HUGE_PAGES = 2, /* from the administrator's pool */
};
/* kind: PORT_* together. => memory with one reference, or err_ptr: -ENOMEM; -EPERM: huge pages are for others. */
MUST_CHECK struct port_memory *port_memory_new(u64 bytes, u32 kind);
/* Does the world have huge pages of that size? log2 of bytes, 0: of some size. */
bool port_huge_size_known(u32 log);
void port_memory_put(struct port_memory *m);
u64 port_memory_resident(const struct port_memory *m); /* pages present; any lock may be held */
struct port_attach {
	struct port_memory *memory;
	u64 bytes;
	u64 addr;                    /* of the caller; where, or 0: anywhere */
	bool fixed, replace;         /* exactly there; in the place of what is mapped there */
	u32 prot, max_prot;          /* PROT_* */
	struct shm_segment *segment; /* told by shm_mapped() and shm_unmapped() */
};
/* => address, or -EINVAL (fixed, not replace, and something is there), -ENOMEM. */
MUST_CHECK s64 port_attach(const struct port_attach *rq);
/* Unmaps what port_attach() mapped at addr. => 0, or -EINVAL: nothing. */
MUST_CHECK int port_detach(u64 addr);
u64 port_memlock_limit(void); /* the caller's RLIMIT_MEMLOCK, bytes */
/* The caller's user pays for bytes of locked memory. => who pays, for port_memlock_uncharge(); NULL: that would pass
 * the caller's RLIMIT_MEMLOCK, and it has no CAP_IPC_LOCK. P locks may be held. */
struct port_payer;
MUST_CHECK struct port_payer *port_memlock_charge(u64 bytes);
void port_memlock_uncharge(struct port_payer *p, u64 bytes);
/* The calling thread, told apart from all that ever had its number. */
struct port_who {
	s32 tid;
	u64 born;
};
struct port_who port_who(void);
bool port_who_exists(struct port_who w);

/* --- What sockets carry and remember: open files, credentials, places in the file system. --- */
struct socket;
struct port_file;  /* an open file */
struct port_user;  /* who pays for files in flight */
struct port_cred;  /* credentials, never changed */
struct port_place; /* what keeps the node of a path name */
enum { PORT_NOBODY = 65534 };
void port_file_get(struct port_file *f);
void port_file_put(struct port_file *f); /* the last one closes: nothing held */
u32 port_file_refs(const struct port_file *f);
struct socket *port_file_socket(struct port_file *f); /* NULL: it is none; borrowed */
/* n files depart on behalf of the caller: *out is charged, a reference. => 0, -ETOOMANYREFS. */
MUST_CHECK int port_flight_begin(u32 n, struct port_user **out);
void port_flight_end(struct port_user *u, u32 n);
struct port_cred *port_cred_get(void); /* the caller's, a reference */
void port_cred_ref(struct port_cred *c);
void port_cred_put(struct port_cred *c);
void port_place_put(struct port_place *p);

/* --- For POSIX message queues. --- */
/* A notice: how a process is told of something while it does not wait, sigevent(7). It knows whom; it ends by being told
 * or removed, with no lock held; neither fails nor sleeps. */
struct port_notice_facts {
	s32 how; /* SIGEV_* */
	s32 signal, pid;
};
void port_notice_tell(struct port_notice *n);
void port_notice_remove(struct port_notice *n);
bool port_notice_mine(const struct port_notice *n); /* the caller is to be told */
void port_notice_facts(const struct port_notice *n, struct port_notice_facts *out);
u64 port_mqueue_limit(void); /* the caller's RLIMIT_MSGQUEUE, bytes */
/* A namespace goes: so does its tree of names, but for what is still mounted or open. */
void port_mq_names_drop(struct port_mq_names *names);

/* --- The rest --- */
/* In long loops, with no port_lock held: lets others run. */
void port_yield(void);
/* Marks a place where another thread could interleave although no port function is called; free in
 * the kernel, a branch point in the simulation. */
void port_step(void);

DEFINE_LOCK_GUARD(port, struct port_lock *, port_lock, port_unlock)
DEFINE_LOCK_GUARD(port_mutex, struct port_mutex *, port_mutex_lock, port_mutex_unlock)
DEFINE_GUARD(port_mem, void *, port_free)
