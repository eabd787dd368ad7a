/* What the second and third message of a handshake carry (channel/proof.h), and the statement in
 * it: what is taken must be what one of two hosts has signed, to the bit, and say what it says when
 * it is written again.
 *
 * Input: u8 options | u8 edits | u64 until | edits x { u16 at, u8 xor } | the rest of the payload
 */
#include <string.h>

#include "channel/proof.h"
#include "crypto/drawn.h"
#include "fuzz.h"

enum {
    OF_ROUTER = 1,  /* the second message */
    OF_ANOTHER = 2, /* the other host's proof */
    OF_OTHER = 4,   /* ...of another key for handshakes than was shown */
    WHOLE = 8,      /* the rest is all of the payload */
    HOSTS = 2,
    EDITS = 15,
    PAYLOAD_MAX = SC_CONTROL_REQUEST,
};

struct ends {
    struct sc_rng rng;
    struct sc_crypto crypto;
    struct sc_key host[HOSTS];
    uint8_t shown[SC_X25519_LEN]; /* in the handshake */
};

static void begin(struct ends *e)
{
    struct sc_entropy entropy = drawn_from(&e->rng);
    uint8_t seed[SC_KEY_SEED_LEN];
    sc_rng_seed(&e->rng, 1);
    require(sc_crypto_init(&e->crypto, &entropy) == 0);
    for (size_t i = 0; i < HOSTS; i++) {
        memset(seed, (int)i + 1, sizeof seed);
        sc_key_init(&e->host[i], &e->crypto, seed);
    }
    memset(e->shown, 9, sizeof e->shown);
}

/* --- what is given ---------------------------------------------------------------------------- */

static void put_proof(struct ends *e, struct sc_writer *w, unsigned options, uint64_t until)
{
    const struct sc_key *host = &e->host[options & OF_ANOTHER ? 1 : 0];
    uint8_t key[SC_X25519_LEN], statement[SC_STATEMENT_LEN];
    memcpy(key, e->shown, sizeof key);
    key[0] ^= options & OF_OTHER;
    sc_statement_write(statement, &e->crypto, host, key, until);
    sc_write_copy(w, host->public, sizeof host->public);
    sc_write_copy(w, statement, sizeof statement);
}

static size_t make(struct ends *e, struct sc_reader *in, unsigned options, uint8_t *out)
{
    struct sc_writer w = sc_writer(out, PAYLOAD_MAX);
    uint8_t edits = sc_read_u8(in) & EDITS, xor[EDITS];
    uint64_t until = sc_read_u64(in);
    uint16_t at[EDITS];
    for (size_t i = 0; i < edits; i++) {
        at[i] = sc_read_u16(in);
        xor[i] = sc_read_u8(in);
    }
    if (options & OF_ROUTER && !(options & WHOLE))
        sc_write_u32(&w, (uint32_t)until);
    if (!(options & WHOLE))
        put_proof(e, &w, options, until);
    size_t left = sc_reader_left(in), room = sc_writer_left(&w);
    sc_write_copy(&w, in->at, left < room ? left : room);
    for (size_t i = 0; i < edits && sc_writer_len(&w) > 0; i++)
        out[at[i] % sc_writer_len(&w)] ^= xor[i];
    return sc_writer_len(&w);
}

/* --- what must hold of what is taken ---------------------------------------------------------- */

/* Ed25519 signs the same text in the same way each time, and nobody else can. */
static void check_signed(struct ends *e, const struct sc_proof *p)
{
    struct sc_reader r = sc_reader(p->statement.data + 4 + SC_X25519_LEN, 8);
    uint64_t until = sc_read_u64(&r);
    uint8_t again[SC_STATEMENT_LEN];
    const struct sc_key *signer = NULL;
    require(p->statement.len == SC_STATEMENT_LEN);
    for (size_t i = 0; i < HOSTS; i++)
        if (memcmp(p->host, e->host[i].public, SC_KEY_LEN) == 0)
            signer = &e->host[i];
    require(signer != NULL);
    sc_statement_write(again, &e->crypto, signer, e->shown, until);
    require(memcmp(again, p->statement.data, sizeof again) == 0);
}

/* What may be left out at the end of a message is zeros. */
static void check_written(const struct sc_writer *w, const uint8_t *payload, size_t len)
{
    size_t written = sc_writer_len(w);
    require(!w->bad && written <= len && memcmp(w->start, payload, written) == 0);
    for (size_t i = written; i < len; i++)
        require(payload[i] == 0);
}

static void check_host(struct ends *e, const uint8_t *payload, size_t len)
{
    struct sc_proof p;
    uint8_t again[PAYLOAD_MAX];
    struct sc_writer w = sc_writer(again, sizeof again);
    if (!sc_proof_read_host(&p, &e->crypto, (struct sc_field){payload, len}, e->shown))
        return;
    check_signed(e, &p);
    sc_write_copy(&w, p.host, sizeof p.host);
    sc_write_copy(&w, p.statement.data, p.statement.len);
    sc_write_copy(&w, p.invitation, sizeof p.invitation);
    sc_write_u64(&w, p.request.transaction);
    sc_control_write_body(&w, &p.request);
    check_written(&w, payload, len);
}

static void check_router(struct ends *e, const uint8_t *payload, size_t len)
{
    struct sc_proof p;
    uint8_t again[PAYLOAD_MAX];
    struct sc_writer w = sc_writer(again, sizeof again);
    if (!sc_proof_read_router(&p, &e->crypto, (struct sc_field){payload, len}, e->shown))
        return;
    check_signed(e, &p);
    sc_write_u32(&w, p.channel);
    sc_write_copy(&w, p.host, sizeof p.host);
    sc_write_copy(&w, p.statement.data, p.statement.len);
    sc_write_string(&w, p.name);
    require(sc_writer_len(&w) == len);
    check_written(&w, payload, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ends e;
    struct sc_reader in = sc_reader(data, size);
    unsigned options = sc_read_u8(&in);
    uint8_t made[PAYLOAD_MAX];
    begin(&e);
    size_t len = make(&e, &in, options, made);
    uint8_t *payload = malloc(len ? len : 1); /* ends where it ends, for the sanitizer */
    require(payload != NULL);
    memcpy(payload, made, len);
    if (options & OF_ROUTER)
        check_router(&e, payload, len);
    else
        check_host(&e, payload, len);
    free(payload);
    sc_crypto_fini(&e.crypto);
    return 0;
}
