#include "stack/forward.h"

#include "wire/packet.h"

void sc_forward(struct sc_node *node, const struct sc_host *host, uint8_t *data, size_t len,
                const struct sc_underlay *origin, uint64_t *full)
{
    if (!host || !host->up) {
        node->counters.dropped_unknown_address++;
        return;
    }
    if (!sc_packet_hop(data, len)) {
        node->counters.dropped_hops++;
        return;
    }
    if (origin)
        sc_packet_set_origin(data, len, origin);
    if (sc_outbox_join(&node->outbox, SC_QUEUE_FORWARDS, &host->underlay, data, len))
        node->counters.forwarded++;
    else
        ++*full;
}
