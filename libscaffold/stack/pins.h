/* Which keys this host knows aliases by: as it first heard of them, or as somebody here has said,
 * who wins. A router has those alone that its operator has said. Not thread-safe. */
#ifndef SC_STACK_PINS_H
#define SC_STACK_PINS_H

#include "node/node.h"
#include "router/pool.h"

struct sc_pins {
    struct sc_node *node;
    struct sc_map by_alias;
    bool required; /* an alias that nobody here has vouched for is refused */
};

void sc_pins_init(struct sc_pins *p, struct sc_node *node, bool required);
void sc_pins_fini(struct sc_pins *p);

/* The pin of an alias, or NULL. */
const struct sc_pin *sc_pins_find(const struct sc_pins *p, const char *alias);

/* All of them, in pieces: see sc_map_scan. */
void sc_pins_scan(const struct sc_pins *p, size_t *cursor,
                  void (*each)(void *arg, const struct sc_pin *pin), void *arg);

/* One that was kept. False: there is no room, or it is none. */
bool sc_pins_restore(struct sc_pins *p, const struct sc_pin *pin);

/* The router says that the name's provider has this key. Returns 0, and what vouches for it; pins
 * an alias that is new here. EKEYREJECTED: it is pinned to another key; ENOKEY: nobody has vouched
 * for it, which is required. */
int sc_pins_check(struct sc_pins *p, const char *name, const uint8_t key[SC_KEY_LEN],
                  enum sc_vouched *vouched, sc_time now);

/* Somebody here vouches for it. Returns 0, -EINVAL (no alias), -EKEYREJECTED (it has another key,
 * and that is not to be replaced) or -ENOMEM. */
int sc_pins_vouch(struct sc_pins *p, const char *alias, const uint8_t key[SC_KEY_LEN], bool replace,
                  sc_time now);

#endif
