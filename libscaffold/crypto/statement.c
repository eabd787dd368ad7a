#include "crypto/statement.h"

static const uint8_t magic[4] = {'S', 'C', 'S', '1'};

void sc_statement_write(uint8_t out[SC_STATEMENT_LEN], struct sc_crypto *c,
                        const struct sc_key *host, const uint8_t key[SC_X25519_LEN], uint64_t until)
{
    struct sc_writer w = sc_writer(out, SC_STATEMENT_SIGNED);
    sc_write_copy(&w, magic, sizeof magic);
    sc_write_copy(&w, key, SC_X25519_LEN);
    sc_write_u64(&w, until);
    sc_key_sign(host, c, (struct sc_field){out, SC_STATEMENT_SIGNED}, out + SC_STATEMENT_SIGNED);
}

bool sc_statement_is_of(const uint8_t statement[SC_STATEMENT_LEN], struct sc_crypto *c,
                        const uint8_t host[SC_KEY_LEN], const uint8_t key[SC_X25519_LEN])
{
    return memcmp(statement, magic, sizeof magic) == 0 &&
           memcmp(statement + sizeof magic, key, SC_X25519_LEN) == 0 &&
           sc_key_verify(host, c, (struct sc_field){statement, SC_STATEMENT_SIGNED},
                         statement + SC_STATEMENT_SIGNED);
}
