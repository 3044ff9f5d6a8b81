/*
 * Sockets whose only references are in queues of one another: closed by everybody, yet each kept open by a message that
 * nobody can receive. They are found when a socket is closed while others are in flight.
 *
 * A candidate is a socket whose file has no references but those in flight. Of these some are explained by
 * messages in the queues of candidates; when others remain, it can be received from outside, and so can all
 * that stands in its queue. What remains unreached is garbage: its queue is emptied, which closes it.
 *
 * Why the search is right although sockets are used meanwhile. Everything happens under SOCKET_FLIGHT, which files
 * take to depart, to arrive and to be copied. The queue of a candidate can only grow: who could read it would have to have
 * its file open, and has not. What is put there meanwhile makes something look reachable that is not; the next search
 * will tell. A candidate that is garbage stays so: nobody can reach it.
 *
 * How long it holds the lock: it looks at each socket in flight, and twice at the queues of candidates. A user may have
 * RLIMIT_NOFILE files in flight (port_flight_begin), and in a queue what its senders may have under way (SO_SNDBUF); only
 * those with CAP_SYS_RESOURCE or CAP_SYS_ADMIN go beyond, as on Linux. socket_collect_after_close() keeps searches so rare
 * that a close pays for SEARCHED_PER_CLOSE sockets at most.
 */
#include "kernel/ipc/socket/internal.h"

enum collect_mark { MARK_NONE, MARK_CANDIDATE, MARK_REACHED };

typedef void visit_fn(struct socket *child, struct list *found);

static void visit_queue(struct socket *s, visit_fn *fn, struct list *found)
{
	GUARD(port)(&s->lock);
	for (struct socket_message *m = s->first; m; m = m->next) {
		if (!m->rights || !m->rights->sockets)
			continue;
		for (u32 i = 0; i < m->rights->count; i++) {
			struct socket *child = port_file_socket(m->rights->files[i]);
			if (child && child->mark == MARK_CANDIDATE)
				fn(child, found);
		}
	}
}

static struct socket *next_unaccepted(struct socket *listener, struct socket *after)
{
	GUARD(port)(&listener->lock);
	return after ? after->accept_next : listener->accept_first;
}

/* fn for every candidate in the queue of s, and in the queues of connections that it has not accepted. */
static void visit_children(struct socket *s, visit_fn *fn, struct list *found)
{
	visit_queue(s, fn, found);
	for (struct socket *n = NULL; (n = next_unaccepted(s, n));)
		visit_queue(n, fn, found);
}

static void explain(struct socket *child, struct list *found)
{
	child->unexplained--;
}
static void reach(struct socket *child, struct list *found)
{
	child->mark = MARK_REACHED;
	list_del(&child->collect_link);
	list_add_tail(found, &child->collect_link);
}

static void find_candidates_locked(struct list *candidates)
{
	struct socket *s;
	list_for_each (s, &socket_flight.sockets, flight_link) {
		s->mark = MARK_NONE;
		if (port_file_refs(s->file) != s->in_flight)
			continue;
		s->mark = MARK_CANDIDATE;
		s->unexplained = s->in_flight;
		list_add_tail(candidates, &s->collect_link);
	}
}

static void find_reached_locked(struct list *candidates, struct list *reached)
{
	struct socket *s, *next;
	list_for_each_safe (s, next, candidates, collect_link)
		if (s->unexplained)
			reach(s, reached);
	struct list *node;
	while ((node = list_pop(reached)))
		visit_children(list_entry(node, struct socket, collect_link), reach, reached);
}

/* Takes the queue of s away; each message then knows its sender by itself. */
static void gather_queue(struct socket *s, struct socket_message **gathered)
{
	GUARD(port)(&s->lock);
	for (struct socket_message *m = messages_take_locked(s), *next; m; m = next) {
		next = m->next;
		if (!m->from) {
			m->from = s->peer;
			socket_get(m->from);
		}
		m->next = *gathered;
		*gathered = m;
	}
}

/* => the messages in the queues of all garbage. */
static struct socket_message *gather_garbage(void)
{
	struct list candidates = LIST_INIT(candidates), reached = LIST_INIT(reached);
	struct socket_message *gathered = NULL;
	struct socket *s;
	struct list *node;
	GUARD(port)(&socket_flight.lock);
	find_candidates_locked(&candidates);
	list_for_each (s, &candidates, collect_link)
		visit_children(s, explain, NULL);
	find_reached_locked(&candidates, &reached);
	while ((node = list_pop(&candidates))) {
		s = list_entry(node, struct socket, collect_link);
		gather_queue(s, &gathered);
		for (struct socket *n = NULL; (n = next_unaccepted(s, n));)
			gather_queue(n, &gathered);
	}
	return gathered;
}

/* Closing garbage searches anew, from within or elsewhere: that is left to whoever is searching already. */
void socket_collect(void)
{
	static u32 wanted; /* [a] searches asked for and not begun; the first to ask does them */
	if (__atomic_fetch_add(&wanted, 1, __ATOMIC_SEQ_CST))
		return;
	u32 answered;
	do {
		answered = load_relaxed(&wanted);
		messages_free(gather_garbage(), NULL);
	} while (__atomic_sub_fetch(&wanted, answered, __ATOMIC_SEQ_CST));
}
