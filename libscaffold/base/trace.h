/* What happens, told to whoever watches: one seam for all events. They are values, so that a
 * watcher keeps what it wants, and it must not call back into what it watches. Where nobody does,
 * an event costs one comparison. */
#ifndef SC_BASE_TRACE_H
#define SC_BASE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct sc_trace_packet {
    uint32_t flow;   /* own id */
    uint8_t type;    /* see wire/packet.h */
    uint64_t number; /* 0 for what opens a flow */
    size_t size;     /* of the datagram */
};

/* Functions that are NULL are not called. */
struct sc_trace_ops {
    void (*state)(void *watcher, uint32_t flow, const char *from, const char *to, sc_time now);
    void (*sent)(void *watcher, const struct sc_trace_packet *p, sc_time now);
    void (*received)(void *watcher, const struct sc_trace_packet *p, sc_time now);
    void (*lost)(void *watcher, const struct sc_trace_packet *p, sc_time now);
    void (*bound)(void *watcher, const char *to, const char *rule, sc_time now);
};

struct sc_trace {
    const struct sc_trace_ops *ops; /* NULL: nobody watches */
    void *watcher;
};

/* To be asked before the values of an event are gathered. */
static inline bool sc_trace_is_watched(const struct sc_trace *t)
{
    return t->ops != NULL;
}

/* A flow goes from one state to another. */
static inline void sc_trace_state(const struct sc_trace *t, uint32_t flow, const char *from,
                                  const char *to, sc_time now)
{
    if (t->ops && t->ops->state)
        t->ops->state(t->watcher, flow, from, to, now);
}

/* A packet of a flow is about to leave. */
static inline void sc_trace_sent(const struct sc_trace *t, const struct sc_trace_packet *p,
                                 sc_time now)
{
    if (t->ops && t->ops->sent)
        t->ops->sent(t->watcher, p, now);
}

/* A packet of an open flow has come, perhaps for the second time. */
static inline void sc_trace_received(const struct sc_trace *t, const struct sc_trace_packet *p,
                                     sc_time now)
{
    if (t->ops && t->ops->received)
        t->ops->received(t->watcher, p, now);
}

/* A packet that was sent is taken for lost. */
static inline void sc_trace_lost(const struct sc_trace *t, const struct sc_trace_packet *p,
                                 sc_time now)
{
    if (t->ops && t->ops->lost)
        t->ops->lost(t->watcher, p, now);
}

/* It was decided who gets a flow or a datagram, by this rule. */
static inline void sc_trace_bound(const struct sc_trace *t, const char *to, const char *rule,
                                  sc_time now)
{
    if (t->ops && t->ops->bound)
        t->ops->bound(t->watcher, to, rule, now);
}

#endif
