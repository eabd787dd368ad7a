#include <string.h>

#include "naming/service_name.h"
#include "sim.h"
#include "stack/parts.h"

/* Of every router's, so that ids are known before anybody has asked. */
static const uint8_t network_seed[SC_NETWORK_SEED_LEN];

/* Whose services the tests use. */
static const char *const aliases[] = {"demo"};

/* Good for all hosts, and for longer than any clock is wrong. */
static const uint8_t invitation[SC_INVITATION_LEN] = "the invitation";

/* --- hosts ------------------------------------------------------------------------------------ */

/* Not from the simulation's own source, so that one without keys draws nothing else from it. */
static void draw_key(struct sim_host *h)
{
    struct sc_rng rng;
    sc_rng_seed(&rng, h->sim->seed * SIM_HOSTS + h->index);
    for (size_t i = 0; i < sizeof h->config.key_seed; i++)
        h->config.key_seed[i] = (uint8_t)sc_rng_next(&rng);
}

void sim_keys_give(struct sim_host *h)
{
    struct sc_stack_config *c = &h->config;
    c->secure = !h->sim->plain;
    c->wall = (uint64_t)((int64_t)(SIM_WALL + h->sim->now / SC_SECOND) + h->wall_error);
    memcpy(c->network_seed, network_seed, sizeof network_seed);
    draw_key(h);
    if (!h->router)
        return;
    c->trust.knows_router = true;
    memcpy(c->trust.router, h->router->key_hash, sizeof c->trust.router);
    if (h->incarnation == 1)
        memcpy(c->trust.invitation, invitation, sizeof invitation);
}

static void teach_alias(struct sim_host *h, const char *alias)
{
    uint8_t key[SC_KEY_LEN];
    sc_provider_derive(&h->stack->node.crypto, network_seed, alias, key);
    int error = sc_stack_restore_alias(h->stack, alias, key);
    if (error)
        sim_violation(h->sim, "%s does not take alias %s: %d", h->config.host_name, alias, error);
}

void sim_keys_teach(struct sim_host *h)
{
    if (h->router)
        return;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        teach_alias(h, aliases[i]);
    if (!h->config.secure)
        return;
    sc_stack_key_hash(h->stack, h->key_hash);
    if (!sc_stack_invite(h->stack, invitation, UINT32_MAX, UINT64_MAX, h->sim->now))
        sim_violation(h->sim, "%s cannot invite", h->config.host_name);
}

void sim_keys_keep(struct sim_host *h)
{
    memcpy(h->config.trust.invitation, h->stack->node.trust.invitation, SC_INVITATION_LEN);
}

uint32_t sim_invitation_left(const struct sim_host *router)
{
    return router->stack->router.invitations.all[0].uses;
}

/* --- services --------------------------------------------------------------------------------- */

struct sc_service_id sim_service_id(const char *name)
{
    struct sc_service_name parsed;
    struct sc_service_id id = {{0}};
    uint8_t key[SC_KEY_LEN], provider[SC_PROVIDER_LEN];
    if (sc_service_name_read(name, &parsed, NULL) < 0)
        return id;
    struct sc_crypto c;
    sc_crypto_init(&c, NULL);
    sc_provider_derive(&c, network_seed, parsed.provider, key);
    sc_crypto_fini(&c);
    sc_provider_of_key(key, provider);
    sc_service_name_to_id(&parsed, provider, &id);
    return id;
}
