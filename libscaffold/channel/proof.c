#include "channel/proof.h"

#include <stdio.h>

size_t sc_proof_prologue(uint32_t channel, uint8_t suite, uint8_t out[SC_PROLOGUE_MAX])
{
    static const char name[] = "SCAFFOLD session 1";
    struct sc_writer w = sc_writer(out, SC_PROLOGUE_MAX);
    sc_write_copy(&w, name, sizeof name - 1);
    sc_write_u8(&w, suite);
    sc_write_u32(&w, channel);
    return sc_writer_len(&w);
}

static void write_proof(struct sc_writer *w, const struct sc_node *node)
{
    const struct sc_credentials *own = &node->credentials;
    sc_write_copy(w, own->host.public, SC_KEY_LEN);
    sc_write_copy(w, own->statement, SC_STATEMENT_LEN);
}

void sc_proof_write_router(struct sc_writer *w, const struct sc_node *node, uint32_t channel)
{
    sc_write_u32(w, channel);
    write_proof(w, node);
    sc_write_string(w, node->host_name);
}

void sc_proof_write_host(struct sc_writer *w, const struct sc_node *node,
                         const struct sc_control *request)
{
    write_proof(w, node);
    sc_write_copy(w, node->trust.invitation, SC_INVITATION_LEN);
    sc_write_u64(w, request->transaction);
    sc_control_write_body(w, request);
}

static bool read_proof(struct sc_proof *p, struct sc_crypto *crypto, struct sc_reader *r,
                       const uint8_t handshake[SC_X25519_LEN])
{
    sc_read_copy(r, p->host, SC_KEY_LEN);
    p->statement = (struct sc_field){sc_read_bytes(r, SC_STATEMENT_LEN), SC_STATEMENT_LEN};
    return !r->bad && sc_statement_is_of(p->statement.data, crypto, p->host, handshake);
}

bool sc_proof_read_router(struct sc_proof *p, struct sc_crypto *crypto, struct sc_field payload,
                          const uint8_t handshake[SC_X25519_LEN])
{
    struct sc_reader r = sc_reader(payload.data, payload.len);
    char name[256];
    *p = (struct sc_proof){.channel = sc_read_u32(&r)};
    if (!read_proof(p, crypto, &r, handshake))
        return false;
    sc_read_string(&r, name);
    int len = snprintf(p->name, sizeof p->name, "%s", name);
    return !r.bad && len <= SC_HOST_NAME_MAX && sc_reader_left(&r) == 0;
}

bool sc_proof_read_host(struct sc_proof *p, struct sc_crypto *crypto, struct sc_field payload,
                        const uint8_t handshake[SC_X25519_LEN])
{
    struct sc_reader r = sc_reader(payload.data, payload.len);
    *p = (struct sc_proof){0};
    if (!read_proof(p, crypto, &r, handshake))
        return false;
    sc_read_copy(&r, p->invitation, SC_INVITATION_LEN);
    uint64_t transaction = sc_read_u64(&r);
    sc_control_read_body(&r, &p->request);
    p->request.transaction = transaction;
    return !r.bad && sc_reader_left(&r) == 0;
}
