#include "client/names/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/service_id.h"
#include "client/names/ask.h"
#include "client/names/service.h"
#include "client/process/explain.h"
#include "client/process/policy.h"
#include "client/process/real.h"
#include "scaffold/scaffold.h"

/* --- getaddrinfo ------------------------------------------------------------------------------ */

/* The service's address as text: with it, libc itself makes the list, which freeaddrinfo then
 * frees. */
static void address_text(const struct sc_ctl_reply *r, int family, char text[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage ss;
    if (family == AF_INET6) {
        inet_ntop(AF_INET6, r->address6.ip, text, INET6_ADDRSTRLEN);
        return;
    }
    sc_address_to_sockaddr(&r->address, SC_FAMILY_INET, &ss);
    inet_ntop(AF_INET, &((struct sockaddr_in *)&ss)->sin_addr, text, INET6_ADDRSTRLEN);
}

static int add_canonical_name(struct addrinfo **res, const char *name)
{
    char *copy = strdup(name);
    if (!copy) {
        freeaddrinfo(*res);
        *res = NULL;
        return EAI_MEMORY;
    }
    free((*res)->ai_canonname);
    (*res)->ai_canonname = copy;
    return 0;
}

static int list_addresses(const char *node, const char *service, const struct addrinfo *hints,
                          const struct sc_ctl_reply *r, struct addrinfo **res)
{
    char text[INET6_ADDRSTRLEN];
    struct addrinfo h = {.ai_family = AF_INET};
    if (hints) {
        h.ai_socktype = hints->ai_socktype;
        h.ai_protocol = hints->ai_protocol;
        h.ai_flags = hints->ai_flags & (AI_PASSIVE | AI_NUMERICSERV);
        if (hints->ai_family == AF_INET6)
            h.ai_family = AF_INET6;
    }
    h.ai_flags |= AI_NUMERICHOST;
    address_text(r, h.ai_family, text);
    int err = sc_next.getaddrinfo(text, service, &h, res);
    if (err == 0 && hints && (hints->ai_flags & AI_CANONNAME))
        err = add_canonical_name(res, *r->name ? r->name : node);
    return err;
}

/* The port that libc knows a service string by; 0 without one. */
static int port_of(const char *service, int socktype, int flags, uint16_t *port)
{
    struct addrinfo h = {.ai_family = AF_INET,
                         .ai_socktype = socktype,
                         .ai_flags = AI_PASSIVE | (flags & AI_NUMERICSERV)};
    struct addrinfo *list;
    *port = 0;
    if (!service)
        return 0;
    int err = sc_next.getaddrinfo(NULL, service, &h, &list);
    if (err)
        return err;
    *port = ntohs(((struct sockaddr_in *)(void *)list->ai_addr)->sin_port);
    freeaddrinfo(list);
    return 0;
}

/* One block for the entry and its address, as libc makes them: either freeaddrinfo works. */
static int add_service(const struct sockaddr_scaffold *base, const char *service, int socktype,
                       int flags, struct addrinfo **res)
{
    struct block {
        struct addrinfo info;
        struct sockaddr_scaffold address;
    };
    uint16_t port;
    int protocol = socktype == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
    int err = port_of(service, socktype, flags, &port);
    struct block *b = err ? NULL : calloc(1, sizeof *b);
    if (!b)
        return err ? err : EAI_MEMORY;
    b->address = *base;
    if (port)
        sc_service_set_port(b->address.sc_service.bytes, port, (uint8_t)protocol);
    b->info = (struct addrinfo){.ai_family = AF_SCAFFOLD,
                                .ai_socktype = socktype,
                                .ai_protocol = protocol,
                                .ai_addrlen = sizeof b->address,
                                .ai_addr = (struct sockaddr *)&b->address,
                                .ai_next = *res};
    *res = &b->info;
    return 0;
}

/* Without a type one entry for each, streams first; a port that only one of them knows by name is
 * that one's. */
static int list_service(const char *node, const char *service, const struct addrinfo *hints,
                        struct addrinfo **res)
{
    struct sockaddr_scaffold s;
    int wanted = hints->ai_socktype;
    *res = NULL;
    if (wanted != 0 && wanted != SOCK_STREAM && wanted != SOCK_DGRAM)
        return EAI_SOCKTYPE;
    int unknown = sc_service_parse(node, &s);
    if (unknown)
        return unknown;
    int err =
        wanted == SOCK_STREAM ? 0 : add_service(&s, service, SOCK_DGRAM, hints->ai_flags, res);
    if (wanted != SOCK_DGRAM && err != EAI_MEMORY)
        err = add_service(&s, service, SOCK_STREAM, hints->ai_flags, res);
    if (err == EAI_MEMORY && *res)
        freeaddrinfo(*res);
    if (err && (err == EAI_MEMORY || !*res))
        return err;
    return hints->ai_flags & AI_CANONNAME ? add_canonical_name(res, node) : 0;
}

/* Whether the question is ours. */
static bool is_service_lookup(const char *node, const struct addrinfo *hints)
{
    if (hints && hints->ai_family == AF_SCAFFOLD)
        return true;
    bool numeric = hints && (hints->ai_flags & AI_NUMERICHOST);
    bool ip = !hints || hints->ai_family == AF_UNSPEC || hints->ai_family == AF_INET ||
              hints->ai_family == AF_INET6;
    return sc_is_scaffold_name(node) && !numeric && ip;
}

int sc_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                   struct addrinfo **res)
{
    struct sc_ctl_reply r;
    sc_real_bind();
    sc_explain_forget();
    if (!is_service_lookup(node, hints))
        return sc_next.getaddrinfo(node, service, hints, res);
    if (hints && hints->ai_family == AF_SCAFFOLD)
        return node ? list_service(node, service, hints, res) : EAI_NONAME;
    int err = sc_resolve(node, &r);
    return err ? err : list_addresses(node, service, hints, &r, res);
}

