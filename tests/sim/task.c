#include <stdlib.h>
#include <string.h>
#include "kernel/ipc/futex/pi.h"
#include "tests/sim/task.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define switch_begin(from, to_base, to_size)                                                       \
	__sanitizer_start_switch_fiber(&(from)->fake_stack, to_base, to_size)
#define switch_end(self) __sanitizer_finish_switch_fiber((self)->fake_stack, &main_base, &main_size)
static const void *main_base;
static size_t main_size;
#else
#define switch_begin(from, to_base, to_size) ((void)0)
#define switch_end(self)                     ((void)0)
#define main_base                            NULL
#define main_size                            0
#endif

static struct sim_task main_task = {.index = -1, .tid = 99};
struct sim_task *sim_self = &main_task;
static struct sim_task tasks[MAX_TASKS];
static int task_count;
static u64 now = 1000000000;
static unsigned open_read_sections;
static struct port_defer *deferred;

/* --- Switching ------------------------------------------------------------------------------- */

/* arch/x86_64/switch.S, as the kernel uses it */
extern struct thread *arch_switch_stacks(u64 *save_rsp, u64 rsp, struct thread *prev);

static void back_to_main(struct sim_task *t)
{
	switch_begin(t, main_base, main_size);
	arch_switch_stacks(&t->rsp, main_task.rsp, NULL);
	switch_end(t);
}

static NORETURN void task_entry(void)
{
	struct sim_task *t = sim_self;
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(NULL, &main_base, &main_size);
#endif
	t->body(t->arg);
	futex_pi_exit(true);
	if (t->held.count || t->read_depth)
		panic("task %d ends with a lock or read section open", t->index);
	t->state = TASK_DONE;
	back_to_main(t);
	panic("task %d goes on after its end", t->index);
}

/* What arch_switch_stacks() pops at a task's first turn: six registers and task_entry()'s address,
 * with a word above them that keeps the stack aligned as after a call (psABI 3.2.2). */
static u64 first_frame(char *stack)
{
	u64 *frame = (u64 *)(stack + TASK_STACK) - 8;
	memset(frame, 0, 8 * sizeof *frame);
	frame[6] = (u64)task_entry;
	return (u64)frame;
}

static void play(struct sim_task *t)
{
	sim_self = t;
	switch_begin(&main_task, t->stack, TASK_STACK);
	arch_switch_stacks(&main_task.rsp, t->rsp, NULL);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(main_task.fake_stack, NULL, NULL);
#endif
	sim_self = &main_task;
}

struct sim_task *sim_spawn(void (*body)(void *arg), void *arg)
{
	ASSERT(sim_self == &main_task && task_count < MAX_TASKS);
	struct sim_task *t = &tasks[task_count];
	void *stack = t->stack ? t->stack : malloc(TASK_STACK);
	memset(t, 0, sizeof *t);
	t->stack = stack;
	t->index = task_count++;
	t->body = body;
	t->arg = arg;
	t->identity = main_task.identity;
	t->identity.pid = t->tid = 100 + t->index;
	futex_pi_thread_init(&t->pi);
	t->identity.undo = NULL;
	t->rsp = first_frame(stack);
	return t;
}

/* --- What can happen next -------------------------------------------------------------------- */

enum action_kind { ACT_RUN, ACT_EXPIRE, ACT_SIGNAL, ACT_SPURIOUS };
struct action {
	enum action_kind kind;
	struct sim_task *task;
};

static bool runnable(const struct sim_task *t)
{
	return t->state == TASK_READY || (t->state == TASK_BLOCKED && !t->waiting->owner);
}

static struct sim_task *earliest_deadline(void)
{
	struct sim_task *first = NULL;
	for (int i = 0; i < task_count; i++) {
		struct sim_task *t = &tasks[i];
		if (t->state == TASK_PARKED && t->deadline != PORT_FOREVER &&
		    (!first || t->deadline < first->deadline))
			first = t;
	}
	return first;
}

