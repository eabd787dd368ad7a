#include "crypto/grant.h"

static const uint8_t magic[4] = {'S', 'C', 'G', '1'};

static void write_fields(struct sc_writer *w, const struct sc_grant *g,
                         const uint8_t provider[SC_KEY_LEN])
{
    size_t len = strnlen(g->pattern, SC_GRANT_PATTERN_MAX);
    sc_write_copy(w, magic, sizeof magic);
    sc_write_copy(w, provider, SC_KEY_LEN);
    sc_write_copy(w, g->host, SC_KEY_LEN);
    sc_write_u64(w, g->from);
    sc_write_u64(w, g->until);
    sc_write_u64(w, g->serial);
    sc_write_u8(w, g->flags);
    sc_write_u8(w, (uint8_t)len);
    sc_write_copy(w, g->pattern, len);
    sc_write_u16(w, g->first_port);
    sc_write_u16(w, g->last_port);
    sc_write_u8(w, g->proto);
}

size_t sc_grant_write(uint8_t out[SC_GRANT_MAX], struct sc_crypto *c, const struct sc_grant *g,
                      const struct sc_key *provider)
{
    struct sc_writer w = sc_writer(out, SC_GRANT_MAX - SC_SIGNATURE_LEN);
    write_fields(&w, g, provider->public);
    size_t len = sc_writer_len(&w);
    sc_key_sign(provider, c, (struct sc_field){out, len}, out + len);
    return len + SC_SIGNATURE_LEN;
}

static bool read_pattern(struct sc_reader *r, char out[SC_GRANT_PATTERN_MAX + 1])
{
    size_t len = sc_read_u8(r);
    const uint8_t *text = len <= SC_GRANT_PATTERN_MAX ? sc_read_bytes(r, len) : NULL;
    if (!text || len == 0 || memchr(text, 0, len))
        return false;
    memcpy(out, text, len);
    out[len] = 0;
    return true;
}

bool sc_grant_read(struct sc_grant *g, struct sc_field grant)
{
    struct sc_reader r = sc_reader(grant.data, grant.len);
    uint8_t begins[sizeof magic];
    *g = (struct sc_grant){0};
    sc_read_copy(&r, begins, sizeof begins);
    sc_read_copy(&r, g->provider, sizeof g->provider);
    sc_read_copy(&r, g->host, sizeof g->host);
    g->from = sc_read_u64(&r);
    g->until = sc_read_u64(&r);
    g->serial = sc_read_u64(&r);
    g->flags = sc_read_u8(&r);
    bool has_pattern = read_pattern(&r, g->pattern);
    g->first_port = sc_read_u16(&r);
    g->last_port = sc_read_u16(&r);
    g->proto = sc_read_u8(&r);
    return has_pattern && !r.bad && sc_reader_left(&r) == SC_SIGNATURE_LEN &&
           memcmp(begins, magic, sizeof magic) == 0 && g->first_port <= g->last_port &&
           g->from < g->until && g->flags > 0 && g->flags <= (SC_GRANT_SERVE | SC_GRANT_CLIENT);
}

bool sc_grant_is_signed(struct sc_field grant, struct sc_crypto *c)
{
    size_t len = grant.len - SC_SIGNATURE_LEN;
    return grant.len >= SC_GRANT_FIXED &&
           sc_key_verify(grant.data + sizeof magic, c, (struct sc_field){grant.data, len},
                         grant.data + len);
}

bool sc_grant_is_like(const struct sc_grant *a, const struct sc_grant *b)
{
    return memcmp(a->provider, b->provider, SC_KEY_LEN) == 0 &&
           memcmp(a->host, b->host, SC_KEY_LEN) == 0 && a->flags == b->flags &&
           strcmp(a->pattern, b->pattern) == 0 && a->first_port == b->first_port &&
           a->last_port == b->last_port && a->proto == b->proto;
}

enum sc_grant_age sc_grant_age(const struct sc_grant *g, uint64_t wall)
{
    if (wall + SC_GRANT_TOLERANCE_S < g->from)
        return SC_GRANT_EARLY;
    return wall < SC_GRANT_TOLERANCE_S || wall - SC_GRANT_TOLERANCE_S < g->until ? SC_GRANT_GOOD
                                                                                 : SC_GRANT_OVER;
}