/* --- getaddrinfo_a ---------------------------------------------------------------------------- */

/* True for a request that libc must not have: it is answered by then. */
static bool answer_service(struct gaicb *r)
{
    if (!r || !is_service_lookup(r->ar_name, r->ar_request))
        return false;
    r->ar_result = NULL;
    r->__return = sc_getaddrinfo(r->ar_name, r->ar_service, r->ar_request, &r->ar_result);
    return true;
}

/* scaffoldd answers at once, so services' names are looked up here: their requests are done before
 * libc has a list without them, waits for the rest and notifies. gai_error, gai_suspend and
 * gai_cancel then say of a request of ours what they say of any that is done. */
int sc_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *notify)
{
    sc_real_bind();
    if (count <= 0 || (mode != GAI_WAIT && mode != GAI_NOWAIT))
        return sc_next.getaddrinfo_a(mode, list, count, notify);
    struct gaicb **rest = calloc((size_t)count, sizeof *rest);
    if (!rest)
        return EAI_MEMORY;
    for (int i = 0; i < count; i++)
        rest[i] = answer_service(list[i]) ? NULL : list[i];
    int result = sc_next.getaddrinfo_a(mode, rest, count, notify);
    free(rest);
    return result;
}

/* --- getnameinfo ------------------------------------------------------------------------------ */

int sc_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
                   char *service, socklen_t service_len, int flags)
{
    struct sc_address a;
    char name[SC_CTL_NAME];
    sc_real_bind();
    if (!host || host_len == 0 || (flags & NI_NUMERICHOST) ||
        sc_address_from_sockaddr(addr, len, &a) < 0 || !sc_policy_in_pool(&a))
        return sc_next.getnameinfo(addr, len, host, host_len, service, service_len, flags);
    bool known = sc_reverse(&a, name);
    if (!known && (flags & NI_NAMEREQD))
        return EAI_NONAME;
    int numeric = (flags & ~NI_NAMEREQD) | NI_NUMERICHOST;
    if (!known)
        return sc_next.getnameinfo(addr, len, host, host_len, service, service_len, numeric);
    if (strlen(name) >= host_len)
        return EAI_OVERFLOW;
    memcpy(host, name, strlen(name) + 1);
    if (!service || service_len == 0)
        return 0;
    return sc_next.getnameinfo(addr, len, NULL, 0, service, service_len, numeric);
}

/* --- gethostby... ----------------------------------------------------------------------------- */

