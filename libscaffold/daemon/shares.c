#include "daemon/shares.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "daemon/endpoint_table.h"
#include "daemon/registry.h"

/* What root and the owner find even when all others have taken what they may: one part in so many.
 */
#define RESERVE_PART 4
/* scaffoldd's own: the loop, two UDP sockets, two control sockets, signals, state, questions to the
 * kernel, and what a library may open for a moment. */
#define OWN_DESCRIPTORS 64

struct sc_user {
    struct sc_map_node node;
    uint32_t uid;
    bool privileged;
    size_t total; /* of all kinds: nobody with nothing is remembered */
    size_t taken[SC_SHARE_KINDS];
};

static const struct {
    const char *name;
    size_t most;
    size_t descriptors; /* for each */
} kinds[SC_SHARE_KINDS] = {
    [SC_SHARE_CALLS] = {"control connections", SC_CALLS_MAX, 1},
    [SC_SHARE_CLIENTS] = {"flows opened here", SC_PORT_LAST - SC_PORT_FIRST + 1, 2},
    [SC_SHARE_ARRIVALS] = {"flows from other hosts", SC_FLOWS_MAX, 1},
    [SC_SHARE_BOUND] = {"bound stream sockets", SC_INSTANCES_MAX, 1},
    [SC_SHARE_DATAGRAMS] = {"datagram sockets",
                            SC_PORT_LAST - SC_PORT_FIRST + 1 - SC_PORTS_KEPT_MAX, 1},
    [SC_SHARE_NAMES] = {"names", SC_MAPPINGS_MAX, 0},
};

const char *sc_share_name(enum sc_share_kind kind)
{
    return kinds[kind].name;
}

static size_t descriptors_wanted(void)
{
    size_t n = 0;
    for (size_t k = 0; k < SC_SHARE_KINDS; k++)
        n += kinds[k].most * kinds[k].descriptors;
    return n;
}

void sc_shares_init(struct sc_shares *s, uid_t owner, size_t descriptors, const uint64_t seed[2])
{
    size_t have = descriptors > OWN_DESCRIPTORS ? descriptors - OWN_DESCRIPTORS : 1;
    size_t want = descriptors_wanted();
    *s = (struct sc_shares){.owner = owner};
    SC_MAP_INIT(&s->users, struct sc_user, node, uid, seed);
    for (size_t k = 0; k < SC_SHARE_KINDS; k++) {
        s->of[k].most = kinds[k].most;
        if (kinds[k].descriptors && have < want)
            s->of[k].most = (size_t)((double)kinds[k].most * (double)have / (double)want);
    }
}

void sc_shares_fini(struct sc_shares *s)
{
    assert(s->users.count == 0);
    sc_map_fini(&s->users);
}

static struct sc_user *user_of(struct sc_shares *s, uint32_t uid)
{
    struct sc_map_node *n = sc_map_find(&s->users, &uid);
    if (n)
        return sc_container(n, struct sc_user, node);
    struct sc_user *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->uid = uid;
    u->privileged = uid == 0 || uid == s->owner;
    if (sc_map_insert(&s->users, &u->node) < 0) {
        free(u);
        return NULL;
    }
    return u;
}

static void forget_idle(struct sc_shares *s, struct sc_user *u)
{
    if (u->total > 0)
        return;
    sc_map_remove(&s->users, &u->node);
    free(u);
}

static bool may_take(const struct sc_shares *s, const struct sc_user *u, enum sc_share_kind kind)
{
    size_t most = s->of[kind].most, others = s->of[kind].by_others;
    size_t for_others = most - most / RESERVE_PART;
    if (s->of[kind].taken >= most)
        return false;
    return u->privileged || (others < for_others && u->taken[kind] < for_others - others);
}

bool sc_share_take(struct sc_shares *s, struct sc_share *share, uid_t uid, enum sc_share_kind kind)
{
    struct sc_user *u = user_of(s, uid);
    assert(!share->user);
    if (!u || !may_take(s, u, kind)) {
        s->of[kind].refused++;
        if (u)
            forget_idle(s, u);
        return false;
    }
    *share = (struct sc_share){.user = u, .kind = kind};
    u->taken[kind]++;
    u->total++;
    s->of[kind].taken++;
    s->of[kind].by_others += !u->privileged;
    return true;
}

void sc_share_give(struct sc_shares *s, struct sc_share *share)
{
    struct sc_user *u = share->user;
    enum sc_share_kind kind = share->kind;
    if (!u)
        return;
    *share = (struct sc_share){0};
    u->taken[kind]--;
    u->total--;
    s->of[kind].taken--;
    s->of[kind].by_others -= !u->privileged;
    forget_idle(s, u);
}
