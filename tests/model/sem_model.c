#include "tests/model/sem_model.h"

/* Applies all or nothing. => 0, -errno, or MODEL_ASLEEP with *blocking. */
static int perform(struct model_set *m, s32 process, const struct sembuf *ops, u32 n, u32 *blocking)
{
	struct model_set before = *m;
	u32 i;
	int result = 0;
	for (i = 0; i < n && !result; i++) {
		s32 *value = &m->value[ops[i].sem_num],
		    *adjust = &m->adjust[process][ops[i].sem_num];
		if ((ops[i].sem_op == 0 && *value) || *value + ops[i].sem_op < 0) {
			result = ops[i].sem_flg & IPC_NOWAIT ? -EAGAIN : MODEL_ASLEEP;
		} else if (*value + ops[i].sem_op > SEMVMX) {
			result = -ERANGE;
		} else if (ops[i].sem_flg & SEM_UNDO) {
			*adjust -= ops[i].sem_op;
			if (*adjust < -SEMAEM - 1 || *adjust > SEMAEM)
				result = -ERANGE;
		}
		if (!result)
			*value += ops[i].sem_op;
	}
	if (result) {
		*m = before;
		*blocking = i - 1; /* may point into *m */
		return result;
	}
	for (i = 0; i < n; i++)
		m->pid[ops[i].sem_num] = process + 1;
	return 0;
}

static bool alters(const struct sembuf *ops, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (ops[i].sem_op)
			return true;
	return false;
}

static void remove_at(struct model_set *m, u32 i)
{
	for (m->asleep--; i < m->asleep; i++)
		m->sleepers[i] = m->sleepers[i + 1];
}

static void end(struct model_set *m, u32 i, s32 result)
{
	m->ended[m->ended_count].tag = m->sleepers[i].tag;
	m->ended[m->ended_count++].result = result;
	remove_at(m, i);
}

/* Those that only wait for zero. One that still waits for the same semaphore counts there (GETZCNT); Linux may
 * count it at an earlier one that has risen meanwhile. */
static void wake_zero(struct model_set *m)
{
	for (u32 i = 0; i < m->asleep;) {
		struct model_sleeper *s = &m->sleepers[i];
		bool stuck = m->value[s->ops[s->blocking].sem_num] != 0;
		u32 blocking = s->blocking;
		int result = alters(s->ops, s->n)
		                     ? MODEL_ASLEEP
		                     : perform(m, s->process, s->ops, s->n, &s->blocking);
		if (stuck)
			s->blocking = blocking;
		if (result == MODEL_ASLEEP)
			i++;
		else
			end(m, i, result);
	}
}

static bool any_zero(const struct model_set *m, const struct sembuf *ops, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!m->value[ops[i].sem_num])
			return true;
	return false;
}

/* Linux: update_queue(). From the front; again from the front after each that was done. */
static void update(struct model_set *m, bool became_zero)
{
	if (became_zero)
		wake_zero(m);
	for (u32 i = 0; i < m->asleep;) {
		struct model_sleeper *s = &m->sleepers[i];
		if (!alters(s->ops, s->n)) {
			i++;
			continue;
		}
		int result = perform(m, s->process, s->ops, s->n, &s->blocking);
		if (result == MODEL_ASLEEP) {
			i++;
			continue;
		}
		bool zero = any_zero(m, s->ops, s->n);
		end(m, i, result);
		if (result)
			continue;
		if (zero)
			wake_zero(m);
		i = 0;
	}
}

int model_semop(struct model_set *m, s32 process, const struct sembuf *ops, u32 n, int tag)
{
	u32 blocking;
	int result = perform(m, process, ops, n, &blocking);
	if (result == 0 && alters(ops, n))
		update(m, any_zero(m, ops, n));
	if (result != MODEL_ASLEEP)
		return result;
	struct model_sleeper *s = &m->sleepers[m->asleep++];
	*s = (struct model_sleeper){.tag = tag, .n = n, .process = process, .blocking = blocking};
	for (u32 i = 0; i < n; i++)
		s->ops[i] = ops[i];
	return MODEL_ASLEEP;
}

static void update_all(struct model_set *m)
{
	bool zero = false;
	for (u32 i = 0; i < MODEL_SEMS; i++)
		zero |= !m->value[i];
	update(m, zero);
}

void model_setval(struct model_set *m, s32 process, u32 num, s32 value)
{
	for (u32 p = 0; p < MODEL_PROCESSES; p++)
		m->adjust[p][num] = 0;
	m->value[num] = value;
	m->pid[num] = process + 1;
	update_all(m);
}

void model_setall(struct model_set *m, s32 process, const u16 *values)
{
	for (u32 i = 0; i < MODEL_SEMS; i++) {
		for (u32 p = 0; p < MODEL_PROCESSES; p++)
			m->adjust[p][i] = 0;
		m->value[i] = values[i];
		m->pid[i] = process + 1;
	}
	update_all(m);
}

void model_exit(struct model_set *m, s32 process)
{
	for (u32 i = 0; i < MODEL_SEMS; i++) {
		s32 adjust = m->adjust[process][i], value = m->value[i] + adjust;
		if (!adjust)
			continue;
		m->adjust[process][i] = 0;
		m->value[i] = value < 0 ? 0 : value > SEMVMX ? SEMVMX : value;
		m->pid[i] = process + 1;
	}
	update_all(m);
}

void model_give_up(struct model_set *m, int tag)
{
	for (u32 i = 0; i < m->asleep; i++)
		if (m->sleepers[i].tag == tag) {
			remove_at(m, i);
			return;
		}
}

int model_ncnt(const struct model_set *m, u32 num)
{
	int count = 0;
	for (u32 i = 0; i < m->asleep; i++) {
		const struct sembuf *op = &m->sleepers[i].ops[m->sleepers[i].blocking];
		count += op->sem_num == num && op->sem_op < 0;
	}
	return count;
}

int model_zcnt(const struct model_set *m, u32 num)
{
	int count = 0;
	for (u32 i = 0; i < m->asleep; i++) {
		const struct sembuf *op = &m->sleepers[i].ops[m->sleepers[i].blocking];
		count += op->sem_num == num && op->sem_op == 0;
	}
	return count;
}