/* Lays name, address and the two lists out in `buf`. Returns 0 or ERANGE. */
static int fill(struct hostent *h, const char *name, int family, const void *ip, char *buf,
                size_t size)
{
    size_t ip_len = family == AF_INET6 ? 16 : 4, name_len = strlen(name) + 1;
    size_t skip = (size_t)(-(uintptr_t)buf) % sizeof(char *);
    if (size < skip + 3 * sizeof(char *) + ip_len + name_len)
        return ERANGE;
    char **lists = (char **)(void *)(buf + skip);
    char *bytes = (char *)(lists + 3);
    memcpy(bytes, ip, ip_len);
    memcpy(bytes + ip_len, name, name_len);
    lists[0] = bytes;
    lists[1] = lists[2] = NULL;
    *h = (struct hostent){.h_name = bytes + ip_len,
                          .h_aliases = lists + 2,
                          .h_addrtype = family,
                          .h_length = (int)ip_len,
                          .h_addr_list = lists};
    return 0;
}

static int host_error(int eai)
{
    return eai == EAI_NONAME ? HOST_NOT_FOUND : eai == EAI_AGAIN ? TRY_AGAIN : NO_RECOVERY;
}

int sc_gethostbyname2_r(const char *name, int family, struct hostent *ret, char *buf, size_t size,
                        struct hostent **result, int *error)
{
    struct sc_ctl_reply r;
    sc_real_bind();
    if (!sc_is_scaffold_name(name) || (family != AF_INET && family != AF_INET6))
        return sc_next.gethostbyname2_r(name, family, ret, buf, size, result, error);
    *result = NULL;
    int err = sc_resolve(name, &r);
    if (err) {
        *error = host_error(err);
        return EAGAIN;
    }
    const uint8_t *ip = family == AF_INET6 ? r.address6.ip : r.address.ip + 12;
    err = fill(ret, *r.name ? r.name : name, family, ip, buf, size);
    if (err) {
        *error = NETDB_INTERNAL;
        return err;
    }
    *result = ret;
    return 0;
}

int sc_gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t size,
                       struct hostent **result, int *error)
{
    sc_real_bind();
    if (!sc_is_scaffold_name(name))
        return sc_next.gethostbyname_r(name, ret, buf, size, result, error);
    return sc_gethostbyname2_r(name, AF_INET, ret, buf, size, result, error);
}

int sc_gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *ret, char *buf,
                       size_t size, struct hostent **result, int *error)
{
    struct sc_address a;
    char name[SC_CTL_NAME];
    sc_real_bind();
    if (!sc_pool_address(addr, len, family, &a))
        return sc_next.gethostbyaddr_r(addr, len, family, ret, buf, size, result, error);
    *result = NULL;
    if (!sc_reverse(&a, name)) {
        *error = HOST_NOT_FOUND;
        return 0;
    }
    int err = fill(ret, name, family, addr, buf, size);
    if (err) {
        *error = NETDB_INTERNAL;
        return err;
    }
    *result = ret;
    return 0;
}

/* What the calls without _r return, overwritten by the next one, as libc's is. */
static struct hostent answer;
static char room[1024];

struct hostent *sc_gethostbyname2(const char *name, int family)
{
    struct hostent *result;
    int error = 0;
    sc_real_bind();
    if (!sc_is_scaffold_name(name))
        return sc_next.gethostbyname2(name, family);
    sc_gethostbyname2_r(name, family, &answer, room, sizeof room, &result, &error);
    h_errno = error;
    return result;
}

struct hostent *sc_gethostbyname(const char *name)
{
    sc_real_bind();
    return sc_is_scaffold_name(name) ? sc_gethostbyname2(name, AF_INET)
                                     : sc_next.gethostbyname(name);
}

struct hostent *sc_gethostbyaddr(const void *addr, socklen_t len, int family)
{
    struct sc_address a;
    struct hostent *result;
    int error = 0;
    sc_real_bind();
    if (!sc_pool_address(addr, len, family, &a))
        return sc_next.gethostbyaddr(addr, len, family);
    sc_gethostbyaddr_r(addr, len, family, &answer, room, sizeof room, &result, &error);
    h_errno = error;
    return result;
}
