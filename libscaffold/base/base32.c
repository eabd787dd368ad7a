#include "base/base32.h"

#include <ctype.h>
#include <string.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void sc_base32_write(const uint8_t *data, size_t len, char *out)
{
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        for (count += 8; count >= 5; count -= 5)
            *out++ = alphabet[bits >> (count - 5) & 31];
    }
    if (count > 0)
        *out++ = alphabet[bits << (5 - count) & 31];
    *out = 0;
}

bool sc_base32_read(const char *text, uint8_t *out, size_t len)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t done = 0;
    if (strlen(text) != SC_BASE32_LEN(len))
        return false;
    for (; *text; text++) {
        const char *at = memchr(alphabet, tolower((unsigned char)*text), sizeof alphabet - 1);
        if (!at)
            return false;
        bits = bits << 5 | (uint32_t)(at - alphabet);
        count += 5;
        if (count >= 8 && done < len) {
            out[done++] = (uint8_t)(bits >> (count - 8));
            count -= 8;
        }
    }
    return done == len && (bits & ((1u << count) - 1)) == 0;
}
