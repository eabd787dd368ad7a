/* A train of one flow. */
#ifndef TESTS_TRANSPORT_ALONE_H
#define TESTS_TRANSPORT_ALONE_H

#include "transport/flow.h"
#include "transport/train.h"

/* False: it has nothing to send. */
static inline bool produce_alone(struct sc_flow *f, struct sc_train *t, sc_time now)
{
    sc_train_begin(t, f->peer_address);
    if (!sc_flow_produce(f, t, now))
        return false;
    sc_train_close(t, now);
    return true;
}

#endif
