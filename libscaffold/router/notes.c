#include "router/notes.h"

#include <stdio.h>

void sc_notes_host(struct sc_notices *to, enum sc_note_what what, const char *name,
                   const struct sc_underlay *at)
{
    struct sc_note note = {.what = what, .underlay = *at};
    snprintf(note.host, sizeof note.host, "%s", name);
    sc_notices_note(to, &note);
}

void sc_notes_service(struct sc_notices *to, enum sc_note_what what, const struct sc_host *h,
                      const struct sc_service_id *id)
{
    struct sc_note note = {.what = what, .underlay = h->underlay, .service = *id};
    snprintf(note.host, sizeof note.host, "%s", h->name);
    sc_notices_note(to, &note);
}
