#include "flood/kinds.h"

#include <stdio.h>
#include <string.h>

#include "wire/control.h"
#include "wire/frame.h"

/* Strangers say that they are this host; no router gives such an address. */
#define STRANGER UINT64_C(0xfffffffe00000000)

static uint64_t source_of(const struct flood_target *t, uint64_t n)
{
    return t->member ? t->member : STRANGER | (n & 0xffff);
}

/* Not a random number, but one that repeats late and sits nowhere in particular. */
static uint64_t scatter(uint64_t n)
{
    return (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct sc_header header(enum sc_packet_type type, uint64_t n)
{
    bool numbered = type == SC_PKT_DATA || type == SC_PKT_CONFIRM || type == SC_PKT_DATAGRAM;
    return (struct sc_header){.version = SC_WIRE_VERSION,
                              .type = (uint8_t)type,
                              .hop_limit = SC_HOP_LIMIT,
                              .flow = (uint32_t)(scatter(n) >> 32),
                              .number = numbered ? n : 0};
}

/* --- opening ---------------------------------------------------------------------------------- */

static size_t open_to(uint8_t *packet, const struct flood_target *t, uint64_t n,
                      const struct sc_service_id *service, uint64_t dst)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_OPEN, n);
    struct sc_open p = {.src = source_of(t, n),
                        .src_flow = (uint32_t)n + 1,
                        .open_id = scatter(n),
                        .service = *service,
                        .src_pool = 0xc6120009,
                        .src_port = (uint16_t)n};
    h.flow = 0;
    h.dst = dst;
    sc_open_write(&w, &h, &p);
    return sc_writer_len(&w);
}

static size_t open_served(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return open_to(packet, t, n, &t->service, 0);
}

static size_t open_unserved(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_service_id nobody = t->service;
    memset(nobody.bytes + 16, 0xee, 8); /* another label */
    return open_to(packet, t, n, &nobody, 0);
}

static size_t open_forwarded(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return open_to(packet, t, n, &t->service, t->other ? t->other : STRANGER);
}

static size_t answer(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_ANSWER, n);
    struct sc_answer p = {.src = source_of(t, n),
                          .src_flow = 1,
                          .open_id = scatter(n),
                          .service = t->service,
                          .epoch = 1};
    sc_answer_write(&w, &h, &p);
    return sc_writer_len(&w);
}

static size_t confirm(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_CONFIRM, n);
    struct sc_confirm p = {.src = source_of(t, n), .open_id = scatter(n), .epoch = 1};
    sc_confirm_write(&w, &h, &p);
    sc_write_u8(&w, SC_FRAME_PING);
    return sc_writer_len(&w);
}

static size_t refuse(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_REFUSE, n);
    struct sc_refuse p = {
        .src = source_of(t, n), .open_id = scatter(n), .refusal = SC_REFUSE_NO_INSTANCE};
    sc_refuse_write(&w, &h, &p);
    return sc_writer_len(&w);
}

static size_t retry(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_RETRY, n);
    uint8_t cookie[16] = {1};
    struct sc_retry p = {.open_id = scatter(n), .cookie = {cookie, sizeof cookie}};
    (void)t;
    sc_retry_write(&w, &h, &p);
    return sc_writer_len(&w);
}

/* --- flows ------------------------------------------------------------------------------------ */

static size_t data(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_DATA, n);
    (void)t;
    sc_header_write(&w, &h);
    sc_write_u8(&w, SC_FRAME_PING);
    sc_write_zeros(&w, 1000); /* PADDING */
    return sc_writer_len(&w);
}

static size_t reset(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_RESET, n);
    struct sc_reset p = {.src = source_of(t, n), .token = {(uint8_t)n}};
    h.flow = 0;
    sc_reset_write(&w, &h, &p);
    return sc_writer_len(&w);
}

/* --- CONTROL ---------------------------------------------------------------------------------- */

static size_t control(uint8_t *packet, struct sc_control *c, const struct flood_target *t,
                      enum sc_control_message message, uint64_t n)
{
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    c->message = (uint8_t)message;
    c->transaction = scatter(n);
    c->src = source_of(t, n);
    c->epoch = t->epoch;
    sc_control_write(&w, c);
    return sc_writer_len(&w);
}

static size_t join_fresh(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {0};
    snprintf(c.name, sizeof c.name, "made-up-%llu", (unsigned long long)n);
    return control(packet, &c, t, SC_MSG_JOIN, n);
}

static size_t join_again(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {.name = "flooder"};
    return control(packet, &c, t, SC_MSG_JOIN, n);
}

static size_t greet(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    uint8_t public[32] = {9};
    struct sc_control c = {
        .channel = (uint32_t)n + 1, .suite = 1, .handshake = {public, sizeof public}};
    memcpy(public + 8, &n, sizeof n);
    return control(packet, &c, t, SC_MSG_GREET, n);
}

