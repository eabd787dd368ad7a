#include "daemon/join_token.h"

#include <string.h>

#define PREFIX_LEN (sizeof SC_JOIN_TOKEN_PREFIX - 1)

void sc_join_token_write(const struct sc_join_token *t, char out[SC_JOIN_TOKEN_TEXT])
{
    uint8_t bytes[SC_JOIN_TOKEN_BYTES];
    memcpy(bytes, t->router, sizeof t->router);
    memcpy(bytes + sizeof t->router, t->secret, sizeof t->secret);
    memcpy(out, SC_JOIN_TOKEN_PREFIX, PREFIX_LEN);
    sc_base32_write(bytes, sizeof bytes, out + PREFIX_LEN);
}

bool sc_join_token_read(const char *text, struct sc_join_token *out)
{
    uint8_t bytes[SC_JOIN_TOKEN_BYTES];
    if (strncmp(text, SC_JOIN_TOKEN_PREFIX, PREFIX_LEN) != 0 ||
        !sc_base32_read(text + PREFIX_LEN, bytes, sizeof bytes))
        return false;
    memcpy(out->router, bytes, sizeof out->router);
    memcpy(out->secret, bytes + sizeof out->router, sizeof out->secret);
    return true;
}
