/* Segments on pthreads, under the sanitizers: a model of the counts, and everything at once. */
#include "kernel/ipc/shm/shm.h"
#include "tests/host/host.h"
#include "tests/port/memory.h"

enum { SEGMENTS = 6, MAPPINGS = 24, STEPS = 20000 };

/* What there should be. A segment is found by id while it is listed: until removed and unattached. */
struct model {
	struct {
		ipc_id_t id;
		bool exists, dest, locked;
		u64 pages, attaches;
	} segment[SEGMENTS];
	struct {
		s64 at; /* 0: none */
		u32 segment;
	} mapping[MAPPINGS];
};

static void settle(struct model *m, u32 s)
{
	if (m->segment[s].dest && !m->segment[s].attaches)
		m->segment[s].exists = false;
}

static void check(const struct model *m)
{
	u64 locked = 0, pages = 0, count = 0;
	struct shm_info usage;

	for (u32 s = 0; s < SEGMENTS; s++) {
		struct shmid_ds ds;
		int err = shm_stat(port_ipc_ns(), m->segment[s].id, &ds);
		CHECK_EQ(err, m->segment[s].exists ? 0 : -EINVAL);
		if (err < 0)
			continue;
		CHECK_EQ(ds.shm_nattch, m->segment[s].attaches);
		CHECK_EQ(!!(ds.shm_perm.mode & SHM_DEST), m->segment[s].dest);
		CHECK_EQ(!!(ds.shm_perm.mode & SHM_LOCKED), m->segment[s].locked);
		CHECK_EQ(ds.shm_perm.key == IPC_PRIVATE, m->segment[s].dest);
		count++;
		pages += m->segment[s].pages;
		locked += m->segment[s].locked ? m->segment[s].pages * PORT_PAGE_SIZE : 0;
	}
	(void)shm_usage(port_ipc_ns(), &usage);
	CHECK_EQ(usage.used_ids, count);
	CHECK_EQ(usage.shm_tot, pages);
	CHECK_EQ(port_memlock_charged(), locked);
}

static void step_segment(struct model *m, u32 s)
{
	struct ipc_namespace *ns = port_ipc_ns();
	ipc_id_t id = m->segment[s].id;

	if (!m->segment[s].exists) {
		u64 pages = 1 + host_random(4);
		m->segment[s].id.n = shm_get(ns, (ipc_key_t){(s32)s + 1},
		                             pages * PORT_PAGE_SIZE - host_random(4095),
		                             IPC_CREAT | IPC_EXCL | 0600);
		bool key_in_use = m->segment[s].id.n == -EEXIST;
		CHECK(m->segment[s].id.n >= 0 && !key_in_use);
		m->segment[s].exists = true;
		m->segment[s].dest = m->segment[s].locked = false;
		m->segment[s].pages = pages;
		return;
	}
	switch (host_random(4)) {
	case 0:
		CHECK_EQ(shm_remove(ns, id), 0);
		m->segment[s].dest = true;
		settle(m, s);
		break;
	case 1: m->segment[s].locked |= shm_lock(ns, id) == 0; break;
	case 2:
		CHECK_EQ(shm_unlock(ns, id), 0);
		m->segment[s].locked = false;
		break;
	}
}

static void step_mapping(struct model *m, u32 i, u32 s)
{
	if (!m->mapping[i].at) {
		s64 at = shm_attach(port_ipc_ns(), m->segment[s].id, 0, 0);
		CHECK_EQ(at < 0, !m->segment[s].exists);
		if (at < 0)
			return;
		m->mapping[i].at = at;
		m->mapping[i].segment = s;
		m->segment[s].attaches++;
	} else if (host_random(3)) {
		s = m->mapping[i].segment;
		CHECK_EQ(shm_detach((u64)m->mapping[i].at), 0);
		m->mapping[i].at = 0;
		m->segment[s].attaches--;
		settle(m, s);
	} else {
		u32 to = host_random(MAPPINGS);
		if (m->mapping[to].at)
			return;
		m->mapping[to].at = port_mapping_fork(m->mapping[i].at);
		CHECK(m->mapping[to].at > 0);
		m->mapping[to].segment = m->mapping[i].segment;
		m->segment[m->mapping[i].segment].attaches++;
	}
}

TEST(shm_counts_match_the_model)
{
	static struct model m;
	m = (struct model){0};
	for (u32 s = 0; s < SEGMENTS; s++)
		m.segment[s].id.n = -1;
	for (u32 n = 0; n < STEPS; n++) {
		u32 s = host_random(SEGMENTS);
		if (host_random(3))
			step_mapping(&m, host_random(MAPPINGS), s);
		else
			step_segment(&m, s);
		check(&m);
	}
	for (u32 i = 0; i < MAPPINGS; i++)
		if (m.mapping[i].at)
			CHECK_EQ(shm_detach((u64)m.mapping[i].at), 0);
	for (u32 s = 0; s < SEGMENTS; s++)
		if (m.segment[s].exists && !m.segment[s].dest)
			CHECK_EQ(shm_remove(port_ipc_ns(), m.segment[s].id), 0);
}

/* Everything at once: for the race detectors; what must hold in the end is that nothing is left. */
static u32 draw(u32 *state, u32 n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

static void storm(void *arg)
{
	struct ipc_namespace *ns = port_ipc_ns();
	u32 seed = (u32)host_self()->pid;

	for (u32 n = 0; n < 3000; n++) {
		ipc_key_t key = {1 + (s32)draw(&seed, 3)};
		ipc_id_t id = {shm_get(ns, key, PORT_PAGE_SIZE, IPC_CREAT | 0600)};
		CHECK(id.n >= 0 || id.n == -EINVAL || id.n == -EIDRM);
		s64 at = shm_attach(ns, id, 0, 0);
		CHECK(at > 0 || at == -EINVAL || at == -EIDRM);
		if (draw(&seed, 2))
			(void)!shm_lock(ns, id);
		struct shm_info usage;
		char line[SHM_PROC_LINE];
		u32 index = 0;
		if (!draw(&seed, 8))
			(void)shm_usage(ns, &usage);
		if (!draw(&seed, 8))
			(void)shm_proc_line(ns, &index, line, sizeof line);
		if (!draw(&seed, 64))
			shm_set_rmid_forced(ns, (s32)draw(&seed, 2));
		if (draw(&seed, 2))
			(void)!shm_remove(ns, id);
		if (at > 0 && draw(&seed, 2))
			CHECK_EQ(shm_detach((u64)port_mapping_fork(at)), 0);
		if (at > 0)
			CHECK_EQ(shm_detach((u64)at), 0);
	}
}

TEST(shm_survives_everything_at_once)
{
	enum { THREADS = 4 };
	struct host_thread *t[THREADS];
	for (int i = 0; i < THREADS; i++)
		t[i] = host_spawn(storm, NULL);
	for (int i = 0; i < THREADS; i++)
		host_join(t[i]);
	shm_set_rmid_forced(port_ipc_ns(), 0);
	shm_ns_teardown(port_ipc_ns());
	CHECK_EQ(port_memlock_charged(), 0);
	struct shm_info usage;
	CHECK_EQ(shm_usage(port_ipc_ns(), &usage), 0);
	CHECK_EQ(usage.shm_tot, 0);
}
