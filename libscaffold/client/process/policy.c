#include "client/process/policy.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/process/own_addresses.h"
#include "client/process/real.h"

static struct sc_policy policy;
static bool ready;

/* --- reading the environment ------------------------------------------------------------------ */

/* Says on stderr what is wrong with a setting; the setting then counts as absent. */
__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    if (sc_real.write(STDERR_FILENO, line, len) < 0)
        return; /* nobody to tell */
}

/* A port of 1 to 65535 that ends at `end`. */
static bool read_port(const char *text, const char *end, uint16_t *out)
{
    unsigned long value = 0;
    if (text == end || end - text > 5)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned long)(*text - '0');
    }
    *out = (uint16_t)value;
    return value >= 1 && value <= 65535;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* label.provider.scaffold: parts of 1 to 63 letters, digits and hyphens, three at least. */
static bool is_service_name(const char *name, size_t len)
{
    static const char suffix[] = ".scaffold";
    size_t parts = 1, part = 0;
    if (len > 253 || len < sizeof suffix ||
        strncasecmp(name + len - strlen(suffix), suffix, strlen(suffix)) != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] != '.') {
            if (!is_name_char(name[i]) || ++part > 63)
                return false;
            continue;
        }
        if (part == 0)
            return false;
        parts++;
        part = 0;
    }
    return parts >= 3;
}

/* NAME (every port, streams and datagrams), NAME:PORT (streams) or NAME:PORT/PROTO. */
static bool read_capture(const char *item, size_t len)
{
    struct sc_capture c = {0};
    const char *end = item + len;
    const char *colon = memchr(item, ':', len);
    const char *slash = colon ? memchr(colon, '/', (size_t)(end - colon)) : NULL;
    size_t name_len = colon ? (size_t)(colon - item) : len;
    if (name_len > 0 && item[name_len - 1] == '.')
        name_len--;
    bool udp = slash && end - slash == 4 && strncasecmp(slash, "/udp", 4) == 0;
    bool tcp = slash && end - slash == 4 && strncasecmp(slash, "/tcp", 4) == 0;
    if (!is_service_name(item, name_len) || (slash && !udp && !tcp) ||
        (colon && !read_port(colon + 1, slash ? slash : end, &c.port)) ||
        policy.capture_count == SC_CAPTURES_MAX)
        return false;
    memcpy(c.name, item, name_len);
    if (colon)
        c.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
    policy.capture[policy.capture_count++] = c;
    return true;
}

/* SERVICE_PORT:PROGRAM_PORT */
static bool read_publish(const char *item, size_t len)
{
    struct sc_publish p;
    const char *end = item + len;
    const char *colon = memchr(item, ':', len);
    if (!colon || !read_port(item, colon, &p.service_port) ||
        !read_port(colon + 1, end, &p.program_port) || policy.publish_count == SC_PUBLISH_MAX)
        return false;
    policy.publish[policy.publish_count++] = p;
    return true;
}

/* Reads the items of a list, separated by commas. False after the first bad one. */
static bool read_list(const char *variable, const char *expected,
                      bool (*read)(const char *item, size_t len))
{
    const char *at = getenv(variable);
    while (at && *at) {
        size_t len = strcspn(at, ",");
        if (len > 0 && !read(at, len)) {
            complain("scaffold: %s: \"%.*s\" is not %s; nothing is served\n", variable,
                     (int)(len < 200 ? len : 200), at, expected);
            return false;
        }
        at += len;
        at += *at == ',';
    }
    return true;
}

static void read_environment(void)
{
    const char *pool = getenv("SCAFFOLD_POOL");
    const char *all_local = getenv("SCAFFOLD_ALL_LOCAL");
    if (sc_pool4_parse(pool, &policy.pool) < 0)
        complain("scaffold: SCAFFOLD_POOL: \"%.200s\" is not ADDRESS/BITS with 8 to 30 bits; "
                 "198.18.0.0/15 is used\n",
                 pool);
    policy.all_local = all_local && strcmp(all_local, "1") == 0;
    if (all_local && *all_local && strcmp(all_local, "0") != 0 && !policy.all_local)
        complain("scaffold: SCAFFOLD_ALL_LOCAL: \"%.200s\" is neither 1 nor 0; 0 is used\n",
                 all_local);
    if (!read_list("SCAFFOLD_SERVICE", "label.provider.scaffold[:port[/proto]]", read_capture) ||
        !read_list("SCAFFOLD_PUBLISH", "service-port:program-port", read_publish))
        policy.capture_count = policy.publish_count = 0;
}

const struct sc_policy *sc_policy(void)
{
    /* Before the constructor there is one thread. */
    if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
        read_environment();
        __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
    }
    return &policy;
}

__attribute__((constructor(102))) static void read_early(void)
{
    sc_policy();
}

/* --- which addresses are ours ----------------------------------------------------------------- */

bool sc_policy_in_pool(const struct sc_address *a)
{
    return sc_address_in_pool(a, &sc_policy()->pool);
}

bool sc_policy_connects(const struct sc_address *a)
{
    const struct sc_policy *p = sc_policy();
    if (sc_address_in_pool(a, &p->pool))
        return true;
    return p->all_local && (sc_address_is_loopback(a) || sc_address_is_wildcard(a));
}

/* Addresses that only groups and links have. */
static bool is_group(const struct sc_address *a)
{
    return sc_address_is_v4(a) ? sc_address_to_v4(a) >> 28 >= 14 : a->ip[0] == 0xff;
}

bool sc_policy_is_here(const struct sc_address *a)
{
    return sc_policy()->all_local && !sc_policy_connects(a) && !is_group(a) && sc_is_own_address(a);
}

static uint16_t published_port(const struct sc_policy *p, uint16_t program_port)
{
    for (unsigned i = 0; i < p->publish_count; i++)
        if (p->publish[i].program_port == program_port)
            return p->publish[i].service_port;
    return program_port;
}

uint16_t sc_policy_program_port(uint16_t service_port)
{
    const struct sc_policy *p = sc_policy();
    for (unsigned i = 0; i < p->publish_count; i++)
        if (p->publish[i].service_port == service_port)
            return p->publish[i].program_port;
    return service_port;
}

static const struct sc_capture *capture_of(const struct sc_policy *p, uint16_t service_port,
                                           int protocol)
{
    for (unsigned i = 0; i < p->capture_count; i++) {
        const struct sc_capture *c = &p->capture[i];
        if ((c->port == 0 || c->port == service_port) &&
            (c->protocol == 0 || c->protocol == protocol))
            return c;
    }
    return NULL;
}

/* A datagram socket without a port of its own serves nobody; it becomes ours when it sends. */
static bool may_serve(const struct sc_address *a, int protocol)
{
    return protocol != IPPROTO_UDP || (a->port != 0 && !is_group(a));
}

bool sc_policy_binds(const struct sc_address *a, int protocol, char name[256],
                     uint16_t *service_port)
{
    const struct sc_policy *p = sc_policy();
    bool loopback = sc_address_is_loopback(a);
    *name = 0;
    *service_port = a->port;
    if (sc_address_in_pool(a, &p->pool))
        return true;
    if (p->capture_count > 0 && !loopback && may_serve(a, protocol)) {
        uint16_t port = published_port(p, a->port);
        const struct sc_capture *c = capture_of(p, port, protocol);
        if (c) {
            memcpy(name, c->name, sizeof c->name);
            *service_port = port;
            return true;
        }
    }
    return p->all_local && (loopback || sc_address_is_wildcard(a));
}
