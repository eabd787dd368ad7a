/* Bytes as text that people copy: base32 (RFC 4648, section 6) in lower case, without padding. */
#ifndef SC_BASE_BASE32_H
#define SC_BASE_BASE32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that so many bytes are. */
#define SC_BASE32_LEN(bytes) (((bytes)*8 + 4) / 5)

/* Writes SC_BASE32_LEN(len) characters and a final zero. */
void sc_base32_write(const uint8_t *data, size_t len, char *out);

/* Reads exactly `len` bytes; upper case is folded. False when the text is shorter or longer, has
 * another character, or bits behind the last byte. */
bool sc_base32_read(const char *text, uint8_t *out, size_t len);

#endif
