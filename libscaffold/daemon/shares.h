/* What each local user may have of the things that scaffoldd has a bounded number of, so that
 * nobody can take them all.
 *
 * Root and the user who runs scaffoldd may have everything. All others together leave a quarter to
 * them. Half of the rest is set aside in small parts, one for each of 256 users: whoever comes late
 * finds his. Of the other half each user may have one more, beyond his part, as long as he has
 * fewer of it than are still free (the dynamic threshold of Choudhury and Hahne, IEEE/ACM ToN 6(2),
 * 1998, with alpha 1): a single one gets half of it, the next one half of the rest. */
#ifndef SC_DAEMON_SHARES_H
#define SC_DAEMON_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"

enum sc_share_kind {
    SC_SHARE_CALLS,    /* control connections */
    SC_SHARE_CLIENTS,  /* local ports of clients, hence flows that were opened here */
    SC_SHARE_ARRIVALS, /* flows to servers here: of other hosts by who listens, else by who connects
                        */
    SC_SHARE_BOUND,    /* stream sockets bound to a service */
    SC_SHARE_DATAGRAMS,   /* datagram sockets of services */
    SC_SHARE_GATHERS,     /* datagrams that programs write in pieces */
    SC_SHARE_NAMES,       /* names that nobody here had asked for before */
    SC_SHARE_STATUS,      /* statuses that are being told */
    SC_SHARE_DESCRIPTORS, /* of all of these but calls, which always find theirs */
    SC_SHARE_KINDS
};

struct sc_user;

struct sc_shares {
    struct sc_map users;
    uid_t owner;
    struct {
        size_t most;      /* that there are */
        size_t taken;     /* by all */
        size_t by_others; /* neither root nor the owner */
        size_t beyond;    /* of these, beyond the part of each */
        uint64_t refused;
    } of[SC_SHARE_KINDS];
};

/* One of something, taken for a user; zeros: none. In whoever is taken, so that it goes with it. */
struct sc_share {
    struct sc_user *user;
    enum sc_share_kind kind;
    bool descriptor; /* and one of SC_SHARE_DESCRIPTORS */
};

/* `descriptors`: what the process may have. */
void sc_shares_init(struct sc_shares *s, uid_t owner, size_t descriptors, const uint64_t seed[2]);
void sc_shares_fini(struct sc_shares *s); /* every share was given back */

/* There are this many of a kind from now on, or as many as were said at first; 0: those. What was
 * taken stays taken. */
void sc_shares_limit(struct sc_shares *s, enum sc_share_kind kind, size_t most);

/* False, and counted: the user has enough, or there is no more. */
bool sc_share_take(struct sc_shares *s, struct sc_share *share, uid_t uid, enum sc_share_kind kind);

/* Whether one would be had now. */
bool sc_share_is_left(struct sc_shares *s, uid_t uid, enum sc_share_kind kind);

/* What was taken needs no descriptor of scaffoldd's any more. */
void sc_share_give_descriptor(struct sc_shares *s, struct sc_share *share);

/* Gives back; nothing happens when nothing was taken. */
void sc_share_give(struct sc_shares *s, struct sc_share *share);

/* How often somebody was told that there is no more for him. */
uint64_t sc_shares_refused(const struct sc_shares *s);

/* Name of a kind, for messages and counters: "control connections". */
const char *sc_share_name(enum sc_share_kind kind);

#endif
