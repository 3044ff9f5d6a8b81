/*
 * Every lock of the system has a class, and every class a rank. A thread may take a lock only if
 * its rank is higher than the rank of every lock that it holds; two locks of one rank only through
 * a *_lock2 helper, in address order. Debug and hosted builds keep a stack of held classes for each
 * thread and panic with both sites on a violation. docs/locks.md is generated from this list.
 *
 * Kinds: S sleeping (mutex, rwlock: may block while held), P spinning (no blocking, no user copy, no
 * allocation of pages that may sleep while held). A P lock never comes before an S lock.
 *
 * LOCK_CLASS(name, rank, kind, what it protects)
 */
#pragma once
#define LOCK_CLASSES(LOCK_CLASS)                                                                   \
	LOCK_CLASS(FILE_POS, 5, S, "an open file's position")                                      \
	LOCK_CLASS(SEQ, 6, S, "the text of an open text file")                                     \
	LOCK_CLASS(EPOLL_NEST, 8, S, "epoll instances that watch epoll instances")                 \
	LOCK_CLASS(EPOLL, 10, S, "an epoll instance's registrations, and reports of them")         \
	LOCK_CLASS(MOUNT, 15, S, "the mount tree")                                                 \
	LOCK_CLASS(RENAME, 18, S, "directory renames: one at a time")                              \
	LOCK_CLASS(TTY, 20, S, "a terminal's readers and settings")                                \
	LOCK_CLASS(INODE, 30, S, "a file's size and attributes against writers")                   \
	LOCK_CLASS(IPC_NS_CREATE, 35, S, "creation of keyed objects in a namespace")               \
	LOCK_CLASS(PIPE_IO, 37, S, "order of readers, and of writers, of a pipe")                  \
	LOCK_CLASS(SOCKET_READ, 38, S, "order of the readers of a socket")                         \
	LOCK_CLASS(ASPACE, 40, S, "an address space's list of areas")                              \
	LOCK_CLASS(OBJECT, 50, S, "a memory object's pages")                                       \
	LOCK_CLASS(HUGE_RESIZE, 60, S, "changes of the size of the pool of huge pages")            \
	LOCK_CLASS(TASKLIST, 100, P, "process tree, groups, sessions, pid table")                  \
	LOCK_CLASS(POSIX_TIMERS, 105, P, "the POSIX timers of a process")                          \
	LOCK_CLASS(SIGHAND, 110, P, "signal actions and pending signals of a process")             \
	LOCK_CLASS(FDTABLE, 120, P, "a descriptor table")                                          \
	LOCK_CLASS(FS, 130, P, "cwd, root and umask of a process")                                 \
	LOCK_CLASS(DIR, 131, P, "a directory's entries")                                           \
	LOCK_CLASS(NAMES, 132, P, "names_seq: renames and mounts in flight")                       \
	LOCK_CLASS(FILE_LOCKS, 133, P, "flock and record locks")                                   \
	LOCK_CLASS(TTY_STATE, 135, P, "a terminal's buffers and foreground group")                 \
	LOCK_CLASS(EPOLL_SOURCE, 138, P, "who watches an open file by epoll")                      \
	LOCK_CLASS(IPC_NS, 140, P, "id table and key index of an IPC namespace")                   \
	LOCK_CLASS(SEM_UNDO, 145, P, "the undo entries of a process")                              \
	LOCK_CLASS(SEM_SET, 150, P, "a semaphore set: values, queues, outcomes of its waiters")    \
	LOCK_CLASS(SHM_SEG, 150, P, "a shared-memory segment's bookkeeping")                       \
	LOCK_CLASS(MSG_QUEUE, 150, P, "a message queue: messages, waiters, outcomes")              \
	LOCK_CLASS(MQ, 150, P, "a POSIX message queue: messages, waiters, notification")           \
	LOCK_CLASS(FUTEX_GROW, 151, P, "growth of the futex hash")                                 \
	LOCK_CLASS(FUTEX_BUCKET, 152, P, "waiters on futex words")                                 \
	LOCK_CLASS(FUTEX_PI, 153, P, "what a thread holds and waits for: priority inheritance")    \
	LOCK_CLASS(PIPE, 154, P, "a pipe's ring and waiters")                                      \
	LOCK_CLASS(TIMERFDS, 155, P, "the timerfds that follow the wall clock")                    \
	LOCK_CLASS(EVENT, 156, P, "an eventfd, signalfd or timerfd")                               \
	LOCK_CLASS(SOCKET_NAMES, 156, P, "names of sockets, by hash")                              \
	LOCK_CLASS(SOCKET_FLIGHT, 157, P, "sockets in flight, and the search for cycles of them")  \
	LOCK_CLASS(SOCKET, 158, P, "a socket: state, peer, queue, waiters")                        \
	LOCK_CLASS(NETLINK, 158, P, "the queue of a netlink socket")                               \
	LOCK_CLASS(SOCKET_LIST, 159, P, "the list of all sockets")                                 \
	LOCK_CLASS(MAPPINGS, 158, P, "the list of areas that map a memory object")                 \
	LOCK_CLASS(USERS, 158, P, "accounts of real user ids")                                     \
	LOCK_CLASS(PTE, 160, P, "page tables of an address space")                                 \
	LOCK_CLASS(WAITQ, 170, P, "a wait queue's entries")                                        \
	LOCK_CLASS(EPOLL_READY, 172, P, "an epoll instance's ready list and waiters")              \
	LOCK_CLASS(WALL_TIMERS, 178, P, "armed timers that follow the wall clock")                 \
	LOCK_CLASS(TIMER, 180, P, "a processor's timer tree")                                      \
	LOCK_CLASS(RUNQ, 190, P, "a processor's run queue and its threads' states")                \
	LOCK_CLASS(RCU, 195, P, "grace-period state and callbacks")                                \
	LOCK_CLASS(SLAB, 200, P, "a slab cache's shared lists")                                    \
	LOCK_CLASS(VMAP, 205, P, "the kernel's own map of stacks and large allocations")           \
	LOCK_CLASS(HUGE_POOL, 207, P, "the pool of huge pages")                                    \
	LOCK_CLASS(PAGE, 210, P, "the page allocator's free lists")                                \
	LOCK_CLASS(LEAF, 220, P, "short leaf sections: counters, random pool, id caches")          \
	LOCK_CLASS(LOG, 230, P, "the console while a line is printed")

enum lock_class {
#define LOCK_CLASS(name, rank, kind, what) LOCK_CLASS_##name,
	LOCK_CLASSES(LOCK_CLASS)
#undef LOCK_CLASS
		LOCK_CLASS_COUNT
};
