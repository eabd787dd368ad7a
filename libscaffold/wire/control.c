#include "wire/control.h"

/* One message's body: how it is read and written. */
struct body {
    void (*read)(struct sc_reader *r, struct sc_control *c);
    void (*write)(struct sc_writer *w, const struct sc_control *c);
};

void sc_read_string(struct sc_reader *r, char out[256])
{
    size_t len = sc_read_u8(r);
    const uint8_t *p = sc_read_bytes(r, len);
    if (p && memchr(p, 0, len))
        r->bad = true; /* what looks shorter than it is */
    if (p && !r->bad)
        memcpy(out, p, len);
    out[p && !r->bad ? len : 0] = 0;
}

void sc_write_string(struct sc_writer *w, const char *text)
{
    size_t len = strnlen(text, 255);
    sc_write_u8(w, (uint8_t)len);
    sc_write_copy(w, text, len);
}

/* Flags of MAPPING. */
#define REUSED 1
#define USED 2
/* Flags of REGISTER. */
#define REPLACES 1
#define WANTS_GRANT 2

/* Fields that were appended to a message later: absent is zero, and what is zero, up to the end, is
 * left out. */
static bool has_more(const struct sc_reader *r)
{
    return !r->bad && sc_reader_left(r) > 0;
}

static bool has_key(const struct sc_control *c)
{
    static const uint8_t none[sizeof c->key];
    return memcmp(c->key, none, sizeof none) != 0;
}

static void read_key(struct sc_reader *r, struct sc_control *c)
{
    if (has_more(r))
        sc_read_copy(r, c->key, sizeof c->key);
}

static void write_key(struct sc_writer *w, const struct sc_control *c)
{
    if (has_key(c))
        sc_write_copy(w, c->key, sizeof c->key);
}

static void read_grant(struct sc_reader *r, struct sc_control *c)
{
    size_t len = has_more(r) ? sc_read_u16(r) : 0;
    if (len > 0)
        c->grant = (struct sc_field){sc_read_bytes(r, len), len};
}

static void write_grant(struct sc_writer *w, const struct sc_control *c)
{
    if (c->grant.len == 0)
        return;
    sc_write_u16(w, (uint16_t)c->grant.len);
    sc_write_copy(w, c->grant.data, c->grant.len);
}

static void read_join(struct sc_reader *r, struct sc_control *c)
{
    sc_read_string(r, c->name);
    c->epoch = sc_read_u64(r);
    sc_read_copy(r, c->token, sizeof c->token);
}

static void write_join(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_string(w, c->name);
    sc_write_u64(w, c->epoch);
    sc_write_copy(w, c->token, sizeof c->token);
}

static void read_joined(struct sc_reader *r, struct sc_control *c)
{
    c->address = sc_read_u64(r);
    c->pool = sc_read_u32(r);
    c->lease_ms = sc_read_u32(r);
    c->epoch = sc_read_u64(r);
    c->trouble = has_more(r) ? sc_read_u8(r) : 0;
    c->names = has_more(r) ? sc_read_u32(r) : 0;
    read_key(r, c);
    read_grant(r, c);
}

static void write_joined(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u64(w, c->address);
    sc_write_u32(w, c->pool);
    sc_write_u32(w, c->lease_ms);
    sc_write_u64(w, c->epoch);
    if (c->trouble || c->names || has_key(c))
        sc_write_u8(w, c->trouble);
    if (c->names || has_key(c))
        sc_write_u32(w, c->names);
    write_key(w, c);
    if (has_key(c))
        write_grant(w, c);
}

static void read_count(struct sc_reader *r, struct sc_control *c)
{
    c->service_count = sc_read_u8(r);
    if (c->service_count > SC_REGISTER_MAX) {
        c->service_count = 0;
        r->bad = true;
    }
}

static void read_register(struct sc_reader *r, struct sc_control *c)
{
    c->epoch = sc_read_u64(r);
    c->serial = sc_read_u32(r);
    uint8_t flags = sc_read_u8(r);
    c->replaces = flags & REPLACES;
    c->wants_grant = flags / WANTS_GRANT;
    read_count(r, c);
    if (flags > (REPLACES | WANTS_GRANT))
        r->bad = true;
    for (size_t i = 0; i < c->service_count; i++)
        sc_read_copy(r, c->service[i].bytes, sizeof c->service[i].bytes);
    read_grant(r, c);
}

static void write_register(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u64(w, c->epoch);
    sc_write_u32(w, c->serial);
    sc_write_u8(w, (uint8_t)((c->replaces ? REPLACES : 0) | (c->wants_grant ? WANTS_GRANT : 0)));
    sc_write_u8(w, (uint8_t)c->service_count);
    for (size_t i = 0; i < c->service_count; i++)
        sc_write_copy(w, c->service[i].bytes, sizeof c->service[i].bytes);
    write_grant(w, c);
}

