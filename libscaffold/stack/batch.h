/* What leaves in one call: a train, of whoever's turn it is, and of those that can go along: flows
 * with packets of about its length, to the same place; in the outbox, of exactly its length. Every
 * other turn is the flows', the rest are shared by the queues of the outbox, so that none of them
 * can keep another waiting. The one place where packets of several senders meet before they leave.
 * Not thread-safe. */
#ifndef SC_STACK_BATCH_H
#define SC_STACK_BATCH_H

#include "stack/departures.h"

struct sc_batch {
    struct sc_node *node;
    struct sc_departures *departures;
    unsigned turn;   /* whose it is */
    bool one_by_one; /* packets leave by a call each: padding them would gain nothing */
};

/* The next train; false: nobody has one now. */
bool sc_batch_drain(struct sc_batch *b, struct sc_train *t, sc_time now);

/* Somebody may have one. */
bool sc_batch_pending(const struct sc_batch *b);

#endif
