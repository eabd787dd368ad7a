#include "node/notices.h"

#include <stdlib.h>

void sc_notices_init(struct sc_notices *all, struct sc_stack_counters *counters)
{
    *all = (struct sc_notices){.counters = counters};
    sc_list_init(&all->waiting);
}

void sc_notices_fini(struct sc_notices *all)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &all->waiting) free(sc_container(it, struct sc_notice, link));
    free(all->taken);
}

struct sc_notice *sc_notices_new(struct sc_notices *all, enum sc_event_type type, size_t len)
{
    struct sc_notice *n = malloc(sizeof *n + len);
    if (!n) {
        all->counters->dropped_memory++;
        return NULL;
    }
    n->event = (struct sc_event){.type = type};
    n->len = len;
    return n;
}

void sc_notices_post(struct sc_notices *all, struct sc_notice *n)
{
    if (all->bytes + n->len > SC_DATAGRAMS_WAITING_MAX) {
        all->counters->dropped_datagrams++;
        free(n);
        return;
    }
    all->bytes += n->len;
    sc_list_append(&all->waiting, &n->link);
}

bool sc_notices_tell(struct sc_notices *all, const struct sc_event *e)
{
    struct sc_notice *n = sc_notices_new(all, e->type, 0);
    if (!n)
        return false;
    n->event = *e;
    sc_notices_post(all, n);
    return true;
}

void sc_notices_note(struct sc_notices *all, const struct sc_note *note)
{
    struct sc_event e = {.type = SC_EVENT_NOTE, .note = *note};
    if (all->notes == SC_NOTES_MAX) {
        all->left_out++;
        return;
    }
    e.note.left_out = all->left_out;
    if (!sc_notices_tell(all, &e))
        return;
    all->left_out = 0;
    all->notes++;
}

bool sc_notices_take(struct sc_notices *all, struct sc_event *out)
{
    free(all->taken);
    all->taken = NULL;
    struct sc_list *first = sc_list_first(&all->waiting);
    if (!first)
        return false;
    struct sc_notice *n = sc_container(first, struct sc_notice, link);
    sc_list_remove(first);
    all->bytes -= n->len;
    all->notes -= n->event.type == SC_EVENT_NOTE;
    all->taken = n;
    *out = n->event;
    return true;
}