static void read_registered(struct sc_reader *r, struct sc_control *c)
{
    c->serial = sc_read_u32(r);
    if (!has_more(r))
        return;
    read_count(r, c);
    for (size_t i = 0; i < c->service_count; i++) {
        sc_read_copy(r, c->service[i].bytes, sizeof c->service[i].bytes);
        c->denial[i] = sc_read_u8(r);
        if (c->denial[i] == SC_DENIAL_NONE || c->denial[i] >= SC_DENIALS)
            r->bad = true;
    }
    read_grant(r, c);
}

static void write_registered(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u32(w, c->serial);
    if (c->service_count > 0 || c->grant.len > 0)
        sc_write_u8(w, (uint8_t)c->service_count);
    for (size_t i = 0; i < c->service_count; i++) {
        sc_write_copy(w, c->service[i].bytes, sizeof c->service[i].bytes);
        sc_write_u8(w, c->denial[i]);
    }
    write_grant(w, c);
}

static void read_refresh(struct sc_reader *r, struct sc_control *c)
{
    c->epoch = sc_read_u64(r);
    c->registered = sc_read_u32(r);
    c->digest = sc_read_u64(r);
}

static void write_refresh(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u64(w, c->epoch);
    sc_write_u32(w, c->registered);
    sc_write_u64(w, c->digest);
}

static void read_refreshed(struct sc_reader *r, struct sc_control *c)
{
    c->state = sc_read_u8(r);
    if (c->state > SC_REFRESH_JOIN)
        r->bad = true;
    c->reuses = has_more(r) ? sc_read_u32(r) : 0;
}

static void write_refreshed(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u8(w, c->state);
    if (c->reuses)
        sc_write_u32(w, c->reuses);
}

static void read_lookup(struct sc_reader *r, struct sc_control *c)
{
    c->by = sc_read_u8(r);
    sc_read_string(r, c->name);
    c->pool = sc_read_u32(r);
    sc_read_copy(r, c->service[0].bytes, sizeof c->service[0].bytes);
    c->service_count = 1;
    if (c->by < SC_LOOKUP_NAME || c->by > SC_LOOKUP_SERVICE)
        r->bad = true;
}

static void write_lookup(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u8(w, c->by);
    sc_write_string(w, c->name);
    sc_write_u32(w, c->pool);
    sc_write_copy(w, c->service[0].bytes, sizeof c->service[0].bytes);
}

static void read_mapping(struct sc_reader *r, struct sc_control *c)
{
    c->status = sc_read_u8(r);
    sc_read_string(r, c->name);
    sc_read_copy(r, c->service[0].bytes, sizeof c->service[0].bytes);
    c->service_count = 1;
    c->pool = sc_read_u32(r);
    if (c->status > SC_LOOKUP_UNSTORED)
        r->bad = true;
    uint8_t flags = has_more(r) ? sc_read_u8(r) : 0;
    if (flags > (REUSED | USED))
        r->bad = true;
    c->reused = flags & REUSED;
    c->used = flags / USED;
    c->trouble = has_more(r) ? sc_read_u8(r) : 0;
    read_key(r, c);
}

static void write_mapping(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u8(w, c->status);
    sc_write_string(w, c->name);
    sc_write_copy(w, c->service[0].bytes, sizeof c->service[0].bytes);
    sc_write_u32(w, c->pool);
    uint8_t flags = (uint8_t)((c->reused ? REUSED : 0) | (c->used ? USED : 0));
    if (flags || c->trouble || has_key(c))
        sc_write_u8(w, flags);
    if (c->trouble || has_key(c))
        sc_write_u8(w, c->trouble);
    write_key(w, c);
}

static void read_where(struct sc_reader *r, struct sc_control *c)
{
    c->address = sc_read_u64(r);
}

static void write_where(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u64(w, c->address);
}

static void read_there(struct sc_reader *r, struct sc_control *c)
{
    c->address = sc_read_u64(r);
    sc_underlay_read(r, &c->underlay);
}

static void write_there(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u64(w, c->address);
    sc_underlay_write(w, &c->underlay);
}

static void read_epoch(struct sc_reader *r, struct sc_control *c)
{
    c->epoch = sc_read_u64(r);
}

static void write_epoch(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u64(w, c->epoch);
}

static void read_handshake(struct sc_reader *r, struct sc_control *c)
{
    c->handshake.len = sc_read_u16(r);
    c->handshake.data = sc_read_bytes(r, c->handshake.len);
}

static void write_handshake(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u16(w, (uint16_t)c->handshake.len);
    sc_write_copy(w, c->handshake.data, c->handshake.len);
}

