#include "stack/batch.h"

/* A flow's train, and whoever goes along. */
static bool drain_flows(struct sc_batch *b, struct sc_train *t, sc_time now)
{
    bool company = !b->one_by_one;
    if (!sc_departures_lead(b->departures, t, company, now))
        return false;
    if (company)
        sc_departures_join(b->departures, t, now);
    sc_departures_close(b->departures, t, now);
    return true;
}

/* A queue that is empty gives its turn away. */
static bool drain_turn(struct sc_batch *b, unsigned turn, struct sc_train *t, sc_time now)
{
    if (turn % 2 == 0)
        return drain_flows(b, t, now);
    return sc_outbox_drain(&b->node->outbox, (enum sc_queue)(turn / 2), t);
}

bool sc_batch_drain(struct sc_batch *b, struct sc_train *t, sc_time now)
{
    for (unsigned n = 0; n < 2 * SC_QUEUES; n++) {
        unsigned turn = b->turn;
        b->turn = (turn + 1) % (2 * SC_QUEUES);
        if (!drain_turn(b, turn, t, now))
            continue;
        b->node->counters.sent += (t->len + t->segment - 1) / (t->segment ? t->segment : 1);
        return true;
    }
    return false;
}

bool sc_batch_pending(const struct sc_batch *b)
{
    return !sc_outbox_is_empty(&b->node->outbox) || sc_departures_pending(b->departures);
}
