/*
 * Segments whose attaches, detaches, forks and removal race, in every interleaving.
 *
 * The invariants: a segment exists while a mapping or an attach in progress counts on it; it is destroyed once; after
 * the last one has gone nothing is left (the runner counts allocations); what was charged is given back.
 */
#include "kernel/ipc/ns.h"
#include "kernel/ipc/shm/shm.h"
#include "tests/port/memory.h"
#include "tests/sim/sim.h"

enum { PAGES = 3, SIZE = PAGES * PORT_PAGE_SIZE };

static struct ipc_namespace *ns;
static ipc_id_t id;

static void world_new(void)
{
	ns = ipc_ns_new();
	CHECK(ns);
	sim_identity(NULL)->ns = ns;
	id.n = shm_get(ns, (ipc_key_t){77}, SIZE, IPC_CREAT | 0600);
	CHECK(id.n >= 0);
}
static void world_end(void)
{
	sim_identity(NULL)->ns = NULL;
	CHECK_EQ(port_memlock_charged(), 0);
	ipc_ns_put(ns);
}
/* The namespace holds nothing any more. */
static void check_empty(void)
{
	struct shm_info usage;
	CHECK_EQ(shm_usage(ns, &usage), 0);
	CHECK_EQ(usage.used_ids, 0);
	CHECK_EQ(usage.shm_tot, 0);
}
static s64 nattch(void)
{
	struct shmid_ds ds;
	int err = shm_stat(ns, id, &ds);
	return err < 0 ? err : (s64)ds.shm_nattch;
}

/* One process with its mapping. */
struct process {
	s64 at;
};
static void attach(void *arg)
{
	struct process *p = arg;
	p->at = shm_attach(ns, id, 0, 0);
}
static void detach(void *arg)
{
	struct process *p = arg;
	CHECK_EQ(shm_detach((u64)p->at), 0);
}
static void attach_detach(void *arg)
{
	attach(arg);
	if (((struct process *)arg)->at >= 0)
		detach(arg);
}
static void fork_then_detach(void *arg)
{
	struct process *p = arg;
	s64 child = port_mapping_fork(p->at);
	CHECK(child >= 0);
	CHECK_EQ(shm_detach((u64)p->at), 0);
	CHECK_EQ(shm_detach((u64)child), 0);
}
static void remove_segment(void *arg)
{
	*(int *)arg = shm_remove(ns, id);
}
static void look(void *arg)
{
	struct shmid_ds ds;
	int err = shm_stat(ns, id, &ds);
	CHECK(err == 0 || err == -EINVAL || err == -EIDRM);
	struct shm_info usage;
	(void)shm_usage(ns, &usage);
	CHECK(usage.used_ids <= 1 && usage.shm_tot <= PAGES);
}

enum { ATTACHED, INVALID, REMOVED };
static unsigned outcome(s64 at)
{
	CHECK(at >= 0 || at == -EINVAL || at == -EIDRM);
	return at >= 0 ? ATTACHED : at == -EINVAL ? INVALID : REMOVED;
}

SIM(shm_removal_races_an_attach)
{
	world_new();
	struct process p;
	int removed;
	sim_spawn(attach, &p);
	sim_spawn(remove_segment, &removed);
	sim_run();
	CHECK_EQ(removed, 0);
	if (p.at >= 0) {
		CHECK_EQ(nattch(), 1);
		detach(&p);
	}
	CHECK_EQ(nattch(), -EINVAL);
	check_empty();
	sim_outcome(outcome(p.at), BIT(ATTACHED) | BIT(INVALID) | BIT(REMOVED));
	world_end();
}

SIM(shm_removal_races_the_last_detach)
{
	world_new();
	struct process p;
	int removed;
	attach(&p);
	sim_spawn(detach, &p);
	sim_spawn(remove_segment, &removed);
	sim_spawn(look, NULL);
	sim_preemptions(4);
	sim_run();
	CHECK_EQ(removed, 0);
	CHECK_EQ(nattch(), -EINVAL);
	check_empty();
	world_end();
}

SIM(shm_two_removals_and_a_detach)
{
	world_new();
	struct process p;
	int first, second;
	attach(&p);
	sim_spawn(detach, &p);
	sim_spawn(remove_segment, &first);
	sim_spawn(remove_segment, &second);
	sim_preemptions(4);
	sim_run();
	CHECK(first == 0 || second == 0);
	CHECK(first == 0 || first == -EINVAL || first == -EIDRM);
	check_empty();
	world_end();
}

SIM(shm_attach_by_id_keeps_what_is_being_removed)
{
	world_new();
	struct process a, b;
	int removed;
	attach(&a);
	sim_spawn(attach, &b);
	sim_spawn(detach, &a);
	sim_spawn(remove_segment, &removed);
	sim_preemptions(4);
	sim_run();
	if (b.at >= 0) {
		CHECK_EQ(nattch(), 1);
		detach(&b);
	}
	check_empty();
	sim_outcome(outcome(b.at), BIT(ATTACHED) | BIT(INVALID) | BIT(REMOVED));
	world_end();
}

SIM(shm_forks_and_detaches_count_exactly)
{
	world_new();
	struct process a, b, c;
	attach(&a);
	attach(&b);
	sim_spawn(fork_then_detach, &a);
	sim_spawn(fork_then_detach, &b);
	sim_spawn(attach, &c);
	sim_preemptions(3);
	sim_run();
	CHECK_EQ(nattch(), 1);
	detach(&c);
	CHECK_EQ(nattch(), 0);
	CHECK_EQ(shm_remove(ns, id), 0);
	check_empty();
	world_end();
}

