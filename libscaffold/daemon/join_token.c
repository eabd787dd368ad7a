#include "daemon/join_token.h"

#include <openssl/crypto.h>
#include <stdio.h>
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

/* The first line; a longer one than any token is cut, and is none then. */
static bool read_line(FILE *f, struct sc_join_token *out)
{
    char line[SC_JOIN_TOKEN_TEXT + 8] = "";
    bool read = fgets(line, sizeof line, f) != NULL;
    line[strcspn(line, " \t\r\n")] = 0;
    read = read && sc_join_token_read(line, out);
    OPENSSL_cleanse(line, sizeof line);
    return read;
}

bool sc_join_token_find(const char *text, struct sc_join_token *out)
{
    if (strcmp(text, "-") == 0)
        return read_line(stdin, out);
    if (*text != '@')
        return sc_join_token_read(text, out);
    FILE *f = fopen(text + 1, "re");
    bool read = f && read_line(f, out);
    if (f)
        fclose(f);
    return read;
}
