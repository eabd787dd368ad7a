/* inet_pton and its family for programs that are ported: a service's name is taken where an address
 * is read from text, and given where one is shown. The shim leaves libc's alone: a program that was
 * not ported knows how many bytes an address has at most. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "client/client.h"
#include "client/control.h"
#include "client/names.h"
#include "client/real.h"
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

API int scaffold_inet_pton(int family, const char *text, void *ip)
{
    return read_name(family, text, ip) ? 1 : inet_pton(family, text, ip);
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