static size_t registration(uint8_t *packet, const struct flood_target *t,
                           enum sc_control_message message, uint64_t n)
{
    struct sc_control c = {.serial = (uint32_t)n, .service_count = SC_REGISTER_MAX};
    for (size_t i = 0; i < SC_REGISTER_MAX; i++) {
        uint64_t label = scatter(n * SC_REGISTER_MAX + i);
        c.service[i] = t->service;
        memcpy(c.service[i].bytes + 16, &label, sizeof label);
    }
    return control(packet, &c, t, message, n);
}

static size_t register_fresh(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return registration(packet, t, SC_MSG_REGISTER, n);
}

static size_t unregister(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return registration(packet, t, SC_MSG_UNREGISTER, n);
}

static size_t refresh(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {0};
    return control(packet, &c, t, SC_MSG_REFRESH, n);
}

static size_t lookup_fresh(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {.by = SC_LOOKUP_NAME, .service_count = 1};
    snprintf(c.name, sizeof c.name, "made-up-%llu.flood.scaffold", (unsigned long long)n);
    return control(packet, &c, t, SC_MSG_LOOKUP, n);
}

static size_t lookup_pool(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {
        .by = SC_LOOKUP_POOL, .service_count = 1, .pool = 0xc6120001 + (uint32_t)(n & 0xff)};
    return control(packet, &c, t, SC_MSG_LOOKUP, n);
}

static size_t lookup_service(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {.by = SC_LOOKUP_SERVICE, .service_count = 1, .service[0] = t->service};
    return control(packet, &c, t, SC_MSG_LOOKUP, n);
}

static size_t where(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {.address = t->other};
    return control(packet, &c, t, SC_MSG_WHERE, n);
}

static size_t probe(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {0};
    return control(packet, &c, t, SC_MSG_PROBE, n);
}

static size_t alive(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {0};
    return control(packet, &c, t, SC_MSG_ALIVE, n);
}

static size_t mapping(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {
        .service_count = 1, .service[0] = t->service, .name = "forged.flood.scaffold"};
    return control(packet, &c, t, SC_MSG_MAPPING, n);
}

static size_t refreshed(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_control c = {.state = SC_REFRESH_JOIN};
    return control(packet, &c, t, SC_MSG_REFRESHED, n);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static size_t datagram(uint8_t *packet, const struct flood_target *t, uint64_t n,
                       const struct sc_service_id *to, uint64_t dst, size_t total)
{
    static const uint8_t bytes[1000];
    struct sc_writer w = sc_writer(packet, FLOOD_PACKET);
    struct sc_header h = header(SC_PKT_DATAGRAM, n);
    struct sc_fragment p = {.src = source_of(t, n),
                            .src_pool = 0xc6120009,
                            .src_port = (uint16_t)n,
                            .choice = n,
                            .total = (uint16_t)total,
                            .to = *to,
                            .data = {bytes, total < sizeof bytes ? total : sizeof bytes}};
    h.flow = 0;
    h.dst = dst;
    sc_fragment_write(&w, &h, &p);
    return sc_writer_len(&w);
}

static size_t datagram_served(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return datagram(packet, t, n, &t->datagrams, 0, 64);
}

static size_t datagram_unserved(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    struct sc_service_id nobody = sc_service_id_at(t->service, 9, 17);
    return datagram(packet, t, n, &nobody, 0, 64);
}

static size_t datagram_pieces(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return datagram(packet, t, n, &t->datagrams, 0, 65000);
}

static size_t datagram_forwarded(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    return datagram(packet, t, n, &t->datagrams, t->other ? t->other : STRANGER, 64);
}

/* --- what is no packet ------------------------------------------------------------------------ */

static size_t malformed(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    size_t len = open_served(packet, t, n);
    return SC_HEADER_LEN + n % (len - SC_HEADER_LEN);
}

static size_t version(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    size_t len = data(packet, t, n);
    packet[0] = (uint8_t)(2 << 5 | SC_PKT_DATA);
    return len;
}

static size_t tiny(uint8_t *packet, const struct flood_target *t, uint64_t n)
{
    (void)t;
    packet[0] = (uint8_t)n;
    return 1;
}

const struct flood_kind flood_kinds[] = {
    {"open-served", open_served},
    {"open-unserved", open_unserved},
    {"open-forwarded", open_forwarded},
    {"answer", answer},
    {"confirm", confirm},
    {"refuse", refuse},
    {"retry", retry},
    {"data", data},
    {"reset", reset},
    {"join-fresh", join_fresh},
    {"join-again", join_again},
    {"greet", greet},
    {"register", register_fresh},
    {"unregister", unregister},
    {"refresh", refresh},
    {"lookup-fresh", lookup_fresh},
    {"lookup-pool", lookup_pool},
    {"lookup-service", lookup_service},
    {"where", where},
    {"probe", probe},
    {"alive", alive},
    {"mapping", mapping},
    {"refreshed", refreshed},
    {"datagram-served", datagram_served},
    {"datagram-unserved", datagram_unserved},
    {"datagram-pieces", datagram_pieces},
    {"datagram-forwarded", datagram_forwarded},
    {"malformed", malformed},
    {"version", version},
    {"tiny", tiny},
    {NULL, NULL},
};

const struct flood_kind *flood_kind_find(const char *name)
{
    for (const struct flood_kind *k = flood_kinds; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}
