#include "crypto/kit.h"

#include <assert.h>
#include <stdio.h>

size_t kit_hex(const char *hex, uint8_t *out, size_t size)
{
    size_t len = strlen(hex) / 2;
    assert(len <= size && strlen(hex) % 2 == 0);
    for (size_t i = 0; i < len; i++) {
        int read = sscanf(hex + 2 * i, "%2hhx", &out[i]);
        assert(read == 1);
    }
    return len;
}

struct sc_field kit_text(const char *text)
{
    return (struct sc_field){(const uint8_t *)text, strlen(text)};
}

struct sc_field kit_bytes(const char *hex)
{
    static uint8_t kept[64 * 1024];
    static size_t used;
    uint8_t *at = kept + used;
    size_t len = kit_hex(hex, at, sizeof kept - used);
    used += len;
    return (struct sc_field){at, len};
}
