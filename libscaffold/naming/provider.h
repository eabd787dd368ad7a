/* Providers: who vouches for a service. A provider is an Ed25519 key, known to ServiceIDs by the
 * first 16 bytes of its SHA-256. A name has an alias for it, or those bytes themselves, in base32:
 * such a name certifies itself, and needs nobody who says whose it is. Pure. */
#ifndef SC_NAMING_PROVIDER_H
#define SC_NAMING_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/key.h"

#define SC_PROVIDER_LEN SC_KEY_HASH_LEN
/* A provider in base32, without the final zero. */
#define SC_PROVIDER_TEXT 26
#define SC_ALIAS_MAX 63 /* RFC 1035, 2.3.4 */
/* What a router derives the keys of its aliases from. */
#define SC_NETWORK_SEED_LEN 32

void sc_provider_of_key(const uint8_t key[SC_KEY_LEN], uint8_t provider[SC_PROVIDER_LEN]);

/* True for a text that is a provider in base32, in small letters; no alias looks like that. */
bool sc_provider_read(const char *text, uint8_t provider[SC_PROVIDER_LEN]);
void sc_provider_write(const uint8_t provider[SC_PROVIDER_LEN], char text[SC_PROVIDER_TEXT + 1]);

/* Zeros stand for no key. */
bool sc_provider_has_key(const uint8_t key[SC_KEY_LEN]);

/* The key of an alias that is nobody's own, in the network of this seed... */
void sc_provider_derive(struct sc_crypto *c, const uint8_t seed[SC_NETWORK_SEED_LEN],
                        const char *alias, uint8_t key[SC_KEY_LEN]);

/* ...with its secret, for the caller to wipe. */
void sc_provider_derive_pair(struct sc_crypto *c, const uint8_t seed[SC_NETWORK_SEED_LEN],
                             const char *alias, struct sc_key *pair);

#endif