SIM(shm_the_last_fork_of_a_removed_segment_destroys_it)
{
	world_new();
	struct process a, b;
	attach(&a);
	attach(&b);
	CHECK_EQ(shm_remove(ns, id), 0);
	sim_spawn(fork_then_detach, &a);
	sim_spawn(fork_then_detach, &b);
	sim_spawn(look, NULL);
	sim_preemptions(3);
	sim_run();
	check_empty();
	world_end();
}

/* --- shm_rmid_forced --- */

static void force(void *arg)
{
	shm_set_rmid_forced(ns, 1);
}
static void creator_exits(void *arg)
{
	shm_thread_exit(ns);
}
static void create_and_exit(void *arg)
{
	id.n = shm_get(ns, (ipc_key_t){IPC_PRIVATE}, SIZE, 0600);
	CHECK(id.n >= 0);
	shm_thread_exit(ns);
}

SIM(shm_forced_removal_races_attach_and_detach)
{
	world_new();
	struct process p;
	shm_set_rmid_forced(ns, 1);
	sim_spawn(attach_detach, &p);
	sim_spawn(remove_segment, &(int){0});
	sim_preemptions(5);
	sim_run();
	check_empty();
	world_end();
}

SIM(shm_the_creator_exits_among_attachers)
{
	world_new();
	CHECK_EQ(shm_remove(ns, id), 0);
	shm_set_rmid_forced(ns, 1);
	struct process p;
	sim_spawn(create_and_exit, NULL);
	sim_spawn(attach_detach, &p);
	sim_preemptions(4);
	sim_run();
	check_empty();
	world_end();
}

SIM(shm_forcing_races_the_last_detach)
{
	world_new();
	struct process p;
	attach(&p);
	sim_spawn(detach, &p);
	sim_spawn(force, NULL);
	sim_run();
	/* Before: it stays, since its creator lives. After: the last detach takes it. */
	s64 left = nattch();
	CHECK(left == 0 || left == -EINVAL);
	sim_outcome(left == 0, BIT(0) | BIT(1));
	creator_exits(NULL);
	check_empty();
	world_end();
}

/* --- locked memory --- */

static void lock_segment(void *arg)
{
	int err = shm_lock(ns, id);
	CHECK(err == 0 || err == -EINVAL || err == -EIDRM);
}
static void unlock_segment(void *arg)
{
	int err = shm_unlock(ns, id);
	CHECK(err == 0 || err == -EINVAL || err == -EIDRM);
}

SIM(shm_locking_is_paid_for_once_and_given_back)
{
	world_new();
	int removed;
	sim_spawn(lock_segment, NULL);
	sim_spawn(lock_segment, NULL);
	sim_spawn(unlock_segment, NULL);
	sim_preemptions(4);
	sim_run();
	u64 charged = port_memlock_charged();
	CHECK(charged == 0 || charged == SIZE);
	sim_outcome(charged == 0, BIT(0) | BIT(1));
	remove_segment(&removed);
	CHECK_EQ(removed, 0);
	world_end();
}

SIM(shm_locking_races_removal)
{
	world_new();
	int removed;
	sim_spawn(lock_segment, NULL);
	sim_spawn(unlock_segment, NULL);
	sim_spawn(remove_segment, &removed);
	sim_preemptions(5);
	sim_run();
	CHECK_EQ(port_memlock_charged(), 0);
	check_empty();
	world_end();
}

/* --- namespaces --- */

static void leave_namespace(void *arg)
{
	ipc_ns_put(ns);
}

/* The mapping outlives all tasks of the namespace, or not: either way the last one takes all with it. */
SIM(shm_teardown_races_the_last_detach)
{
	world_new();
	struct process p;
	attach(&p);
	sim_identity(NULL)->ns = NULL;
	sim_spawn(leave_namespace, NULL);
	sim_spawn(fork_then_detach, &p);
	sim_run();
	CHECK_EQ(port_memlock_charged(), 0);
}

/* --- faults --- */

SIM(shm_every_allocation_may_fail)
{
	world_new();
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		ipc_id_t old = id;
		s32 made = shm_get(ns, (ipc_key_t){5}, SIZE, IPC_CREAT | 0600);
		CHECK(made >= 0 || made == -ENOMEM);
		id.n = made >= 0 ? made : old.n;
		struct process p;
		attach(&p);
		CHECK(p.at >= 0 || p.at == -ENOMEM);
		CHECK_EQ(nattch(), p.at >= 0);
		if (p.at >= 0) {
			s64 child = port_mapping_fork(p.at);
			CHECK(child >= 0 || child == -ENOMEM);
			if (child >= 0)
				CHECK_EQ(shm_detach((u64)child), 0);
			detach(&p);
		}
		CHECK_EQ(nattch(), 0);
		if (made >= 0)
			CHECK_EQ(shm_remove(ns, id), 0);
		id = old;
		struct shm_info usage;
		(void)shm_usage(ns, &usage);
		CHECK_EQ(usage.shm_tot, PAGES);
	}
	world_end();
}

static void create(void *arg)
{
	*(s32 *)arg = shm_get(ns, (ipc_key_t){9}, SIZE, IPC_CREAT | 0600);
}

SIM(shm_two_create_the_same_key)
{
	s32 ids[2];
	world_new();
	CHECK_EQ(shm_remove(ns, id), 0);
	sim_spawn(create, &ids[0]);
	sim_spawn(create, &ids[1]);
	sim_run();
	CHECK(ids[0] >= 0);
	CHECK_EQ(ids[0], ids[1]);
	world_end();
}
