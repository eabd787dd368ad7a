/* What a host proves things by: tokens of flows, cookies of those that open them, and that it is
 * the host that had its name. All follows from two secrets. Pure. */
#ifndef SC_NODE_SECRETS_H
#define SC_NODE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "wire/control.h"
#include "wire/packet.h"

struct sc_crypto;

struct sc_secrets {
    struct sc_crypto *crypto; /* the stack's */
    uint8_t run[32];          /* random per incarnation */
    uint8_t host[16];         /* kept; zeros: none */
};

/* What the host of this name proves by that it is the one that had it; zeros when it keeps no
 * secret. */
void sc_secrets_host(const struct sc_secrets *s, const char *name,
                     uint8_t token[SC_HOST_TOKEN_LEN]);
/* The same, and not none. */
bool sc_secrets_host_equal(const uint8_t *a, const uint8_t *b);

/* What whoever holds the socket of this name proves that by. */
uint64_t sc_secrets_socket(const struct sc_secrets *s, const char *name);

/* What a RESET names this flow of ours by. */
void sc_secrets_token(const struct sc_secrets *s, uint32_t flow, uint8_t token[SC_TOKEN_LEN]);

/* What a cookie is for, and of which open id, or channel id of GREET. */
struct sc_cookie_use {
    enum { SC_COOKIE_OPEN = 'c', SC_COOKIE_GREET = 'g' } what;
    uint64_t id;
};

/* Shows that whoever sends it back gets packets at `from`. Returns its length. */
size_t sc_secrets_cookie(const struct sc_secrets *s, const struct sc_underlay *from,
                         struct sc_cookie_use use, sc_time now, uint8_t cookie[SC_COOKIE_MAX]);
bool sc_secrets_cookie_valid(const struct sc_secrets *s, const struct sc_underlay *from,
                             struct sc_cookie_use use, const struct sc_field *cookie, sc_time now);

#endif
