/*
 * System V shared memory: segments that unrelated processes map, shmget(2), shmop(2), shmctl(2).
 *
 * A segment is an IPC object around a piece of memory of the world (port_memory), which fills itself with
 * zeroed pages on demand. Mapping is the world's as well: it maps the memory, and tells of each
 * mapping that comes (shm_mapped: attach, fork, a split by partial unmap or mprotect) and goes
 * (shm_unmapped: detach, unmap, exec, exit). Their number is shm_nattch.
 *
 * Objects and lifetimes
 *	struct shm_segment	found by id while it exists; each mapping, and an attach in progress, counts in
 *				`attaches` and keeps it. The first mapping of a segment takes a reference of its
 *				namespace, the last one drops it: a namespace with mapped segments lives.
 *
 *	 shmget            IPC_RMID, attaches > 0              last detach
 *	---------> LIVE ---------------------------> DEST ----------------------> gone
 *	            |      (key becomes IPC_PRIVATE;                                ^
 *	            |       found by id only)                                       |
 *	            +---- IPC_RMID, no attaches; last detach with shm_rmid_forced --+
 *
 * Whoever sets `removed` under the lock does the rest: withdraws the id, drops the memory.
 *
 * Locking
 *	port_read_lock
 *	    segment->obj.lock (SHM_SEG)	counts, times, mode; P locks of the address space may be held outside
 *	    ids->lock (IPC_NS)		never inside the segment's lock
 *
 * Failure: creating is bounded by shmmax, shmmni, shmall and memory. Detaching, in whatever way, never fails for
 * the segment.
 */
#pragma once
#include "abi/shm.h"
#include "kernel/ipc/ipc.h"

struct shm_segment;

/* shmget(2) => id, or -EINVAL, -ENOENT, -EEXIST, -EACCES, -ENOSPC, -ENOMEM. */
MUST_CHECK s32 shm_get(struct ipc_namespace *ns, ipc_key_t key, u64 size, u32 flags);
/* shmat(2) => address, or -EINVAL, -EIDRM, -EACCES, -ENOMEM. */
MUST_CHECK s64 shm_attach(struct ipc_namespace *ns, ipc_id_t id, u64 addr, u32 flags);
/* shmdt(2) => 0 or -EINVAL. */
MUST_CHECK int shm_detach(u64 addr);

/* shmctl(2), one function for each shape of command. => 0 or a value, or -errno. */
MUST_CHECK int shm_stat(struct ipc_namespace *ns, ipc_id_t id, struct shmid_ds *out);
MUST_CHECK int shm_stat_index(struct ipc_namespace *ns, s32 index, enum ipc_stat_check check,
                              struct shmid_ds *out);
MUST_CHECK int shm_set(struct ipc_namespace *ns, ipc_id_t id, const struct shmid_ds *in);
MUST_CHECK int shm_remove(struct ipc_namespace *ns, ipc_id_t id);
MUST_CHECK int shm_lock(struct ipc_namespace *ns, ipc_id_t id);
MUST_CHECK int shm_unlock(struct ipc_namespace *ns, ipc_id_t id);
/* IPC_INFO, SHM_INFO => highest used index. */
int shm_limits(struct ipc_namespace *ns, struct shminfo *out);
int shm_usage(struct ipc_namespace *ns, struct shm_info *out);

/* /proc/sysvipc/shm, line by line, as sem_proc_line(). */
#define SHM_PROC_HEADER                                                                                \
	"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid" \
	"      atime      dtime      ctime                   rss                  swap\n"
enum { SHM_PROC_LINE = 256 };
int shm_proc_line(struct ipc_namespace *ns, u32 *index, char *buf, size_t size);

/* /proc/sys/kernel/shm_rmid_forced: set, it destroys what nobody has attached and whose creator is gone. */
void shm_set_rmid_forced(struct ipc_namespace *ns, s32 on);
/* The calling thread ends, or lives on in another namespace: with shm_rmid_forced the unattached segments that it
 * created go; and it is nobody here any more. */
void shm_thread_exit(struct ipc_namespace *ns);
void shm_thread_leaves(struct ipc_namespace *ns);

/* Removes all segments; the namespace has no users left, hence no segment is mapped. */
void shm_ns_teardown(struct ipc_namespace *ns);

/* --- For the world. --- */
/* One more mapping exists. P locks of lower rank may be held. */
void shm_mapped(struct shm_segment *s);
/* One is gone. Nothing held. */
void shm_unmapped(struct shm_segment *s);
/* What /proc/PID/maps calls it; good while it is mapped. */
const char *shm_name(const struct shm_segment *s);
/* Inode number of the mapping: the id, as on Linux. */
s32 shm_number(const struct shm_segment *s);
