#include "local/names.h"

#include <stddef.h>
#include <string.h>

#define PREFIX "scaffold/"

/* Formatting by hand: snprintf is not async-signal-safe, and names are made in signal-safe calls.
 */
struct text {
    char *at;
    char *end;
};

static void put(struct text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
}

static void put_string(struct text *t, const char *s)
{
    while (*s)
        put(t, *s++);
}

static void put_hex(struct text *t, uint64_t v, int digits)
{
    for (int i = digits - 1; i >= 0; i--)
        put(t, "0123456789abcdef"[v >> (4 * i) & 15]);
}

static void put_decimal(struct text *t, uint32_t v)
{
    if (v >= 10)
        put_decimal(t, v / 10);
    put(t, (char)('0' + v % 10));
}

/* As many digits as it needs, at least one. */
static void put_serial(struct text *t, uint64_t v)
{
    int digits = 1;
    while (digits < 16 && v >> (4 * digits))
        digits++;
    put_hex(t, v, digits);
}

static struct text start(struct sockaddr_un *out, struct sc_daemon_id id)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    struct text t = {out->sun_path + 1, out->sun_path + sizeof out->sun_path};
    put_string(&t, PREFIX);
    put_decimal(&t, id.uid);
    put(&t, '/');
    put_hex(&t, id.instance, 8);
    put(&t, '/');
    return t;
}

static socklen_t length(const struct text *t, const struct sockaddr_un *out)
{
    return (socklen_t)(t->at - (const char *)out);
}

uint32_t sc_instance_of(const char *runtime_dir)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = runtime_dir; *p; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

socklen_t sc_name_format(const struct sc_name *n, struct sockaddr_un *out)
{
    struct text t = start(out, n->daemon);
    bool v4 = sc_address_is_v4(&n->address);
    put(&t, (char)n->kind);
    put(&t, '/');
    put(&t, (char)n->family);
    put(&t, n->wildcard ? 'w' : '-');
    put(&t, '/');
    for (int i = v4 ? 12 : 0; i < 16; i++)
        put_hex(&t, n->address.ip[i], 2);
    put(&t, ':');
    put_hex(&t, n->address.port, 4);
    put(&t, '/');
    put_serial(&t, n->serial);
    return length(&t, out);
}

void sc_name_key(const struct sc_name *n, char out[SC_NAME_TEXT])
{
    struct sockaddr_un sun;
    size_t len = sc_name_format(n, &sun) - offsetof(struct sockaddr_un, sun_path) - 1;
    memset(out, 0, SC_NAME_TEXT);
    memcpy(out, sun.sun_path + 1, len);
}

socklen_t sc_name_control(struct sc_daemon_id id, struct sockaddr_un *out)
{
    struct text t = start(out, id);
    put_string(&t, "ctl");
    return length(&t, out);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

static char next(struct cursor *c)
{
    if (c->at == c->end) {
        c->bad = true;
        return 0;
    }
    return *c->at++;
}

static void expect(struct cursor *c, const char *text)
{
    while (*text)
        if (next(c) != *text++)
            c->bad = true;
}

static int digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Exactly `digits` hex digits. */
static uint64_t hex(struct cursor *c, int digits)
{
    uint64_t v = 0;
    for (int i = 0; i < digits; i++) {
        int d = digit(next(c));
        if (d < 0)
            c->bad = true;
        v = v << 4 | (uint64_t)(d & 15);
    }
    return v;
}

static uint32_t decimal(struct cursor *c)
{
    uint64_t v = 0;
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && v <= UINT32_MAX)
        v = 10 * v + (uint64_t)(*c->at++ - '0');
    if (c->at == from || v > UINT32_MAX)
        c->bad = true;
    return (uint32_t)v;
}

static void read_ip(struct cursor *c, struct sc_address *a)
{
    const char *colon = c->at;
    while (colon < c->end && *colon != ':')
        colon++;
    int from = 0;
    if (colon - c->at == 8) {
        *a = sc_address_v4(0, 0);
        from = 12;
    }
    for (int i = from; i < 16; i++)
        a->ip[i] = (uint8_t)hex(c, 2);
}

bool sc_name_parse(const struct sockaddr_un *sun, socklen_t len, struct sc_name *out)
{
    size_t head = offsetof(struct sockaddr_un, sun_path) + 1;
    if (len <= head || len > sizeof *sun || sun->sun_family != AF_UNIX || sun->sun_path[0])
        return false;
    struct cursor c = {sun->sun_path + 1, (const char *)sun + len, false};
    memset(out, 0, sizeof *out);
    expect(&c, PREFIX);
    out->daemon.uid = decimal(&c);
    expect(&c, "/");
    out->daemon.instance = (uint32_t)hex(&c, 8);
    expect(&c, "/");
    out->kind = (enum sc_name_kind)next(&c);
    expect(&c, "/");
    out->family = (enum sc_family)next(&c);
    char flag = next(&c);
    expect(&c, "/");
    read_ip(&c, &out->address);
    expect(&c, ":");
    out->address.port = (uint16_t)hex(&c, 4);
    expect(&c, "/");
    int digits = (int)(c.end - c.at);
    if (c.bad || digits < 1 || digits > 16)
        return false;
    out->serial = hex(&c, digits);
    out->wildcard = flag == 'w';
    bool kind = out->kind == SC_NAME_BOUND || out->kind == SC_NAME_CLIENT ||
                out->kind == SC_NAME_DATAGRAM || out->kind == SC_NAME_PEER ||
                out->kind == SC_NAME_ERROR;
    bool family = out->family == SC_FAMILY_INET || out->family == SC_FAMILY_INET6 ||
                  out->family == SC_FAMILY_SCAFFOLD;
    return !c.bad && kind && family && (flag == 'w' || flag == '-');
}

bool sc_name_read_key(const char *text, struct sc_name *out)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strnlen(text, sizeof sun.sun_path - 1);
    memcpy(sun.sun_path + 1, text, len);
    return sc_name_parse(&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len), out);
}
