#include "router/invitations.h"

#include <string.h>

static bool is_good(const struct sc_invitation *one, uint64_t wall)
{
    return one->uses > 0 && wall < one->until;
}

static void remove_those_over(struct sc_invitations *all, uint64_t wall)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++)
        if (is_good(&all->all[i], wall))
            all->all[kept++] = all->all[i];
    all->count = kept;
}

static struct sc_invitation *find(struct sc_invitations *all, const uint8_t hash[SC_HASH_LEN])
{
    for (size_t i = 0; i < all->count; i++)
        if (memcmp(all->all[i].hash, hash, SC_HASH_LEN) == 0)
            return &all->all[i];
    return NULL;
}

void sc_invitation_hash(struct sc_crypto *c, const uint8_t secret[SC_INVITATION_LEN],
                        uint8_t hash[SC_HASH_LEN])
{
    const struct sc_field data = {secret, SC_INVITATION_LEN};
    sc_sha256(c, (struct sc_pieces){&data, 1}, hash);
}

bool sc_invitations_put(struct sc_invitations *all, const struct sc_invitation *one, uint64_t wall)
{
    struct sc_invitation *old = find(all, one->hash);
    if (old) {
        *old = *one;
        return true;
    }
    remove_those_over(all, wall);
    if (all->count == SC_INVITATIONS_MAX)
        return false;
    all->all[all->count++] = *one;
    return true;
}

struct sc_invitation *sc_invitations_find(struct sc_invitations *all,
                                          const uint8_t hash[SC_HASH_LEN], uint64_t wall)
{
    struct sc_invitation *one = find(all, hash);
    return one && is_good(one, wall) ? one : NULL;
}

void sc_invitations_give_back(struct sc_invitations *all, const uint8_t hash[SC_HASH_LEN])
{
    struct sc_invitation *one = find(all, hash);
    if (one)
        one->uses++;
}
