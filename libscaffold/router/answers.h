/* A router's answers to LOOKUPs, of other hosts and of its own programs: from its names, or with a
 * new one. Not thread-safe. */
#ifndef SC_ROUTER_ANSWERS_H
#define SC_ROUTER_ANSWERS_H

#include "router/changes.h"
#include "router/hosts.h"

struct sc_answers {
    struct sc_node *node;
    struct sc_hosts *hosts;
    struct sc_pool *pool;
    struct sc_changes *changes;
    struct sc_aliases *aliases;
};

/* Answered, or parked until what it asks for is stored. False: it would have to wait, and too many
 * do. */
bool sc_answers_on_lookup(struct sc_answers *a, const struct sc_parked *q, sc_time now);

/* The same of one that was parked; `error`: what it waited for could not be stored. */
void sc_answers_resume(struct sc_answers *a, const struct sc_parked *q, int error, sc_time now);

#endif
