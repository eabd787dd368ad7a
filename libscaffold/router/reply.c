#include "router/reply.h"

bool sc_reply_known(const struct sc_hosts *hosts, const struct sc_parked *q)
{
    return q->known || sc_hosts_is_at(hosts, q->message.src, &q->from);
}

void sc_reply(struct sc_node *node, const struct sc_hosts *hosts, const struct sc_parked *q,
              struct sc_control *answer)
{
    answer->transaction = q->message.transaction;
    answer->src = node->env.address;
    sc_channels_control(hosts->channels, sc_channels_find(hosts->channels, q->channel), &q->from,
                        sc_outbox_queue_for(sc_reply_known(hosts, q)), answer);
}
