#include "stack/ways.h"

bool sc_ways_is_relayed(const struct sc_header *h)
{
    return h->hop_limit < SC_HOP_LIMIT;
}

bool sc_ways_settle(struct sc_peers *peers, struct sc_entry *e, bool relayed, uint64_t address,
                    const struct sc_underlay *to, sc_time now)
{
    bool room = sc_peers_adopt(peers, e, address, to, now);
    e->flow.relayed = relayed;
    e->flow.via = relayed || !room ? *to : (struct sc_underlay){0};
    return room;
}

void sc_ways_follow(struct sc_peers *peers, struct sc_entry *e, sc_time now)
{
    const struct sc_peer *p = e->peer;
    if (e->flow.state != SC_FLOW_FAILED || !p || !p->lost || !p->incarnation)
        return;
    if (sc_incarnations_is_sought(p->incarnation, now))
        sc_flow_on_peer_sought(&e->flow);
    struct sc_underlay seen = p->incarnation->seen;
    if (!sc_underlay_equal(&seen, &p->underlay) && sc_peers_adopt(peers, e, p->address, &seen, now))
        e->flow.via = (struct sc_underlay){0};
}

/* Without direct word from the client (NAT or a firewall, perhaps) the ANSWER is repeated through
 * the relay. A client whose third packet then draws nothing takes that way, too. */
void sc_ways_consider_relay(struct sc_peers *peers, struct sc_entry *e, sc_time now)
{
    struct sc_flow *f = &e->flow;
    if (f->relayed || e->relay.family == 0)
        return;
    if (f->state == SC_FLOW_ANSWERED && now >= f->answered_at + SC_OPEN_RELAY_AFTER) {
        f->relayed = true;
        f->want_answer |= !sc_underlay_equal(&e->relay, &f->via);
        f->via = e->relay;
    } else if (f->state == SC_FLOW_OPEN && f->is_client && f->opening.confirming &&
               f->recovery.timeouts > 0) {
        sc_ways_settle(peers, e, true, f->peer_address, &e->relay, now);
    }
}

struct sc_underlay sc_ways_of(const struct sc_entry *e)
{
    return e->flow.via.family == 0 && e->peer ? e->peer->underlay : e->flow.via;
}
