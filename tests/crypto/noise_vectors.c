/* Plays handshakes whose keys are given, and what follows them: for test_noise_vectors.py. A line
 * of the input is
 *
 *     pattern suite prologue static ephemeral static ephemeral payload...
 *
 * the first static and ephemeral key being the initiator's, everything but the two numbers in hex,
 * and "-" for nothing. For each line there is one with all messages and the handshake hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/kit.h"
#include "crypto/noise.h"

#define LINE_LEN 65536
#define ENDS 2

struct end {
    uint8_t ephemeral[SC_X25519_LEN];
    struct sc_crypto crypto;
    struct sc_x25519 own;
    struct sc_noise noise;
    struct sc_aead_key send, receive;
    uint64_t sent, received;
};

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "noise_vectors: %s\n", what);
    exit(1);
}

static void fill(void *context, uint8_t *out, size_t len)
{
    require(len == SC_X25519_LEN, "something else than a key was drawn");
    memcpy(out, context, len);
}

static struct sc_field word(void)
{
    const char *text = strtok(NULL, " \n");
    require(text != NULL, "a word is missing");
    return kit_bytes(strcmp(text, "-") == 0 ? "" : text);
}

static void init_end(struct end *e, struct sc_noise_config config)
{
    const struct sc_entropy entropy = {fill, e->ephemeral};
    require(sc_crypto_init(&e->crypto, &entropy) == 0, "no libcrypto");
    struct sc_field secret = word();
    if (secret.len) {
        sc_x25519_init(&e->own, &e->crypto, secret.data);
        config.own = &e->own;
    }
    memcpy(e->ephemeral, word().data, sizeof e->ephemeral);
    sc_noise_init(&e->noise, &e->crypto, &config);
}

static void print(struct sc_field bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", bytes.data[i]);
    printf(" ");
}

static struct sc_field handshake(struct end *from, struct end *to, struct sc_field payload,
                                 uint8_t *out, uint8_t *got)
{
    size_t len = 0, written = sc_noise_write(&from->noise, &from->crypto, payload, out);
    struct sc_field message = {out, written};
    require(written > 0 && sc_noise_read(&to->noise, &to->crypto, message, got, &len) &&
                len == payload.len && memcmp(got, payload.data, len) == 0,
            "a handshake message did not arrive");
    return message;
}

static struct sc_field transport(struct end *from, struct end *to, struct sc_field payload,
                                 uint8_t *out, uint8_t *got)
{
    static const struct sc_pieces none;
    struct sc_field message = {out, sc_aead_seal(&from->crypto.aead, &from->send, from->sent++,
                                                 none, (struct sc_pieces){&payload, 1}, out)};
    require(sc_aead_open(&to->crypto.aead, &to->receive, to->received++, none, message, got) &&
                memcmp(got, payload.data, payload.len) == 0,
            "a message did not arrive");
    return message;
}

/* Payload by payload, the ends in turn. */
static void play(struct end ends[ENDS])
{
    uint8_t out[LINE_LEN], got[LINE_LEN];
    size_t count = 0;
    for (const char *text; (text = strtok(NULL, " \n")); count++) {
        struct end *from = &ends[count % ENDS], *to = &ends[1 - count % ENDS];
        bool done = sc_noise_done(&from->noise);
        print((done ? transport : handshake)(from, to, kit_bytes(text), out, got));
        for (int i = 0; i < ENDS && !done && sc_noise_done(&from->noise); i++)
            sc_noise_split(&ends[i].noise, &ends[i].crypto, &ends[i].send, &ends[i].receive);
    }
    require(memcmp(ends[0].noise.hash, ends[1].noise.hash, SC_HASH_LEN) == 0, "two hashes");
    print((struct sc_field){ends[0].noise.hash, SC_HASH_LEN});
    printf("\n");
}

int main(void)
{
    char line[LINE_LEN];
    while (fgets(line, sizeof line, stdin)) {
        struct end ends[ENDS] = {0};
        struct sc_noise_config config = {.pattern = (enum sc_noise_pattern)atoi(strtok(line, " ")),
                                         .suite = (enum sc_suite)atoi(strtok(NULL, " ")),
                                         .prologue = word()};
        for (int i = 0; i < ENDS; i++) {
            config.initiator = i == 0;
            config.own = NULL;
            init_end(&ends[i], config);
        }
        play(ends);
        for (int i = 0; i < ENDS; i++)
            sc_crypto_fini(&ends[i].crypto);
    }
    return 0;
}
