#include "stack/forward.h"

#include "wire/packet.h"

static bool goes_on(struct sc_node *node, const struct sc_host *host, uint8_t *data, size_t len)
{
    if (!host || !host->up) {
        node->counters.dropped_unknown_address++;
        return false;
    }
    bool hops = sc_packet_hop(data, len);
    node->counters.dropped_hops += !hops;
    return hops;
}

void sc_forward(struct sc_node *node, const struct sc_host *host, uint8_t *data, size_t len,
                const struct sc_underlay *origin, uint64_t *full)
{
    if (!goes_on(node, host, data, len))
        return;
    if (origin)
        sc_packet_set_origin(data, len, origin);
    if (sc_outbox_join(&node->outbox, SC_QUEUE_FORWARDS, &host->underlay, data, len))
        node->counters.forwarded++;
    else
        ++*full;
}

void sc_forward_sealed(struct sc_channels *channels, const struct sc_host *host, uint8_t *data,
                       size_t len, const struct sc_underlay *origin)
{
    if (!goes_on(channels->node, host, data, len))
        return;
    if (origin)
        sc_packet_put_origin(data, len, origin);
    sc_channels_send(channels, host->link.now, &host->underlay, SC_QUEUE_FORWARDS, data, len);
    channels->node->counters.forwarded++;
}
