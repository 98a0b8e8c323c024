/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked lists whose links are inside the objects. The head is a link
 * of its own; an object outside every list has a link that points to itself,
 * so that list_remove() is always allowed. Any process.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

/* The object that contains the link `l` as its field `field`. */
#define CONTAINER_OF(l, type, field) \
	((type *)(void *)((char *)(l)-offsetof(type, field)))

/* Walks the links; the SAFE one allows the current link to be removed. */
#define LIST_EACH(l, head) \
	for (struct list *l = (head)->next; l != (head); l = l->next)
#define LIST_EACH_SAFE(l, head)                                               \
	for (struct list *l = (head)->next, *l##_next = l->next; l != (head); \
	     l = l##_next, l##_next = l->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* Moves all of `from` to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
