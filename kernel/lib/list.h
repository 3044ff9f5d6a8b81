/*
 * Intrusive doubly linked lists, circular through a head. A node not in a list points to itself
 * after list_init or list_del, so list_linked() tells.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(head)                                                                            \
	{                                                                                          \
		&(head), &(head)                                                                   \
	}
#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(head, type, member) container_of((head)->next, type, member)
#define list_last(head, type, member)  container_of((head)->prev, type, member)

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}
static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}
static inline bool list_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}
static inline void list_add(struct list *head, struct list *node)
{
	list_insert_between(node, head, head->next);
}
static inline void list_add_tail(struct list *head, struct list *node)
{
	list_insert_between(node, head->prev, head);
}
/* Takes node out and leaves its links as they were: for what is freed or goes into another list at once. */
static inline void list_unlink(struct list *node)
{
	struct list *prev = node->prev, *next = node->next;
	prev->next = next;
	next->prev = prev;
}
static inline void list_del(struct list *node)
{
	list_unlink(node);
	list_init(node);
}
/* Moves all nodes of `from` to the tail of `to`; `from` is left empty. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}
static inline struct list *list_pop(struct list *head)
{
	struct list *node = head->next;
	if (node == head)
		return NULL;
	list_del(node);
	return node;
}

/* `pos` is an entry pointer; the _safe form lets the body delete pos. */
#define list_for_each(pos, head, member)                                                           \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);     \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_safe(pos, tmp, head, member)                                                 \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),                             \
	    tmp = list_entry(pos->member.next, __typeof__(*pos), member);                          \
	     &pos->member != (head);                                                               \
	     pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))
