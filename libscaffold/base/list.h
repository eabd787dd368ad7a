/* Intrusive doubly linked list. A head points at itself when empty; so does an entry that is on no
 * list, which makes sc_list_remove idempotent. Not thread-safe. */
#ifndef SC_BASE_LIST_H
#define SC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct sc_list {
    struct sc_list *next;
    struct sc_list *prev;
};

#define sc_container(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void sc_list_init(struct sc_list *l)
{
    l->next = l->prev = l;
}

static inline bool sc_list_empty(const struct sc_list *l)
{
    return l->next == l;
}

static inline void sc_list_append(struct sc_list *head, struct sc_list *entry)
{
    entry->prev = head->prev;
    entry->next = head;
    head->prev->next = entry;
    head->prev = entry;
}

static inline void sc_list_remove(struct sc_list *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    sc_list_init(entry);
}

/* First entry's link, or NULL when the list is empty. */
static inline struct sc_list *sc_list_first(struct sc_list *head)
{
    return sc_list_empty(head) ? NULL : head->next;
}

/* Iteration that allows removing the current entry. */
#define sc_list_each(it, tmp, head)                                                                \
    for (it = (head)->next, tmp = it->next; it != (head); it = tmp, tmp = it->next)

#endif