/* Collects the actions open now; the one that lets `last` go on comes first. => their number. */
static unsigned open_actions(struct sim_task *last, struct action *out)
{
	unsigned n = 0;
	bool last_runs = last && runnable(last);
	if (last_runs)
		out[n++] = (struct action){ACT_RUN, last};
	bool may_leave = !last_runs || preemptions_left > 0;
	for (int i = 0; i < task_count && may_leave; i++)
		if (&tasks[i] != last && runnable(&tasks[i]))
			out[n++] = (struct action){ACT_RUN, &tasks[i]};
	struct sim_task *expiring = earliest_deadline();
	if (expiring)
		out[n++] = (struct action){ACT_EXPIRE, expiring};
	for (int i = 0; i < task_count; i++) {
		struct sim_task *t = &tasks[i];
		if (t->signal_to_come && t->state != TASK_DONE)
			out[n++] = (struct action){ACT_SIGNAL, t};
		if (spurious_left && t->state == TASK_PARKED)
			out[n++] = (struct action){ACT_SPURIOUS, t};
	}
	return n;
}

static void expire(struct sim_task *first)
{
	if (first->deadline > now)
		now = first->deadline;
	for (int i = 0; i < task_count; i++) {
		struct sim_task *t = &tasks[i];
		if (t->state != TASK_PARKED || t->deadline > now)
			continue;
		t->expired = true;
		t->state = TASK_READY;
	}
}

static void run_deferred(void)
{
	while (!open_read_sections && deferred) {
		struct port_defer *d = deferred;
		deferred = d->next;
		d->fn(d);
	}
}

static bool all_done(void)
{
	for (int i = 0; i < task_count; i++)
		if (tasks[i].state != TASK_DONE)
			return false;
	return true;
}

static void perform(struct action a, struct sim_task **last)
{
	switch (a.kind) {
	case ACT_RUN:
		if (*last && *last != a.task && runnable(*last))
			preemptions_left--;
		a.task->state = TASK_READY;
		*last = a.task;
		play(a.task);
		return;
	case ACT_EXPIRE: expire(a.task); return;
	case ACT_SIGNAL:
		a.task->signal_to_come = false;
		a.task->signalled = true;
		if (a.task->state == TASK_PARKED && a.task->interruptible)
			a.task->state = TASK_READY;
		return;
	case ACT_SPURIOUS:
		spurious_left--;
		a.task->token = true;
		a.task->state = TASK_READY;
		return;
	}
}

void sim_run(void)
{
	struct action open[4 * MAX_TASKS];
	struct sim_task *last = NULL;
	for (run_deferred(); !all_done(); run_deferred()) {
		unsigned n = open_actions(last, open);
		if (!n) {
			test_fail(__FILE__, __LINE__, "deadlock: no task can go on");
			exit(1); /* its coroutines cannot be unwound: nothing after this could be trusted */
		}
		perform(open[sim_choose(n)], &last);
	}
	for (int i = 0; i < task_count; i++)
		if (tasks[i].identity.undo)
			test_fail(__FILE__, __LINE__, "task %d left its undo list", i);
	task_count = 0;
}

/* --- For port.c ------------------------------------------------------------------------------ */

void sim_point(void)
{
	if (sim_self != &main_task)
		back_to_main(sim_self);
	else
		run_deferred();
}

void sim_block(enum task_state state)
{
	if (sim_self == &main_task)
		panic("the test itself may not block");
	sim_self->state = state;
	back_to_main(sim_self);
}

void sim_read_section_changed(int by)
{
	sim_self->read_depth += by;
	open_read_sections += by;
}

void sim_defer_add(struct port_defer *d)
{
	d->next = deferred;
	deferred = d;
}

void sim_signal_anytime(struct sim_task *t)
{
	t->signal_to_come = true;
}
/* Also one that is done: its memory stays. */
struct port_thread *port_thread_find(s32 tid)
{
	for (int i = 0; i < task_count; i++)
		if (tasks[i].tid == tid)
			return (struct port_thread *)&tasks[i];
	return NULL;
}
u32 sim_boost(struct sim_task *t)
{
	return t->boost;
}
bool sim_parked(struct sim_task *t)
{
	return t->state == TASK_PARKED;
}
struct sim_identity *sim_identity(struct sim_task *t)
{
	return &(t ? t : &main_task)->identity;
}
unsigned sim_raised(struct sim_task *t, int sig)
{
	return t->raised[sig];
}
u64 sim_now(void)
{
	return now;
}
void sim_advance(u64 ns)
{
	now += ns;
}

void explore_restart(void)
{
	run_deferred();
	if (task_count || main_task.held.count || main_task.read_depth)
		panic("a test ended without sim_run(), or with locks held");
	main_task.identity = (struct sim_identity){.pid = 1, .capabilities = ~0ull};
	now = 1000000000;
}
