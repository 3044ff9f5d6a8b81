/*
 * Readiness of many files in one call, epoll(7).
 *
 * What it is. An instance holds registrations (items), each for one open file under one descriptor number. Whatever
 * changes the state of a file tells the items that watch it; these put themselves on their instance's ready
 * list. A wait takes items off that list, asks each file whether it is ready indeed, and reports those that
 * are: its cost grows with what is ready, not with what is registered.
 *
 * Files: this one is what the rest of the system calls.
 *	epoll.c	     instances, notices, waiting	epoll_ctl.c  registrations, and their end
 *	epoll_nest.c instances that watch instances
 *
 * Objects and lifetimes
 *	struct epoll		one reference for its open file, one for each item; memory goes after a grace period.
 *	struct epoll_source	what all instances know of one open file: who watches it. Made by the world for the
 *				first registration, given back by epoll_source_release() when the last reference to
 *				the file is gone and before anything of it is dismantled. That of an instance is
 *				part of the instance (`self`).
 *	struct epoll_item	in its instance's table and in its source's list until it is removed, by whoever is
 *				first: epoll_remove(), the end of its instance, the end of its file. An item holds no
 *				reference to the file: a file outlives its items.
 *	struct waiter		a sleeping wait, on its thread's stack (kernel/ipc/wait.h).
 *
 * The life of an item's place on the ready list
 *
 *	               notice, or ready when added or changed
 *	    IDLE ---------------------------------------------> READY (linked, once)
 *	     ^  ^                                                 |  a wait takes it off and asks the file
 *	     |  +----- not ready any more, or EPOLLET ------------+
 *	     |         reported, or EPOLLONESHOT (events 0)       |
 *	     |                                                    v reported, level triggered
 *	     +----- asked by the next wait ------------------- READY again, at the tail: others get their turn
 *
 * A wait counts the list before it begins, so it asks each item at most once; and until it ends the instance counts as
 * having something ready: whoever would go to sleep meanwhile queues for the mutex instead.
 *
 * No event is lost. A file changes its state, then gives notice; a wait takes the item off the list, then asks the
 * file. So either the notice finds the item linked, and the file is asked after the change, or it links it again.
 *
 * One waiter for one item. While the ready list is not empty and threads sleep, somebody is on the way: a waiter that a
 * notice has chosen, or a wait in progress, which at its end chooses the next waiter if something is left. The choice
 * is an outcome like any other (kernel/ipc/wait.h), so a waiter that is chosen in the moment its time is up looks once
 * more and the event does not go with it. Waiters are chosen in order of arrival.
 *
 * Nesting. An instance is a file, so others may watch it. They form a graph without cycles (EPOLL_NEST is held while an
 * edge between instances is made), at most NESTS_MAX deep. Asking an inner instance takes its mutex under
 * the outer one's: outer before inner is an order because there is no cycle. Notices go the other way, inner to
 * outer, with the lock of the queue that was woken held; so that no thread ever holds two of those, the inner
 * one's own queue is woken after that lock is dropped (port_poll_wake_later), level by level, without recursion.
 *
 * Locking
 *	EPOLL_NEST		edges between instances
 *	    ep->mutex (EPOLL)	the table; an item's life, events and data; held while files are asked and results are copied
 *	        source->lock (EPOLL_SOURCE)  the list of a file's items, and who ends one of them
 *	        a queue of the file (WAITQ)
 *	            ep->lock (EPOLL_READY)   ready list and waiters
 *
 * How an instance and a file end at once
 *
 *	close(ep): holds ep->mutex                          last reference to the file goes
 *	                                                    source->lock: item->dying; unlock
 *	leaves the file's queues                            waits for ep->mutex
 *	source->lock: dying? then the item stays; unlock
 *	unlocks ep->mutex, puts its reference               removes the item; its reference keeps ep until here
 *
 * What can fail: the errnos of epoll_ctl(2) and epoll_wait(2), in Linux's order; an interrupted wait never restarts.
 */
#pragma once
#include "abi/event.h"
#include "abi/poll.h"
#include "kernel/ipc/port.h"
#include "kernel/lib/list.h"
#include "kernel/lib/refcount.h"

