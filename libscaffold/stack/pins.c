#include "stack/pins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "naming/service_name.h"
#include "router/mapping.h"

struct pin {
    struct sc_map_node node;
    struct sc_pin value; /* whose alias has zeros behind it */
};

static struct pin *pin_of(struct sc_map_node *n)
{
    return sc_container(n, struct pin, node);
}

void sc_pins_init(struct sc_pins *p, struct sc_node *node, bool required)
{
    *p = (struct sc_pins){.node = node, .required = required};
    SC_MAP_INIT(&p->by_alias, struct pin, node, value.alias, node->map_seed);
}

void sc_pins_fini(struct sc_pins *p)
{
    struct sc_map_node *next, *n = sc_map_next(&p->by_alias, NULL);
    for (; n; n = next) {
        next = sc_map_next(&p->by_alias, n);
        sc_map_remove(&p->by_alias, n);
        free(pin_of(n));
    }
    sc_map_fini(&p->by_alias);
}

static struct pin *find(const struct sc_pins *p, const char *alias)
{
    char key[SC_ALIAS_MAX + 1] = {0};
    strncpy(key, alias, sizeof key - 1);
    struct sc_map_node *n = sc_map_find(&p->by_alias, key);
    return n ? pin_of(n) : NULL;
}

const struct sc_pin *sc_pins_find(const struct sc_pins *p, const char *alias)
{
    const struct pin *one = find(p, alias);
    return one ? &one->value : NULL;
}

void sc_pins_scan(const struct sc_pins *p, size_t *cursor,
                  void (*each)(void *arg, const struct sc_pin *pin), void *arg)
{
    for (struct sc_map_node *n = sc_map_scan(&p->by_alias, cursor); n; n = n->next)
        each(arg, &pin_of(n)->value);
}

/* A full table forgets nobody: old pins are worth more than new ones. */
static bool put(struct sc_pins *p, const struct sc_pin *value)
{
    struct pin *one = find(p, value->alias);
    if (!one) {
        one = p->by_alias.count < SC_PINS_MAX ? calloc(1, sizeof *one) : NULL;
        if (!one)
            return false;
        strncpy(one->value.alias, value->alias, sizeof one->value.alias - 1);
        if (sc_map_insert(&p->by_alias, &one->node) < 0) {
            free(one);
            return false;
        }
    }
    memcpy(one->value.key, value->key, sizeof one->value.key);
    one->value.local = value->local;
    one->value.since = value->since;
    return true;
}

bool sc_pins_restore(struct sc_pins *p, const struct sc_pin *pin)
{
    return sc_service_name_is_alias(pin->alias) && put(p, pin);
}

static bool pin(struct sc_pins *p, const char *alias, const uint8_t key[SC_KEY_LEN], bool local,
                sc_time now)
{
    struct sc_event e = {.type = SC_EVENT_PIN,
                         .pin = {.local = local, .since = sc_node_wall(p->node, now)}};
    strncpy(e.pin.alias, alias, sizeof e.pin.alias - 1);
    memcpy(e.pin.key, key, SC_KEY_LEN);
    return put(p, &e.pin) && sc_notices_tell(&p->node->notices, &e);
}

int sc_pins_check(struct sc_pins *p, const char *name, const uint8_t key[SC_KEY_LEN],
                  enum sc_vouched *vouched, sc_time now)
{
    struct sc_service_name n;
    *vouched = SC_VOUCHED_SELF;
    if (!sc_provider_has_key(key) || sc_mapping_name(name, &n) < 0)
        return 0;
    const struct sc_pin *pinned = sc_pins_find(p, n.provider);
    *vouched = pinned && pinned->local ? SC_VOUCHED_PINNED : SC_VOUCHED_FIRST_USE;
    if (pinned && memcmp(pinned->key, key, SC_KEY_LEN) != 0)
        return EKEYREJECTED;
    if (p->required && *vouched == SC_VOUCHED_FIRST_USE)
        return ENOKEY;
    if (!pinned)
        pin(p, n.provider, key, false, now);
    return 0;
}

int sc_pins_vouch(struct sc_pins *p, const char *alias, const uint8_t key[SC_KEY_LEN], bool replace,
                  sc_time now)
{
    const struct sc_pin *pinned = sc_pins_find(p, alias);
    if (!sc_service_name_is_alias(alias))
        return -EINVAL;
    if (pinned && !replace && memcmp(pinned->key, key, SC_KEY_LEN) != 0)
        return -EKEYREJECTED;
    return pin(p, alias, key, true, now) ? 0 : -ENOMEM;
}
