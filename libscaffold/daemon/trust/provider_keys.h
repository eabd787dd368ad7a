/* The keys of providers that this host has: files `provider-HASH.key` beside its own key. */
#ifndef SC_DAEMON_STATE_PROVIDER_KEYS_H
#define SC_DAEMON_STATE_PROVIDER_KEYS_H

#include <stddef.h>

#include "naming/provider.h"

struct sc_daemon;

/* Where keys are: returns out, of which `size` bytes are enough for a path of the state. */
const char *sc_provider_keys_folder(const struct sc_daemon *d, char *out, size_t size);

/* Gives all of them to the stack. Returns 0, or -1 with one line in `why`. */
int sc_provider_keys_load(struct sc_daemon *d, char *why, size_t size);

/* Makes a key, and waits until it is on the disk. Returns 0, or -1 with one line in `why`. */
int sc_provider_keys_make(const struct sc_daemon *d, uint8_t seed[SC_KEY_SEED_LEN],
                          uint8_t provider[SC_PROVIDER_LEN], char *why, size_t size);

#endif