struct epoll;
struct epoll_source {
	struct port_lock lock;
	struct list items; /* [l] by item->watching */
	struct epoll
		*instance; /* [I] the file is an instance itself, and this its `self`; or NULL */
	struct port_watched what; /* [I] the file */
	u64 checked;              /* [EPOLL_NEST] generation of the last count of its paths */
};
struct epoll_item {
	struct epoll_item *next;     /* [mutex] in its slot of ep->table */
	struct list ready;           /* [ep->lock] */
	struct list watching;        /* [source->lock] */
	struct epoll *ep;            /* [I] reference */
	struct epoll_source *source; /* [I] */
	s32 fd;                      /* [I] */
	u32 events; /* [mutex, a] wanted, and EPOLLET ...; 0 but for those: disarmed */
	u64 data;   /* [mutex] */
	bool dying; /* [source->lock] the file's end will remove it */
	struct port_watch watch;
};
/* Items by descriptor: a descriptor is its own hash, since the numbers in use are dense. Grows with what is in it. */
enum { EPOLL_SLOTS = 8 };
struct epoll_table { /* [mutex] */
	struct epoll_item **slots;
	u32 mask, count;
	struct epoll_item *first_slots[EPOLL_SLOTS];
};
struct epoll {
	struct port_lock lock;
	struct list ready;   /* [l] struct epoll_item */
	u32 count;           /* [l] length of `ready` */
	struct list waiters; /* [l] struct waiter, FIFO */
	bool any;            /* [l, a] `ready` is not empty, or a wait is asking its items */
	refcount_t refs;
	struct port_mutex mutex;
	struct epoll_table table;
	struct port_user *user; /* [I] reference: who made it pays for its items */
	u64 *watches;           /* [a] the account */
	struct epoll_source self;
	struct port_poll_later poll; /* who polls the instance */
	struct port_defer defer;
	u64 visited; /* [EPOLL_NEST] generation of the last walk that came here */
	struct {
		u64 paths; /* not 0: on the list */
		struct epoll *next;
	} walk[2]; /* [EPOLL_NEST] this level of a count of paths, and the next */
};

void epoll_init(void);                    /* boot */
MUST_CHECK struct epoll *epoll_new(void); /* or NULL. The world then sets self.what. */
/* Its file is being released; epoll_source_release(&ep->self) has been called. */
void epoll_release(struct epoll *ep);

MUST_CHECK struct epoll_source *epoll_source_new(struct port_watched what); /* or NULL */
/* The last reference to the file has gone, everything of it still works: ends all its registrations; frees s. */
void epoll_source_release(struct epoll_source *s);

/* epoll_ctl(2); the caller holds references to both files. s NULL: nobody ever watched the file. ep is not s->instance.
 * => 0; -EEXIST, -ELOOP, -EINVAL (too many paths lead to one file), -ENOSPC, -ENOMEM. */
MUST_CHECK int epoll_add(struct epoll *ep, struct epoll_source *s, s32 fd,
                         const struct epoll_event *ev);
/* => 0, -ENOENT, -EINVAL (EPOLLEXCLUSIVE). */
MUST_CHECK int epoll_change(struct epoll *ep, struct epoll_source *s, s32 fd,
                            const struct epoll_event *ev);
/* => 0, -ENOENT. */
MUST_CHECK int epoll_remove(struct epoll *ep, struct epoll_source *s, s32 fd);

MUST_CHECK s64 epoll_wait_some(struct epoll *ep, uptr_t to, u32 max, u64 deadline);
/* Up to max events to `to`. deadline 0: does not wait. => how many, 0 at the deadline, -EINTR, -EFAULT. */
MUST_CHECK static ALWAYS_INLINE s64 epoll_wait(struct epoll *ep, uptr_t to, u32 max, u64 deadline)
{
	return load_relaxed(&ep->any) || deadline ? epoll_wait_some(ep, to, max, deadline) : 0;
}
u32 epoll_events(struct epoll *ep); /* POLL* of the instance as a file. May sleep. */
/* A file that `item` watches may have changed: `events` may be true now (0: any). Called under a lock of rank WAITQ or
 * below. => true when that has been a wake-up for an exclusive watcher. */
bool epoll_notice(struct epoll_item *item, u32 events);
/* For each item, in no particular order. */
void epoll_for_each(struct epoll *ep, void (*fn)(const struct epoll_item *item, void *arg),
                    void *arg);

extern u64 epoll_watches_max; /* [a] /proc/sys/fs/epoll/max_user_watches */

/* What an item asks for beside events. */
#define EPOLL_PRIVATE (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)

/* --- between the files of epoll --- */
#define epoll_for_each_item(item, ep, slot)                                                        \
	for (u32 slot = 0; slot <= (ep)->table.mask; slot++)                                       \
		for (item = (ep)->table.slots[slot]; item; item = item->next)
enum { NESTS_MAX = 4 };
void epoll_put(struct epoll *ep);
/* The item may be ready: links it, tells a waiter and pollers. No lock but mutexes held. */
void epoll_make_ready(struct epoll_item *item);
/* A new edge from ep to s may close a cycle. EPOLL_NEST held. => 0, -ELOOP. */
MUST_CHECK int epoll_check_cycle(struct epoll *ep, struct epoll_source *s);
/* Do too many paths, or too long ones, lead up from the files below s? EPOLL_NEST and the mutex of an instance above s
 * held. => 0, -EINVAL. */
MUST_CHECK int epoll_check_paths(struct epoll_source *s);
void epoll_nest_lock(void);
void epoll_nest_unlock(void);