static void read_cookie(struct sc_reader *r, struct sc_control *c)
{
    c->cookie.len = sc_read_u8(r);
    if (c->cookie.len > SC_COOKIE_MAX)
        r->bad = true;
    c->cookie.data = sc_read_bytes(r, c->cookie.len);
}

static void write_cookie(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u8(w, (uint8_t)c->cookie.len);
    sc_write_copy(w, c->cookie.data, c->cookie.len);
}

static void read_greet(struct sc_reader *r, struct sc_control *c)
{
    c->channel = sc_read_u32(r);
    c->suite = sc_read_u8(r);
    read_handshake(r, c);
    if (has_more(r))
        read_cookie(r, c);
}

static void write_greet(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u32(w, c->channel);
    sc_write_u8(w, c->suite);
    write_handshake(w, c);
    if (c->cookie.len > 0)
        write_cookie(w, c);
}

static const struct body bodies[] = {
    [SC_MSG_JOIN] = {read_join, write_join},
    [SC_MSG_JOINED] = {read_joined, write_joined},
    [SC_MSG_REGISTER] = {read_register, write_register},
    [SC_MSG_UNREGISTER] = {read_register, write_register},
    [SC_MSG_REGISTERED] = {read_registered, write_registered},
    [SC_MSG_REFRESH] = {read_refresh, write_refresh},
    [SC_MSG_REFRESHED] = {read_refreshed, write_refreshed},
    [SC_MSG_LOOKUP] = {read_lookup, write_lookup},
    [SC_MSG_MAPPING] = {read_mapping, write_mapping},
    [SC_MSG_WHERE] = {read_where, write_where},
    [SC_MSG_THERE] = {read_there, write_there},
    [SC_MSG_PROBE] = {read_epoch, write_epoch},
    [SC_MSG_ALIVE] = {read_epoch, write_epoch},
    [SC_MSG_GREET] = {read_greet, write_greet},
    [SC_MSG_GREETED] = {read_handshake, write_handshake},
    [SC_MSG_PROVE] = {read_handshake, write_handshake},
    [SC_MSG_AGAIN] = {read_cookie, write_cookie},
};

static bool is_known(uint8_t message)
{
    return message < sizeof bodies / sizeof *bodies && bodies[message].read;
}

bool sc_control_is_request(uint8_t message)
{
    switch (message) {
    case SC_MSG_JOIN:
    case SC_MSG_REGISTER:
    case SC_MSG_UNREGISTER:
    case SC_MSG_REFRESH:
    case SC_MSG_LOOKUP:
    case SC_MSG_WHERE:
    case SC_MSG_PROBE:
    case SC_MSG_GREET:
        return true;
    default:
        return false;
    }
}

bool sc_control_is_plain(uint8_t message)
{
    return message >= SC_MSG_PROBE && message <= SC_MSG_AGAIN;
}

void sc_control_read_body(struct sc_reader *r, struct sc_control *c)
{
    c->message = sc_read_u8(r);
    c->src = sc_read_u64(r);
    if (is_known(c->message))
        bodies[c->message].read(r, c);
    else
        r->bad = true;
}

void sc_control_write_body(struct sc_writer *w, const struct sc_control *c)
{
    sc_write_u8(w, c->message);
    sc_write_u64(w, c->src);
    if (is_known(c->message))
        bodies[c->message].write(w, c);
}

void sc_control_read(struct sc_reader *r, const struct sc_header *h, struct sc_control *c)
{
    size_t len = SC_HEADER_LEN + sc_reader_left(r);
    *c = (struct sc_control){.transaction = h->number, .channel = h->flow};
    sc_control_read_body(r, c);
    if (sc_control_is_request(c->message) ? len < SC_CONTROL_REQUEST : len > SC_CONTROL_REQUEST)
        r->bad = true; /* an answer that could be longer than its request: an amplifier */
    while (!r->bad && sc_reader_left(r) > 0)
        if (sc_read_u8(r) != 0)
            r->bad = true;
}

void sc_control_write(struct sc_writer *w, const struct sc_control *c)
{
    const uint8_t *start = w->at;
    struct sc_header h = {.version = SC_WIRE_VERSION,
                          .type = SC_PKT_CONTROL,
                          .hop_limit = SC_HOP_LIMIT,
                          .flow = c->message == SC_MSG_GREET ? 0 : c->channel,
                          .number = c->transaction};
    sc_header_write(w, &h);
    sc_control_write_body(w, c);
    size_t len = (size_t)(w->at - start);
    if (sc_control_is_request(c->message) && len < SC_CONTROL_REQUEST)
        sc_write_zeros(w, SC_CONTROL_REQUEST - len);
}
