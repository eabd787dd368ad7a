/* All of a stack: its parts, each of which knows only those that it is given. For the files that
 * put them together, and for tests that look inside. */
#ifndef SC_STACK_PARTS_H
#define SC_STACK_PARTS_H

#include "node/node.h"
#include "router/router.h"
#include "stack/batch.h"
#include "stack/connectionless.h"
#include "stack/departures.h"
#include "stack/flows.h"
#include "stack/grants.h"
#include "stack/opening.h"
#include "stack/peers.h"
#include "stack/remote.h"
#include "stack/resets.h"

struct sc_stack {
    struct sc_node node;
    struct sc_channels channels;
    struct sc_service_table services;
    struct sc_pool pool;
    struct sc_grants grants;
    struct sc_router router;    /* one of the two... */
    struct sc_remote remote;    /* ...is this host's role... */
    struct sc_routing *routing; /* ...and this is which */
    struct sc_peers peers;
    struct sc_flows flows;
    struct sc_resets resets;
    struct sc_opening opening;
    struct sc_departures departures;
    struct sc_batch batch;
    struct sc_connectionless connectionless;
};

#endif
