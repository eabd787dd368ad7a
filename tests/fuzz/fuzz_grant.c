/* Grants (crypto/grant.h) and what they are about (naming/scope.h): what is read says the same when
 * it is written again, what its provider has not signed to the bit is not signed, and no pattern
 * covers a label that it does not end like.
 *
 * Input: u8 options | u8 edits | edits x { u16 at, u8 xor } | the rest: fields and pattern, or all
 */
#include <string.h>

#include "crypto/crypto.h"
#include "fuzz.h"
#include "naming/provider.h"
#include "naming/scope.h"
#include "naming/service_name.h"

enum {
    WHOLE = 1,   /* the rest is the grant, not what it is made of */
    ANOTHER = 2, /* signed by another key than the one that it names */
    EDITS = 15,
    GIVEN_MAX = 600,
};

struct given {
    uint8_t bytes[GIVEN_MAX];
    size_t len;
    bool genuine; /* to the bit what a provider has signed */
};

struct ends {
    struct sc_crypto crypto;
    struct sc_key provider[2];
};

static void begin(struct ends *e)
{
    uint8_t seed[SC_KEY_SEED_LEN];
    require(sc_crypto_init(&e->crypto, NULL) == 0);
    for (size_t i = 0; i < 2; i++) {
        memset(seed, (int)i + 1, sizeof seed);
        sc_key_init(&e->provider[i], &e->crypto, seed);
    }
}

/* --- what is given ---------------------------------------------------------------------------- */

static void make(struct ends *e, struct sc_reader *in, unsigned options, struct given *out)
{
    struct sc_grant g = {.from = sc_read_u64(in), .until = sc_read_u64(in)};
    g.serial = sc_read_u64(in);
    g.flags = sc_read_u8(in);
    g.first_port = sc_read_u16(in);
    g.last_port = sc_read_u16(in);
    g.proto = sc_read_u8(in);
    memset(g.host, 7, sizeof g.host);
    size_t len =
        sc_reader_left(in) < SC_GRANT_PATTERN_MAX ? sc_reader_left(in) : SC_GRANT_PATTERN_MAX;
    memcpy(g.pattern, in->at, len);
    out->len = sc_grant_write(out->bytes, &e->crypto, &g, &e->provider[0]);
    out->genuine = !(options & ANOTHER);
    if (options & ANOTHER)
        sc_key_sign(&e->provider[1], &e->crypto,
                    (struct sc_field){out->bytes, out->len - SC_SIGNATURE_LEN},
                    out->bytes + out->len - SC_SIGNATURE_LEN);
}

static void take(struct sc_reader *in, struct given *out)
{
    out->len = sc_reader_left(in) < GIVEN_MAX ? sc_reader_left(in) : GIVEN_MAX;
    memcpy(out->bytes, in->at, out->len);
    out->genuine = false;
}

static void give(struct ends *e, struct sc_reader *in, struct given *out)
{
    unsigned options = sc_read_u8(in), edits = sc_read_u8(in) & EDITS;
    uint16_t at[EDITS];
    uint8_t xor [EDITS], before[GIVEN_MAX];
    for (unsigned i = 0; i < edits; i++) {
        at[i] = sc_read_u16(in);
        xor[i] = sc_read_u8(in);
    }
    if (options & WHOLE)
        take(in, out);
    else
        make(e, in, options, out);
    memcpy(before, out->bytes, out->len);
    for (unsigned i = 0; i < edits && out->len > 0; i++)
        out->bytes[at[i] % out->len] ^= xor[i];
    out->genuine = out->genuine && memcmp(before, out->bytes, out->len) == 0;
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check_same(struct ends *e, const struct given *in, const struct sc_grant *g)
{
    uint8_t again[SC_GRANT_MAX];
    size_t len = sc_grant_write(again, &e->crypto, g, &e->provider[0]), head = 4 + SC_KEY_LEN;
    require(len == in->len);
    require(memcmp(again, in->bytes, 4) == 0);
    require(memcmp(again + head, in->bytes + head, len - head - SC_SIGNATURE_LEN) == 0);
}

static void check_scope(const struct sc_grant *g)
{
    static const char label[] = "a.web";
    struct sc_service_name n = {.label = "a.web", .port = 80, .proto = 6};
    struct sc_service_id id;
    uint8_t provider[SC_PROVIDER_LEN];
    char pattern[SC_GRANT_PATTERN_MAX + 1], whose[SC_SCOPE_PROVIDER + 1];
    sc_provider_of_key(g->provider, provider);
    sc_service_name_to_id(&n, provider, &id);
    bool covers = sc_scope_covers_label(g->pattern, &id, label);
    require(covers == (strcmp(g->pattern, "*") == 0 || strcmp(g->pattern, label) == 0 ||
                       strcmp(g->pattern, "*.web") == 0));
    require(!sc_scope_may_serve(g, &id, label) || (covers && (g->flags & SC_GRANT_SERVE)));
    require(sc_scope_may_serve(g, &id, NULL) <= sc_scope_may_serve(g, &id, label));
    require(!sc_scope_read(g->pattern, pattern, whose) || sc_scope_is_pattern(pattern));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_reader in = sc_reader(data, size);
    struct ends e;
    struct given given;
    struct sc_grant g;
    begin(&e);
    give(&e, &in, &given);
    struct sc_field field = {given.bytes, given.len};
    bool reads = sc_grant_read(&g, field);
    if (reads) {
        check_same(&e, &given, &g);
        check_scope(&g);
    }
    if (reads || given.len < SC_GRANT_MAX)
        require(!sc_grant_is_signed(field, &e.crypto) || given.genuine);
    sc_crypto_fini(&e.crypto);
    return 0;
}
