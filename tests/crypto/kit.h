/* Bytes for tests of keys, written as the standards write them. */
#ifndef TESTS_CRYPTO_KIT_H
#define TESTS_CRYPTO_KIT_H

#include <string.h>

#include "base/bytes.h"

/* Reads hex to its end, which is at most `size` bytes; returns how many there were. */
size_t kit_hex(const char *hex, uint8_t *out, size_t size);

/* Bytes that stay the same until the program ends. Of a text, and of hex. */
struct sc_field kit_text(const char *text);
struct sc_field kit_bytes(const char *hex);

#endif
