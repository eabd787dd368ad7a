/* What a router notes of its hosts, for the log of its owner. The stack itself does not log. */
#include "stack/internal.h"

#include <stdio.h>

static void put(struct sc_stack *s, struct sc_event *e)
{
    if (s->notes_waiting == SC_NOTES_MAX) {
        s->notes_left_out++;
        return;
    }
    e->type = SC_EVENT_NOTE;
    e->note.left_out = s->notes_left_out;
    struct sc_notice *n = sc_stack_notice_new(s, e, 0);
    if (!n)
        return;
    s->notes_left_out = 0;
    s->notes_waiting++;
    sc_stack_post(s, n);
}

void sc_notes_host(struct sc_stack *s, enum sc_note_what what, const char *name,
                   const struct sc_underlay *at)
{
    struct sc_event e = {.note = {.what = what, .underlay = *at}};
    snprintf(e.note.host, sizeof e.note.host, "%s", name);
    put(s, &e);
}

void sc_notes_service(struct sc_stack *s, enum sc_note_what what, const struct sc_host *h,
                      const struct sc_service_id *id)
{
    struct sc_event e = {.note = {.what = what, .underlay = h->underlay, .service = *id}};
    snprintf(e.note.host, sizeof e.note.host, "%s", h->name);
    put(s, &e);
}
