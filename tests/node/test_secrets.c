/* What a host proves things by is HMAC-SHA-256, as libcrypto has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/crypto.h"
#include "node/secrets.h"

/* Of the OPEN with this id. */
#define OF(open_id) ((struct sc_cookie_use){SC_COOKIE_OPEN, open_id})

static struct sc_crypto crypto;
static struct sc_secrets secrets = {
    .crypto = &crypto, .run = "thirty-two bytes of this run....", .host = "of the host....."};

static void assert_mac(const uint8_t *got, const void *key, int key_len, const void *data,
                       size_t len)
{
    uint8_t full[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    assert_non_null(HMAC(EVP_sha256(), key, key_len, data, len, full, &n));
    assert_memory_equal(got, full, 16);
}

static void token_of_a_flow(void **state)
{
    (void)state;
    uint8_t token[SC_TOKEN_LEN], other[SC_TOKEN_LEN];
    sc_secrets_token(&secrets, 0x01020304, token);
    assert_mac(token, secrets.run, sizeof secrets.run, "t\1\2\3\4", 5);
    sc_secrets_token(&secrets, 0x01020305, other);
    assert_memory_not_equal(token, other, sizeof token);
    sc_secrets_token(&secrets, 0x01020304, other);
    assert_memory_equal(token, other, sizeof token);
}

static void token_of_a_host(void **state)
{
    (void)state;
    static const char text[] = "scaffold host:a";
    static const struct sc_secrets none = {.crypto = &crypto};
    uint8_t token[SC_HOST_TOKEN_LEN], zeros[SC_HOST_TOKEN_LEN] = {0};
    sc_secrets_host(&secrets, "a", token);
    assert_mac(token, secrets.host, sizeof secrets.host, text, strlen(text));
    assert_true(sc_secrets_host_equal(token, token));
    sc_secrets_host(&none, "a", token);
    assert_memory_equal(token, zeros, sizeof token);
    assert_false(sc_secrets_host_equal(token, token));
}

static void proof_of_a_socket(void **state)
{
    (void)state;
    static const char text[] = "scaffold socket:a";
    uint8_t full[16] = {0}, mac[EVP_MAX_MD_SIZE];
    uint64_t proof = sc_secrets_socket(&secrets, "a");
    unsigned n = 0;
    assert_non_null(HMAC(EVP_sha256(), secrets.host, sizeof secrets.host, (const uint8_t *)text,
                         strlen(text), mac, &n));
    memcpy(full, &proof, sizeof proof);
    assert_memory_equal(full, mac, sizeof proof);
    assert_true(proof != sc_secrets_socket(&secrets, "b"));
}

static void cookie(void **state)
{
    (void)state;
    struct sc_underlay from = {.family = 4, .port = 7, .ip = {10, 0, 0, 1}};
    uint8_t room[32];
    struct sc_field field = {room, sc_secrets_cookie(&secrets, &from, OF(5), 0, room)};
    assert_true(sc_secrets_cookie_valid(&secrets, &from, OF(5), &field, 0));
    assert_false(sc_secrets_cookie_valid(&secrets, &from, OF(6), &field, 0));
    from.port++;
    assert_false(sc_secrets_cookie_valid(&secrets, &from, OF(5), &field, 0));
}

static int start(void **state)
{
    (void)state;
    return sc_crypto_init(&crypto, NULL);
}

static int end(void **state)
{
    (void)state;
    sc_crypto_fini(&crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_of_a_flow),
        cmocka_unit_test(token_of_a_host),
        cmocka_unit_test(proof_of_a_socket),
        cmocka_unit_test(cookie),
    };
    return cmocka_run_group_tests(tests, start, end);
}
