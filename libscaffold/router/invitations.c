#include "router/invitations.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/secret.h"

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
    OPENSSL_cleanse(&all->all[kept], (all->count - kept) * sizeof *all->all);
    all->count = kept;
}

static struct sc_invitation *find(struct sc_invitations *all,
                                  const uint8_t secret[SC_INVITATION_LEN])
{
    static const uint8_t none[SC_INVITATION_LEN];
    struct sc_invitation *found = NULL;
    for (size_t i = 0; i < all->count; i++)
        if (sc_secret_equal(all->all[i].secret, secret, SC_INVITATION_LEN))
            found = &all->all[i];
    return memcmp(secret, none, sizeof none) == 0 ? NULL : found;
}

bool sc_invitations_put(struct sc_invitations *all, const struct sc_invitation *one, uint64_t wall)
{
    struct sc_invitation *old = find(all, one->secret);
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
                                          const uint8_t secret[SC_INVITATION_LEN], uint64_t wall)
{
    struct sc_invitation *one = find(all, secret);
    return one && is_good(one, wall) ? one : NULL;
}

void sc_invitations_give_back(struct sc_invitations *all, const uint8_t secret[SC_INVITATION_LEN])
{
    struct sc_invitation *one = find(all, secret);
    if (one)
        one->uses++;
}
