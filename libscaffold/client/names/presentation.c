/* inet_pton and its family for programs that are ported: a service's name is taken where an address
 * is read from text, and given where one is shown. The shim leaves libc's alone: a program that was
 * not ported knows how many bytes an address has at most. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "client/names/ask.h"
#include "client/process/real.h"
#include "scaffold/scaffold.h"

#define API __attribute__((visibility("default")))

static size_t length_of(int family)
{
    return family == AF_INET6 ? 16 : 4;
}

/* --- from text ------------------------------------------------------------------------------- */

/* The pool's address of a service. False when the text is none, or nobody answers. */
static bool read_name(int family, const char *text, void *ip)
{
    struct sc_ctl_reply r;
    sc_real_bind();
    if ((family != AF_INET && family != AF_INET6) || !sc_is_scaffold_name(text) ||
        sc_resolve(text, &r) != 0)
        return false;
    memcpy(ip, family == AF_INET6 ? r.address6.ip : r.address.ip + 12, length_of(family));
    return true;
}

/* "::ffff:" and its like in front of what was shown of an IPv4 address: what it is in front of the
 * number (RFC 4291, section 2.2). */
static bool read_behind_prefix(const char *text, void *ip)
{
    static const char zeros[] = "0.0.0.0";
    char number[INET6_ADDRSTRLEN];
    uint8_t whole[16];
    const char *colon = strrchr(text, ':');
    size_t prefix = colon ? (size_t)(colon + 1 - text) : 0;
    if (!colon || !sc_is_scaffold_name(colon + 1) || prefix + sizeof zeros > sizeof number)
        return false;
    memcpy(number, text, prefix);
    memcpy(number + prefix, zeros, sizeof zeros);
    if (inet_pton(AF_INET6, number, whole) != 1 || !read_name(AF_INET, colon + 1, whole + 12))
        return false;
    memcpy(ip, whole, sizeof whole);
    return true;
}

API int scaffold_inet_pton(int family, const char *text, void *ip)
{
    bool found =
        read_name(family, text, ip) || (family == AF_INET6 && read_behind_prefix(text, ip));
    return found ? 1 : inet_pton(family, text, ip);
}

API int scaffold_inet_aton(const char *text, struct in_addr *ip)
{
    return read_name(AF_INET, text, ip) ? 1 : inet_aton(text, ip);
}

API in_addr_t scaffold_inet_addr(const char *text)
{
    struct in_addr ip;
    return read_name(AF_INET, text, &ip) ? ip.s_addr : inet_addr(text);
}

/* --- to text --------------------------------------------------------------------------------- */

/* False when the address is none of the pool, or its name is not known or too long. */
static bool write_name(int family, const void *ip, char *text, size_t size)
{
    struct sc_address a;
    char name[SC_CTL_NAME];
    sc_real_bind();
    if (!sc_pool_address(ip, (socklen_t)length_of(family), family, &a) || !sc_reverse(&a, name) ||
        strlen(name) >= size)
        return false;
    memcpy(text, name, strlen(name) + 1);
    return true;
}

API const char *scaffold_inet_ntop(int family, const void *ip, char *text, socklen_t size)
{
    return write_name(family, ip, text, size) ? text : inet_ntop(family, ip, text, size);
}

API char *scaffold_inet_ntoa(struct in_addr ip)
{
    static __thread char text[SCAFFOLD_ADDRSTRLEN] __attribute__((tls_model("initial-exec")));
    return write_name(AF_INET, &ip, text, sizeof text) ? text : inet_ntoa(ip);
}
