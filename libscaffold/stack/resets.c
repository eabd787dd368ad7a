#include "stack/internal.h"

#define RESET_LEN (SC_HEADER_LEN + 8 + SC_TOKEN_LEN)

void sc_resets_send(struct sc_stack *s, uint32_t flow, uint64_t dst, size_t len,
                    const struct sc_underlay *from, sc_time now)
{
    uint8_t packet[RESET_LEN];
    bool known = sc_stack_knows(s, dst, from);
    if (len < RESET_LEN || !sc_stack_allows(s, SC_RATE_RESET, from, known, now))
        return;
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_RESET, .hop_limit = SC_HOP_LIMIT, .dst = dst};
    struct sc_reset r = {.src = s->env.address};
    sc_secrets_token(s, flow, r.token);
    sc_reset_write(&w, &h, &r);
    s->counters.resets_sent++;
    sc_outbox_put(s, sc_stack_queue_for(known), from, packet, sc_writer_len(&w));
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
