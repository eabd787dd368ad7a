/* Other hosts that we have flows with: where they are, and whether they live. One that is gone, or
 * was restarted, is queued: whoever keeps the flows takes it and ends them. Not thread-safe. */
#ifndef SC_STACK_PEERS_H
#define SC_STACK_PEERS_H

#include "node/node.h"
#include "router/hosts.h"
#include "stack/entry.h"
#include "stack/incarnations.h"

/* Another host as it is reached one way: directly, or through a relay. Whoever claims the same
 * address from elsewhere is another peer, so that it can neither draw the first one's packets nor
 * end its flows. Lives as long as it has flows. */
struct sc_peer {
    struct sc_map_node by_route;
    uint8_t route[8 + SC_UNDERLAY_LEN]; /* address and underlay, as a key */
    uint64_t address;
    struct sc_underlay underlay;
    uint64_t epoch; /* 0: not told yet */
    sc_time last_heard;
    bool lost;           /* given up, and not heard since */
    unsigned unanswered; /* probes since then, all of one transaction */
    uint64_t transaction;
    struct sc_map_node
        by_transaction; /* the answer may come from elsewhere: see sc_peers_on_alive */
    struct sc_incarnation *incarnation; /* once its epoch is known */
    sc_time hinted_at;                  /* last probe that somebody's hint was the reason for */
    struct sc_list flows;               /* sc_entry.siblings */
    size_t flow_count;
    struct sc_due due;
    struct sc_list failed; /* link in the list of those that have... */
    int error;             /* ...for this reason, an errno... */
    uint64_t kept_epoch;   /* ...but for the flows of this epoch; 0: with all of them */
};

struct sc_peers {
    struct sc_node *node;
    const struct sc_hosts *hosts; /* that have joined here */
    struct sc_map by_route;
    struct sc_map by_transaction; /* those that were probed */
    struct sc_incarnations incarnations;
    struct sc_list failed; /* sc_peer.failed */
};

void sc_peers_init(struct sc_peers *all, struct sc_node *node, const struct sc_hosts *hosts);
void sc_peers_fini(struct sc_peers *all); /* of which none may be left */

struct sc_peer *sc_peers_find(const struct sc_peers *all, uint64_t address,
                              const struct sc_underlay *underlay);

/* Whether this network address at this underlay is somebody's that we have to do with: our router,
 * a host that has joined, a host that we share flows with. */
bool sc_peers_knows(const struct sc_peers *all, uint64_t address, const struct sc_underlay *from);

/* The flow's packets go to `address` this way from now on. False when there is no room. */
bool sc_peers_adopt(struct sc_peers *all, struct sc_entry *e, uint64_t address,
                    const struct sc_underlay *underlay, sc_time now);
void sc_peers_drop(struct sc_peers *all, struct sc_entry *e);

/* Somebody says that this peer, or whoever is there, may be gone: asks it. */
void sc_peers_hint(struct sc_peers *all, struct sc_peer *p, sc_time now);
void sc_peers_hint_at(struct sc_peers *all, const struct sc_underlay *underlay, sc_time now);

void sc_peers_heard(struct sc_peers *all, struct sc_peer *p, uint64_t epoch, sc_time now);
/* A packet of one of its flows came from `from`. What was sent to a peer that has moved is lost, so
 * only what comes from where it is sent to is a sign of life; or what proves that it arrived. */
void sc_peers_heard_from(struct sc_peers *all, struct sc_peer *p, const struct sc_underlay *from,
                         bool proven, sc_time now);
void sc_peers_on_probe(struct sc_peers *all, const struct sc_control *c,
                       const struct sc_underlay *from, bool relayed, sc_time now);
void sc_peers_on_alive(struct sc_peers *all, const struct sc_control *c,
                       const struct sc_underlay *from, sc_time now);

/* The next one whose flows have to fail; NULL: none. */
struct sc_peer *sc_peers_take_failed(struct sc_peers *all);

#endif
