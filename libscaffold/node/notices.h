/* Events that are no flow's, until the owner takes them, with the data of their datagrams. Bounded
 * by SC_DATAGRAMS_WAITING_MAX bytes and SC_NOTES_MAX notes. Not thread-safe. */
#ifndef SC_NODE_NOTICES_H
#define SC_NODE_NOTICES_H

#include "base/list.h"
#include "node/counters.h"
#include "node/event.h"

struct sc_notice {
    struct sc_list link;
    struct sc_event event;
    size_t len;
    uint8_t data[];
};

struct sc_notices {
    struct sc_list waiting;
    struct sc_notice *taken; /* the last one: its data lives until the next */
    size_t bytes;            /* of datagrams that wait */
    size_t notes;            /* of SC_EVENT_NOTE that wait */
    uint32_t left_out;       /* notes, for want of room, since the last that found some */
    struct sc_stack_counters *counters;
};

void sc_notices_init(struct sc_notices *all, struct sc_stack_counters *counters);
void sc_notices_fini(struct sc_notices *all);

/* One with room for `len` bytes, whose event has a type and zeros, and which the caller posts or
 * frees; NULL, and counted, without memory. */
struct sc_notice *sc_notices_new(struct sc_notices *all, enum sc_event_type type, size_t len);

/* The owner will be told; where there is no room for its data it is freed, and counted. */
void sc_notices_post(struct sc_notices *all, struct sc_notice *n);

/* An event without data. False: no memory. */
bool sc_notices_tell(struct sc_notices *all, const struct sc_event *e);

/* A note for people, which is left out where too many wait. */
void sc_notices_note(struct sc_notices *all, const struct sc_note *note);

/* The next one; false when none is left. Its data is valid until the next call. */
bool sc_notices_take(struct sc_notices *all, struct sc_event *out);

#endif
