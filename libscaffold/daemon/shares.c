#include "daemon/shares.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "daemon/control/status.h"
#include "daemon/datagram/endpoint_table.h"
#include "daemon/stream/client_port.h"

/* What root and the owner find even when all others have taken what they may: one part in so many.
 */
#define RESERVE_PART 4
/* Users who find something set aside for them, however late they come. */
#define PARTS 256
/* Where descriptors are few, there may be a call for so many, at most SC_CALLS_MAX... */
#define CALLS_PART 6
/* ... each of which may have these: its connection, and the end of a program that waits. */
#define CALL_DESCRIPTORS 2
/* scaffoldd's own: the loop, two UDP sockets, two control sockets, signals, state, questions to the
 * kernel, pipes to SC_STATUS_MAX readers, and what a library may open for a moment. */
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
    bool is_descriptor; /* of those that calls leave */
} kinds[SC_SHARE_KINDS] = {
    [SC_SHARE_CALLS] = {"control connections", SC_CALLS_MAX, false},
    [SC_SHARE_CLIENTS] = {"flows opened here", SC_PORT_LAST - SC_PORT_FIRST + 1, true},
    [SC_SHARE_ARRIVALS] = {"flows to servers here", SC_FLOWS_MAX, true},
    /* whose process is watched, once it listens */
    [SC_SHARE_BOUND] = {"bound stream sockets", SC_INSTANCES_MAX, true},
    [SC_SHARE_DATAGRAMS] = {"datagram sockets",
                            SC_PORT_LAST - SC_PORT_FIRST + 1 - SC_PORTS_KEPT_MAX, true},
    [SC_SHARE_GATHERS] = {"datagrams in pieces", SC_GATHERS_MAX, false},
    [SC_SHARE_NAMES] = {"names", SC_MAPPINGS_MAX, false},
    [SC_SHARE_STATUS] = {"statuses told at a time", SC_STATUS_MAX, false}, /* scaffoldd's own */
    [SC_SHARE_DESCRIPTORS] = {"descriptors", 0, false},
};

const char *sc_share_name(enum sc_share_kind kind)
{
    return kinds[kind].name;
}

void sc_shares_init(struct sc_shares *s, uid_t owner, size_t descriptors, const uint64_t seed[2])
{
    size_t have = descriptors > OWN_DESCRIPTORS ? descriptors - OWN_DESCRIPTORS : 0;
    size_t calls = have / CALLS_PART < SC_CALLS_MAX ? have / CALLS_PART : SC_CALLS_MAX;
    *s = (struct sc_shares){.owner = owner};
    SC_MAP_INIT(&s->users, struct sc_user, node, uid, seed);
    for (size_t k = 0; k < SC_SHARE_KINDS; k++)
        s->of[k].most = kinds[k].most;
    s->of[SC_SHARE_CALLS].most = calls;
    s->of[SC_SHARE_DESCRIPTORS].most = have - CALL_DESCRIPTORS * calls;
}

void sc_shares_limit(struct sc_shares *s, enum sc_share_kind kind, size_t most)
{
    s->of[kind].most = most && most < kinds[kind].most ? most : kinds[kind].most;
}

void sc_shares_fini(struct sc_shares *s)
{
    assert(s->users.count == 0);
    sc_map_fini(&s->users);
}

uint64_t sc_shares_refused(const struct sc_shares *s)
{
    uint64_t n = 0;
    for (size_t k = 0; k < SC_SHARE_KINDS; k++)
        n += s->of[k].refused;
    return n;
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

static size_t for_others(const struct sc_shares *s, enum sc_share_kind kind)
{
    return s->of[kind].most - s->of[kind].most / RESERVE_PART;
}

/* What is set aside for each of the others. */
static size_t part_of(const struct sc_shares *s, enum sc_share_kind kind)
{
    size_t part = for_others(s, kind) / 2 / PARTS;
    return part > 0 ? part : 1;
}

static size_t beyond(const struct sc_shares *s, const struct sc_user *u, enum sc_share_kind kind)
{
    size_t part = part_of(s, kind);
    return u->privileged || u->taken[kind] < part ? 0 : u->taken[kind] - part;
}

static bool may_take(const struct sc_shares *s, const struct sc_user *u, enum sc_share_kind kind)
{
    size_t room = for_others(s, kind);
    if (s->of[kind].taken >= s->of[kind].most)
        return false;
    if (u->privileged)
        return true;
    if (u->taken[kind] < part_of(s, kind))
        return s->of[kind].by_others < room;
    size_t free_ones = room / 2 > s->of[kind].beyond ? room / 2 - s->of[kind].beyond : 0;
    return beyond(s, u, kind) < free_ones && s->of[kind].by_others < room;
}

/* One more, or one less, of a kind. */
static void count(struct sc_shares *s, struct sc_user *u, enum sc_share_kind kind, int change)
{
    s->of[kind].beyond -= beyond(s, u, kind);
    u->taken[kind] += (size_t)change;
    s->of[kind].taken += (size_t)change;
    s->of[kind].by_others += u->privileged ? 0 : (size_t)change;
    s->of[kind].beyond += beyond(s, u, kind);
}

/* Which of the two is short; SC_SHARE_KINDS: neither. */
static enum sc_share_kind short_of(const struct sc_shares *s, const struct sc_user *u,
                                   enum sc_share_kind kind)
{
    if (!may_take(s, u, kind))
        return kind;
    bool fits = !kinds[kind].is_descriptor || may_take(s, u, SC_SHARE_DESCRIPTORS);
    return fits ? SC_SHARE_KINDS : SC_SHARE_DESCRIPTORS;
}

bool sc_share_take(struct sc_shares *s, struct sc_share *share, uid_t uid, enum sc_share_kind kind)
{
    struct sc_user *u = user_of(s, uid);
    enum sc_share_kind lacking = u ? short_of(s, u, kind) : kind;
    assert(!share->user);
    if (lacking < SC_SHARE_KINDS) {
        s->of[lacking].refused++;
        if (u)
            forget_idle(s, u);
        return false;
    }
    *share = (struct sc_share){.user = u, .kind = kind, .descriptor = kinds[kind].is_descriptor};
    u->total++;
    count(s, u, kind, 1);
    if (share->descriptor)
        count(s, u, SC_SHARE_DESCRIPTORS, 1);
    return true;
}

bool sc_share_is_left(struct sc_shares *s, uid_t uid, enum sc_share_kind kind)
{
    struct sc_user *u = user_of(s, uid);
    bool left = u && short_of(s, u, kind) == SC_SHARE_KINDS;
    if (u)
        forget_idle(s, u);
    return left;
}

void sc_share_give_descriptor(struct sc_shares *s, struct sc_share *share)
{
    if (share->descriptor)
        count(s, share->user, SC_SHARE_DESCRIPTORS, -1);
    share->descriptor = false;
}

void sc_share_give(struct sc_shares *s, struct sc_share *share)
{
    struct sc_user *u = share->user;
    enum sc_share_kind kind = share->kind;
    if (!u)
        return;
    sc_share_give_descriptor(s, share);
    *share = (struct sc_share){0};
    u->total--;
    count(s, u, kind, -1);
    forget_idle(s, u);
}
