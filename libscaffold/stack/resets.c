#include "stack/resets.h"

#define RESET_LEN (SC_HEADER_LEN + 8 + SC_TOKEN_LEN)

void sc_resets_send(struct sc_resets *r, uint32_t flow, uint64_t dst, size_t len,
                    const struct sc_underlay *from, sc_time now)
{
    uint8_t packet[RESET_LEN];
    struct sc_node *node = r->node;
    bool known = sc_peers_knows(r->peers, dst, from);
    if (len < RESET_LEN || !sc_node_allows(node, SC_RATE_RESET, from, known, now))
        return;
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_header h = {
        .version = SC_WIRE_VERSION, .type = SC_PKT_RESET, .hop_limit = SC_HOP_LIMIT, .dst = dst};
    struct sc_reset p = {.src = node->env.address};
    sc_secrets_token(&node->secrets, flow, p.token);
    sc_reset_write(&w, &h, &p);
    node->counters.resets_sent++;
    sc_outbox_put(&node->outbox, sc_outbox_queue_for(known), from, packet, sc_writer_len(&w));
}

/* A reset names its flow by the token alone: whoever sends it has forgotten all else. */
void sc_resets_on_reset(struct sc_resets *r, struct sc_reader *in, const struct sc_underlay *from,
                        sc_time now)
{
    struct sc_reset p;
    sc_reset_read(in, &p);
    struct sc_peer *peer = in->bad ? NULL : sc_peers_find(r->peers, p.src, from);
    if (!peer) {
        r->node->counters.dropped_malformed += in->bad;
        return;
    }
    struct sc_entry *e = sc_flows_find_token(r->flows, p.token);
    if (e && e->peer == peer) {
        r->node->counters.resets_received++;
        sc_flow_on_reset(&e->flow, &p, now);
        sc_flows_fed(r->flows, e);
        return;
    }
    sc_peers_hint(r->peers, peer, now); /* it may have been restarted, with another secret */
}
