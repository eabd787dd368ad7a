#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes of the character that starts here by its first byte; 0: none does. */
static size_t length_of(uint8_t first)
{
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

/* The code point of `n` bytes (RFC 3629), or -1: broken, overlong, a surrogate or too large. */
static int32_t code_point(const uint8_t *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) /* also the final zero */
            return -1;
        code = code << 6 | (s[i] & 0x3f);
    }
    bool fine = code >= least[n] && code <= 0x10ffff && (code & 0xfffff800) != 0xd800;
    return fine ? (int32_t)code : -1;
}

/* Controls of both sets, what separates lines, and what turns the direction of writing. */
static bool is_printable(int32_t code)
{
    return code >= 0x20 && code != '\\' && (code < 0x7f || code >= 0xa0) &&
           (code < 0x200e || code > 0x200f) && (code < 0x2028 || code > 0x202e) &&
           (code < 0x2066 || code > 0x2069) && code != 0xfeff;
}

/* One character or, escaped, one byte. Returns how many bytes of `s` it was. */
static size_t escape_one(char out[5], const uint8_t *s)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = length_of(*s);
    if (n && is_printable(code_point(s, n))) {
        memcpy(out, s, n);
        out[n] = 0;
        return n;
    }
    out[0] = '\\', out[1] = 'x', out[2] = digits[*s >> 4], out[3] = digits[*s & 15], out[4] = 0;
    return 1;
}

size_t sc_escape(char *out, size_t size, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t at = 0;
    while (*s) {
        char one[5];
        s += escape_one(one, s);
        size_t n = strlen(one);
        if (at + n >= size)
            break;
        memcpy(out + at, one, n);
        at += n;
    }
    out[at] = 0;
    return at;
}
