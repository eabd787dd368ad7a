/* A router's answer to a question: back to where it came from. */
#ifndef SC_ROUTER_REPLY_H
#define SC_ROUTER_REPLY_H

#include "node/node.h"
#include "router/changes.h"
#include "router/hosts.h"

/* True for somebody whom we had to do with when it asked, or who has joined since. */
bool sc_reply_known(const struct sc_hosts *hosts, const struct sc_parked *q);

/* Sends `answer`, of which transaction and source are filled in. */
void sc_reply(struct sc_node *node, const struct sc_hosts *hosts, const struct sc_parked *q,
              struct sc_control *answer);

#endif
