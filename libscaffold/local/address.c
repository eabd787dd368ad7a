#include "local/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* ::ffff:0:0/96, RFC 4291 2.5.5.2 */
static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t pool6_prefix[] = SC_POOL6_PREFIX;

/* A decimal number up to `most` that ends at `end`; -1 when it is none. */
static int read_number(const char **at, char end, int most)
{
    int n = 0;
    const char *p = *at;
    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = 10 * n + (*p - '0');
        if (n > most)
            return -1;
    }
    if (*p != end)
        return -1;
    *at = end ? p + 1 : p;
    return n;
}

int sc_pool4_parse(const char *text, struct sc_pool4 *pool)
{
    *pool = (struct sc_pool4){.base = SC_POOL4_BASE, .bits = SC_POOL4_BITS};
    if (!text || !*text)
        return 0;
    uint32_t base = 0;
    for (int i = 0; i < 4; i++) {
        int byte = read_number(&text, i < 3 ? '.' : '/', 255);
        if (byte < 0)
            return -EINVAL;
        base = base << 8 | (uint32_t)byte;
    }
    int bits = read_number(&text, 0, 30);
    if (bits < 8)
        return -EINVAL;
    *pool = (struct sc_pool4){.base = base & ~0u << (32 - bits), .bits = (unsigned)bits};
    return 0;
}

struct sc_address sc_address_v4(uint32_t host_order, uint16_t port)
{
    struct sc_address a = {.port = port};
    uint32_t net = htonl(host_order);
    memcpy(a.ip, mapped_prefix, sizeof mapped_prefix);
    memcpy(a.ip + 12, &net, 4);
    return a;
}

bool sc_address_is_v4(const struct sc_address *a)
{
    return memcmp(a->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

uint32_t sc_address_to_v4(const struct sc_address *a)
{
    uint32_t net;
    memcpy(&net, a->ip + 12, 4);
    return ntohl(net);
}

bool sc_address_is_loopback(const struct sc_address *a)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    if (sc_address_is_v4(a))
        return sc_address_to_v4(a) >> 24 == 127;
    return memcmp(a->ip, loopback6, 16) == 0;
}

bool sc_address_equal(const struct sc_address *a, const struct sc_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool sc_address_is_wildcard(const struct sc_address *a)
{
    static const uint8_t any6[16];
    if (sc_address_is_v4(a))
        return sc_address_to_v4(a) == 0;
    return memcmp(a->ip, any6, 16) == 0;
}

bool sc_address_in_pool(const struct sc_address *a, const struct sc_pool4 *pool)
{
    if (sc_address_is_v4(a))
        return (sc_address_to_v4(a) ^ pool->base) >> (32 - pool->bits) == 0;
    return memcmp(a->ip, pool6_prefix, sizeof pool6_prefix) == 0;
}

int sc_address_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct sc_address *out)
{
    if (len < (socklen_t)sizeof(sa_family_t))
        return -EINVAL;
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *sin = (const void *)sa;
        if (len < (socklen_t)sizeof *sin)
            return -EINVAL;
        *out = sc_address_v4(ntohl(sin->sin_addr.s_addr), ntohs(sin->sin_port));
        return 0;
    }
    if (sa->sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    const struct sockaddr_in6 *sin6 = (const void *)sa;
    if (len < (socklen_t)(offsetof(struct sockaddr_in6, sin6_scope_id)))
        return -EINVAL;
    memcpy(out->ip, &sin6->sin6_addr, 16);
    out->port = ntohs(sin6->sin6_port);
    return 0;
}

socklen_t sc_address_to_sockaddr(const struct sc_address *a, enum sc_family family,
                                 struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (family == SC_FAMILY_INET6) {
        struct sockaddr_in6 *sin6 = (void *)out;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(a->port);
        memcpy(&sin6->sin6_addr, a->ip, 16);
        return sizeof *sin6;
    }
    struct sockaddr_in *sin = (void *)out;
    sin->sin_family = AF_INET;
    sin->sin_port = htons(a->port);
    if (sc_address_is_v4(a))
        memcpy(&sin->sin_addr, a->ip + 12, 4);
    return sizeof *sin;
}
