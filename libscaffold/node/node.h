/* What every part of a stack stands on: who this host is, its timers, its outbox, what its owner is
 * to be told, what it does for others in a second, its counters and its chance. Knows nothing of
 * those parts, nor of the role that the host plays. Not thread-safe. */
#ifndef SC_NODE_NODE_H
#define SC_NODE_NODE_H

#include "base/rng.h"
#include "crypto/crypto.h"
#include "naming/provider.h"
#include "node/counters.h"
#include "node/credentials.h"
#include "node/dues.h"
#include "node/notices.h"
#include "node/outbox.h"
#include "node/rates.h"
#include "node/secrets.h"
#include "node/trust.h"
#include "node/signatures.h"
#include "transport/flow.h"

struct sc_node {
    char host_name[SC_HOST_NAME_MAX + 1]; /* in lower case */
    struct sc_service_id id;   /* of <host_name>.host.scaffold; zeros until a router has named us */
    struct sc_underlay router; /* family 0: this host is its own */
    bool secure; /* what this host and its router, or its hosts, say to each other is sealed */
    struct sc_crypto crypto;
    struct sc_credentials credentials; /* when secure */
    struct sc_trust trust;
    int64_t wall; /* seconds since 1970 at time 0 of this clock */
    struct sc_secrets secrets;
    struct sc_flow_env env; /* with our network and pool address */
    struct sc_rng rng;
    uint64_t map_seed[2];
    struct sc_dues dues;
    struct sc_notices notices;
    struct sc_outbox outbox;
    struct sc_rates rates;
    struct sc_signatures signatures;
    struct sc_stack_counters counters;
};

/* `n` is zeros. Returns 0, -EINVAL when that is no name for a host, or -ENOMEM; then nothing is
 * left. The caller sets router, secrets, trust and env. */
int sc_node_init(struct sc_node *n, const char *host_name, uint64_t seed,
                 const struct sc_entropy *entropy);
void sc_node_fini(struct sc_node *n);

/* From now on it knows who it is, and what it says is sealed. */
void sc_node_secure(struct sc_node *n, const uint8_t seed[SC_KEY_SEED_LEN], sc_time now);

/* Before a handshake: the key that it uses does not get too old. */
void sc_node_renew_credentials(struct sc_node *n, sc_time now);

/* Seconds since 1970, as the owner said last. */
uint64_t sc_node_wall(const struct sc_node *n, sc_time now);

/* Who vouches for the names of hosts here; the router says so. */
void sc_node_take_provider(struct sc_node *n, const uint8_t key[SC_KEY_LEN]);

/* True for where our router is; never on a host that is its own. */
bool sc_node_is_router(const struct sc_node *n, const struct sc_underlay *from);

/* True for the id of this very host, whatever the port. */
bool sc_node_is_own_id(const struct sc_node *n, const struct sc_service_id *id);

/* True when this may be done for it now: see rates.h. Counted when not. */
bool sc_node_allows(struct sc_node *n, enum sc_rate kind, const struct sc_underlay *from,
                    bool known, sc_time now);

#endif
