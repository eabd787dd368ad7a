#include "router/notes.h"

#include <stdio.h>

void sc_notes_host(struct sc_notices *to, enum sc_note_what what, const char *name,
                   const struct sc_underlay *at)
{
    struct sc_note note = {.what = what, .underlay = *at};
    snprintf(note.host, sizeof note.host, "%s", name);
    sc_notices_note(to, &note);
}

static struct sc_note of_service(enum sc_note_what what, const struct sc_host *h,
                                 const struct sc_service_id *id)
{
    struct sc_note note = {.what = what, .underlay = h->underlay, .service = *id};
    snprintf(note.host, sizeof note.host, "%s", h->name);
    return note;
}

void sc_notes_service(struct sc_notices *to, enum sc_note_what what, const struct sc_host *h,
                      const struct sc_service_id *id)
{
    struct sc_note note = of_service(what, h, id);
    sc_notices_note(to, &note);
}

void sc_notes_denied(struct sc_notices *to, const struct sc_host *h, const struct sc_service_id *id,
                     enum sc_denial why)
{
    struct sc_note note = of_service(SC_NOTE_DENIED, h, id);
    note.denial = (uint8_t)why;
    sc_notices_note(to, &note);
}
