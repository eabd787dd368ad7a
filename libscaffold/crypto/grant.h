/* What a provider lets a host do with its names: "this host may serve these, until then".
 *
 *     "SCG1" | 32 provider's key | 32 host key | 8 from | 8 until | 8 serial | 1 flags (1 serve,
 *     2 client) | string pattern | 2 first port | 2 last port | 1 protocol | 64 signature by the
 *     provider
 *
 * Times are seconds since 1970. Which names and ports it is about naming/scope.h says. */
#ifndef SC_CRYPTO_GRANT_H
#define SC_CRYPTO_GRANT_H

#include "crypto/key.h"

/* Longer labels are granted by their suffix: a grant fits into every message that carries it. */
#define SC_GRANT_PATTERN_MAX 150
/* All but the pattern's characters. */
#define SC_GRANT_FIXED (4 + 2 * SC_KEY_LEN + 3 * 8 + 1 + 1 + 2 + 2 + 1 + SC_SIGNATURE_LEN)
#define SC_GRANT_MAX (SC_GRANT_FIXED + SC_GRANT_PATTERN_MAX)

/* From, until and serial: what another grant that says the same has another of. */
#define SC_GRANT_TIMES_AT (4 + 2 * SC_KEY_LEN)
#define SC_GRANT_TIMES_LEN (3 * 8)

#define SC_GRANT_SERVE 1
#define SC_GRANT_CLIENT 2

struct sc_grant {
    uint8_t provider[SC_KEY_LEN];
    uint8_t host[SC_KEY_LEN];
    uint64_t from, until;
    uint64_t serial; /* by which it can be revoked */
    uint8_t flags;
    char pattern[SC_GRANT_PATTERN_MAX + 1];
    uint16_t first_port, last_port;
    uint8_t proto; /* 0: any */
};

/* Whether a grant is good now, as far as time goes. */
enum sc_grant_age { SC_GRANT_GOOD, SC_GRANT_EARLY, SC_GRANT_OVER };

/* Signs it in the provider's name, whose key it gets. Returns its length. */
size_t sc_grant_write(uint8_t out[SC_GRANT_MAX], struct sc_crypto *c, const struct sc_grant *g,
                      const struct sc_key *provider);

/* False when it is malformed. That it is signed is another question. */
bool sc_grant_read(struct sc_grant *g, struct sc_field grant);

/* Whether the provider that it names has signed it. */
bool sc_grant_is_signed(struct sc_field grant, struct sc_crypto *c);

/* Whether both say the same, but perhaps for other times. */
bool sc_grant_is_like(const struct sc_grant *a, const struct sc_grant *b);

/* Clocks may differ by SC_GRANT_TOLERANCE_S. */
enum sc_grant_age sc_grant_age(const struct sc_grant *g, uint64_t wall);

#endif
