/* Of stack.h: who lets this host serve what, and what it lets others serve. */
#include <errno.h>
#include <string.h>

#include "stack/parts.h"
#include "stack/stack.h"

static bool is_router(const struct sc_stack *s)
{
    return s->routing == &s->router.routing;
}

bool sc_stack_restore_grant(struct sc_stack *s, struct sc_field grant)
{
    struct sc_grant g;
    if (!sc_grant_read(&g, grant))
        return false;
    if (memcmp(g.host, s->node.credentials.host.public, SC_KEY_LEN) == 0)
        return sc_grants_restore(&s->grants, grant);
    return !is_router(s) || sc_rights_restore(&s->router.rights, &g);
}

int sc_stack_install_grant(struct sc_stack *s, struct sc_field grant, sc_time now)
{
    struct sc_event e = {.type = SC_EVENT_GRANT, .grant = {.len = grant.len}};
    struct sc_grant g;
    int err = sc_grants_take(&s->grants, grant, SC_HELD_INSTALLED, now);
    if (err < 0)
        return err;
    sc_grant_read(&g, grant);
    e.grant.until = g.until;
    memcpy(e.grant.bytes, grant.data, grant.len);
    sc_notices_tell(&s->node.notices, &e);
    if (!is_router(s))
        sc_registrar_offer(&s->remote.registrar, now);
    return 0;
}

int sc_stack_hold_provider(struct sc_stack *s, const uint8_t seed[SC_KEY_SEED_LEN], sc_time now)
{
    int err = sc_grants_hold(&s->grants, seed, now);
    if (err == 0 && !is_router(s))
        sc_registrar_offer(&s->remote.registrar, now);
    return err;
}

size_t sc_stack_grant(struct sc_stack *s, const uint8_t provider[SC_PROVIDER_LEN],
                      struct sc_grant *g, uint8_t out[SC_GRANT_MAX])
{
    const struct sc_key *key = sc_grants_key(&s->grants, provider);
    if (!key)
        return 0;
    sc_entropy_fill(&s->node.crypto.entropy, (uint8_t *)&g->serial, sizeof g->serial);
    return sc_grant_write(out, &s->node.crypto, g, key);
}

const struct sc_held *sc_stack_next_grant(const struct sc_stack *s, const struct sc_held *h)
{
    const struct sc_list *next = h ? h->link.next : s->grants.all.next;
    return next == &s->grants.all ? NULL : sc_container(next, struct sc_held, link);
}

const uint8_t *sc_stack_provider(const struct sc_stack *s, size_t i)
{
    return i < s->grants.own_count ? s->grants.own[i].public : NULL;
}

enum sc_denial sc_stack_denial(const struct sc_stack *s, const struct sc_service_id *id)
{
    const struct sc_denied *one = sc_denials_find(&s->remote.registrar.denials, id);
    return one ? one->why : SC_DENIAL_NONE;
}

bool sc_stack_may_serve(const struct sc_stack *s, const struct sc_service_id *id, sc_time now)
{
    enum sc_grant_age age;
    return sc_grants_find(&s->grants, id, now, &age) != NULL;
}
