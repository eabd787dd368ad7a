#include "router/aliases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

enum whose { NOT_ASKED, HELD, SOMEBODYS_OWN };

struct sc_alias {
    struct sc_map_node by_name, by_provider;
    char name[SC_ALIAS_MAX + 1]; /* zeros behind it */
    uint8_t key[SC_KEY_LEN];
    uint8_t provider[SC_PROVIDER_LEN]; /* its hash */
    enum whose whose;
};

static struct sc_alias *alias_of(struct sc_map_node *n)
{
    return sc_container(n, struct sc_alias, by_name);
}

void sc_aliases_init(struct sc_aliases *a, struct sc_crypto *crypto,
                     const uint8_t seed[SC_NETWORK_SEED_LEN], const uint64_t map_seed[2])
{
    SC_MAP_INIT(&a->by_name, struct sc_alias, by_name, name, map_seed);
    SC_MAP_INIT(&a->by_provider, struct sc_alias, by_provider, provider, map_seed);
    a->crypto = crypto;
    memcpy(a->seed, seed, sizeof a->seed);
}

static void forget(struct sc_aliases *a, struct sc_alias *one)
{
    sc_map_remove(&a->by_name, &one->by_name);
    sc_map_remove(&a->by_provider, &one->by_provider);
    free(one);
}

void sc_aliases_fini(struct sc_aliases *a)
{
    struct sc_map_node *next, *n = sc_map_next(&a->by_name, NULL);
    for (; n; n = next) {
        next = sc_map_next(&a->by_name, n);
        forget(a, alias_of(n));
    }
    sc_map_fini(&a->by_name);
    sc_map_fini(&a->by_provider);
}

static struct sc_alias *find(const struct sc_aliases *a, const char *name)
{
    char key[SC_ALIAS_MAX + 1] = {0};
    strncpy(key, name, sizeof key - 1);
    struct sc_map_node *n = sc_map_find(&a->by_name, key);
    return n ? alias_of(n) : NULL;
}

static int put(struct sc_aliases *a, const char *name, const uint8_t key[SC_KEY_LEN])
{
    struct sc_alias *one = calloc(1, sizeof *one);
    if (!one)
        return -ENOMEM;
    strncpy(one->name, name, sizeof one->name - 1);
    memcpy(one->key, key, sizeof one->key);
    sc_provider_of_key(key, one->provider);
    if (sc_map_insert(&a->by_name, &one->by_name) == 0 &&
        (sc_aliases_of(a, one->provider) || sc_map_insert(&a->by_provider, &one->by_provider) == 0))
        return 0;
    forget(a, one);
    return -ENOMEM;
}

int sc_aliases_bind(struct sc_aliases *a, const char *alias, const uint8_t key[SC_KEY_LEN])
{
    if (!sc_service_name_is_alias(alias))
        return -EINVAL;
    return find(a, alias) ? -EEXIST : put(a, alias, key);
}

/* To derive a key takes longer than anything else about a new name, and most have few aliases. */
static void derive(struct sc_aliases *a, const char *alias, uint8_t key[SC_KEY_LEN])
{
    sc_provider_derive(a->crypto, a->seed, alias, key);
    if (a->by_name.count < SC_ALIASES_REMEMBERED)
        put(a, alias, key);
}

static void key_of(struct sc_aliases *a, const char *alias, uint8_t key[SC_KEY_LEN])
{
    const struct sc_alias *known = find(a, alias);
    if (known)
        memcpy(key, known->key, SC_KEY_LEN);
    else
        derive(a, alias, key);
}

void sc_aliases_id(struct sc_aliases *a, const struct sc_service_name *n, uint8_t key[SC_KEY_LEN],
                   struct sc_service_id *id)
{
    uint8_t provider[SC_PROVIDER_LEN];
    memset(key, 0, SC_KEY_LEN);
    if (!sc_provider_read(n->provider, provider)) {
        key_of(a, n->provider, key);
        sc_provider_of_key(key, provider);
    }
    sc_service_name_to_id(n, provider, id);
}

bool sc_aliases_has(const struct sc_aliases *a, const char *alias, const uint8_t key[SC_KEY_LEN])
{
    const struct sc_alias *known = find(a, alias);
    return known && memcmp(known->key, key, SC_KEY_LEN) == 0;
}

const char *sc_aliases_of(const struct sc_aliases *a, const uint8_t provider[SC_PROVIDER_LEN])
{
    struct sc_map_node *n = sc_map_find(&a->by_provider, provider);
    return n ? sc_container(n, struct sc_alias, by_provider)->name : NULL;
}

bool sc_aliases_pair(struct sc_aliases *a, const char *alias, struct sc_key *pair)
{
    struct sc_alias *known = find(a, alias);
    sc_provider_derive_pair(a->crypto, a->seed, alias, pair);
    bool held = !known || memcmp(known->key, pair->public, SC_KEY_LEN) == 0;
    if (known)
        known->whose = held ? HELD : SOMEBODYS_OWN;
    if (!held)
        sc_key_wipe(pair);
    return held;
}

bool sc_aliases_holds(struct sc_aliases *a, const char *alias)
{
    struct sc_alias *known = find(a, alias);
    struct sc_key pair;
    if (known && known->whose != NOT_ASKED)
        return known->whose == HELD;
    bool held = sc_aliases_pair(a, alias, &pair);
    sc_key_wipe(&pair);
    return held;
}
