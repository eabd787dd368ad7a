#include "stack/internal.h"

/* Flows of one peer that are forgotten here draw one each; a flood of strays gets no more. */
#define RESETS_PER_SECOND 1000

bool sc_resets_allowed(struct sc_stack *s, sc_time now)
{
    if (now >= s->resets_since + SC_SECOND) {
        s->resets_since = now;
        s->resets = 0;
    }
    return s->resets++ < RESETS_PER_SECOND;
}

void sc_resets_send(struct sc_stack *s, uint32_t flow, uint64_t dst, size_t len,
                    const struct sc_underlay *from, sc_time now)
{
    uint8_t packet[64];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_RESET, .hop_limit = SC_HOP_LIMIT, .dst = dst};
    struct sc_reset r = {.src = s->env.address};
    sc_secrets_token(s, flow, r.token);
    sc_reset_write(&w, &h, &r);
    if (sc_writer_len(&w) > len || !sc_resets_allowed(s, now))
        return;
    s->counters.resets_sent++;
    sc_outbox_put(s, from, packet, sc_writer_len(&w));
}

/* A reset names its flow by the token alone: whoever sends it has forgotten all else. */
void sc_resets_on_reset(struct sc_stack *s, struct sc_reader *r, const struct sc_underlay *from,
                        sc_time now)
{
    struct sc_reset p;
    sc_reset_read(r, &p);
    struct sc_peer *peer = r->bad ? NULL : sc_peers_find(s, p.src, from);
    if (!peer) {
        s->counters.dropped_malformed += r->bad;
        return;
    }
    struct sc_map_node *n = sc_map_find(&s->by_token, p.token);
    struct sc_entry *e = n ? sc_container(n, struct sc_entry, by_token) : NULL;
    if (e && e->peer == peer) {
        s->counters.resets_received++;
        sc_flow_on_reset(&e->flow, &p, now);
        sc_flows_fed(s, e);
        return;
    }
    sc_peers_hint(s, peer, now); /* it may have been restarted, with another secret */
}
