/* What a router gives to whoever is to run a host of its network: `sc1-` and 52 characters, the
 * hash of the router's host key and the secret of an invitation. */
#ifndef SC_DAEMON_JOIN_TOKEN_H
#define SC_DAEMON_JOIN_TOKEN_H

#include "base/base32.h"
#include "base/limits.h"

#define SC_JOIN_TOKEN_PREFIX "sc1-"
#define SC_JOIN_TOKEN_BYTES (SC_KEY_HASH_LEN + SC_INVITATION_LEN)
/* With the final zero. */
#define SC_JOIN_TOKEN_TEXT (sizeof SC_JOIN_TOKEN_PREFIX + SC_BASE32_LEN(SC_JOIN_TOKEN_BYTES))

struct sc_join_token {
    uint8_t router[SC_KEY_HASH_LEN];
    uint8_t secret[SC_INVITATION_LEN];
};

void sc_join_token_write(const struct sc_join_token *t, char out[SC_JOIN_TOKEN_TEXT]);

/* False when it is none. */
bool sc_join_token_read(const char *text, struct sc_join_token *out);

/* The same of what people write: the token itself, `@FILE`, or `-` for standard input, where it is
 * the first line. */
bool sc_join_token_find(const char *text, struct sc_join_token *out);

#endif
