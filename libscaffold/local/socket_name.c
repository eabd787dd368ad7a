#include "local/socket_name.h"

#include <stddef.h>
#include <string.h>

#define PREFIX "scaffold"

/* Formatting by hand: snprintf is not async-signal-safe, and names are made in signal-safe calls.
 */
struct text {
    char *at;
    char *end;
    char separator;
    bool too_long;
};

/* A path's parts may hold no slash. */
static char separator_of(enum sc_socket_name_kind kind)
{
    return kind == SC_SOCKET_BOUND ? '.' : '/';
}

static void put(struct text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
    else
        t->too_long = true;
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

static void put_daemon(struct text *t, struct sc_daemon_id id)
{
    put_string(t, PREFIX);
    put(t, t->separator);
    put_decimal(t, id.uid);
    put(t, t->separator);
    put_hex(t, id.instance, 8);
    put(t, t->separator);
}

static void put_ip(struct text *t, const struct sc_address *a)
{
    for (int i = sc_address_is_v4(a) ? 12 : 0; i < 16; i++)
        put_hex(t, a->ip[i], 2);
}

static void put_port(struct text *t, const struct sc_address *a)
{
    put(t, ':');
    put_hex(t, a->port, 4);
    put(t, t->separator);
}

static bool is_same_ip(const struct sc_address *a, const struct sc_address *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static void put_reached(struct text *t, const struct sc_socket_name *n)
{
    if (is_same_ip(&n->address, &n->reached))
        put(t, '=');
    else
        put_ip(t, &n->reached);
    put_port(t, &n->reached);
}

/* What stands behind the family. */
static char flag_of(const struct sc_socket_name *n)
{
    if (n->kind == SC_SOCKET_LOCAL)
        return (char)n->server_family;
    return n->wildcard ? 'w' : '-';
}

/* The text of a name, zeros behind it. Returns its length; 0: it is too long. */
static size_t write_name(const struct sc_socket_name *n, char out[SC_SOCKET_NAME_TEXT])
{
    struct text t = {out, out + SC_SOCKET_NAME_TEXT - 1, separator_of(n->kind), false};
    memset(out, 0, SC_SOCKET_NAME_TEXT);
    put_daemon(&t, n->daemon);
    put(&t, (char)n->kind);
    put(&t, t.separator);
    put(&t, (char)n->family);
    put(&t, flag_of(n));
    put(&t, t.separator);
    put_ip(&t, &n->address);
    put_port(&t, &n->address);
    if (n->kind == SC_SOCKET_LOCAL)
        put_reached(&t, n);
    put_serial(&t, n->serial);
    if (n->kind == SC_SOCKET_BOUND) {
        put(&t, t.separator);
        put_decimal(&t, n->owner);
    }
    return t.too_long ? 0 : (size_t)(t.at - out);
}

uint32_t sc_instance_of(const char *runtime_dir)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = runtime_dir; *p; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

socklen_t sc_socket_name_format(const struct sc_socket_name *n, struct sockaddr_un *out)
{
    char text[SC_SOCKET_NAME_TEXT];
    size_t len = write_name(n, text);
    bool abstract = n->kind != SC_SOCKET_BOUND;
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (len == 0)
        return 0;
    memcpy(out->sun_path + abstract, text, len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1); /* a path ends in zero */
}

void sc_socket_name_key(const struct sc_socket_name *n, char out[SC_SOCKET_NAME_TEXT])
{
    write_name(n, out);
}

socklen_t sc_socket_name_control(struct sc_daemon_id id, struct sockaddr_un *out)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    struct text t = {out->sun_path + 1, out->sun_path + sizeof out->sun_path, '/', false};
    put_daemon(&t, id);
    put_string(&t, "ctl");
    return (socklen_t)(t.at - (const char *)out);
}

size_t sc_socket_name_text(const struct sockaddr_un *sun, socklen_t len,
                           char out[SC_SOCKET_NAME_TEXT])
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    memset(out, 0, SC_SOCKET_NAME_TEXT);
    if (len <= head || len > sizeof *sun || sun->sun_family != AF_UNIX)
        return 0;
    bool abstract = sun->sun_path[0] == 0;
    const char *from = sun->sun_path + abstract;
    size_t room = len - head - abstract;
    size_t text = abstract ? room : strnlen(from, room);
    if (text >= SC_SOCKET_NAME_TEXT)
        return 0;
    memcpy(out, from, text);
    return text;
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

static void expect_one(struct cursor *c, char one)
{
    if (next(c) != one)
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

static void read_port(struct cursor *c, struct sc_address *a)
{
    expect_one(c, ':');
    a->port = (uint16_t)hex(c, 4);
}

/* "=" for the same address as the name's own; nobody writes it out then. */
static void read_reached(struct cursor *c, char separator, struct sc_socket_name *out)
{
    if (c->at < c->end && *c->at == '=') {
        next(c);
        out->reached = out->address;
    } else {
        read_ip(c, &out->reached);
        c->bad |= is_same_ip(&out->address, &out->reached);
    }
    read_port(c, &out->reached);
    expect_one(c, separator);
}

static void read_owner(struct cursor *c, struct sc_socket_name *out)
{
    expect_one(c, '.');
    out->owner = decimal(c);
}

/* Hex digits, 1 to 16, up to what is none. */
static uint64_t serial(struct cursor *c)
{
    const char *end = c->at;
    while (end < c->end && digit(*end) >= 0)
        end++;
    int digits = (int)(end - c->at);
    if (digits < 1 || digits > 16)
        c->bad = true;
    return c->bad ? 0 : hex(c, digits);
}

static bool is_one_of(char one, const char *those)
{
    return one && strchr(those, one);
}

static bool read_flag(char flag, struct sc_socket_name *out)
{
    out->wildcard = flag == 'w';
    if (out->kind != SC_SOCKET_LOCAL)
        return is_one_of(flag, "w-");
    out->wildcard = false;
    out->server_family = (enum sc_family)flag;
    return is_one_of(flag, "46s");
}

/* A listener's name is a file's, and no other is: an abstract one can be taken by anybody. */
static bool read_name(const char *text, size_t len, bool abstract, struct sc_socket_name *out)
{
    struct cursor c = {text, text + len, false};
    char separator = abstract ? '/' : '.', flag;
    memset(out, 0, sizeof *out);
    expect(&c, PREFIX);
    expect_one(&c, separator);
    out->daemon.uid = decimal(&c);
    expect_one(&c, separator);
    out->daemon.instance = (uint32_t)hex(&c, 8);
    expect_one(&c, separator);
    out->kind = (enum sc_socket_name_kind)next(&c);
    expect_one(&c, separator);
    out->family = (enum sc_family)next(&c);
    flag = next(&c);
    expect_one(&c, separator);
    read_ip(&c, &out->address);
    read_port(&c, &out->address);
    expect_one(&c, separator);
    if (out->kind == SC_SOCKET_LOCAL)
        read_reached(&c, separator, out);
    out->serial = serial(&c);
    if (!abstract)
        read_owner(&c, out);
    return !c.bad && c.at == c.end && is_one_of((char)out->kind, abstract ? "cldpe" : "b") &&
           is_one_of((char)out->family, "46s") && read_flag(flag, out);
}

bool sc_socket_name_parse(const struct sockaddr_un *sun, socklen_t len, struct sc_socket_name *out)
{
    char text[SC_SOCKET_NAME_TEXT];
    size_t n = sc_socket_name_text(sun, len, text);
    return n > 0 && read_name(text, n, sun->sun_path[0] == 0, out);
}

bool sc_socket_name_read_key(const char *text, struct sc_socket_name *out)
{
    size_t n = strnlen(text, SC_SOCKET_NAME_TEXT);
    return read_name(text, n, true, out) || read_name(text, n, false, out);
}
