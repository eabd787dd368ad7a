#include "client/datagram/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/service_id.h"
#include "client/names/give.h"
#include "client/names/target.h"
#include "client/process/control.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/memory.h"
#include "client/process/policy.h"
#include "scaffold/scaffold.h"

/* Services that a program names, or is named, by id in turn: a resolver's handful. */
#define KNOWN 64
#define ID_WORDS 4

/* --- services by id --------------------------------------------------------------------------- */

/* An id and the address that stands for it. Written under an odd version. */
struct known {
    uint64_t version;
    uint64_t id[ID_WORDS];
    uint64_t ip[2];
};

static struct known known[KNOWN];

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

static bool read_known(const struct known *k, uint64_t id[ID_WORDS], struct sc_address *a)
{
    uint64_t ip[2], version = LOAD(k->version);
    for (int i = 0; i < ID_WORDS; i++)
        id[i] = LOAD(k->id[i]);
    ip[0] = LOAD(k->ip[0]);
    ip[1] = LOAD(k->ip[1]);
    memcpy(a->ip, ip, sizeof a->ip);
    return version != 0 && version % 2 == 0 && LOAD(k->version) == version;
}

static bool find_by_id(const uint64_t id[ID_WORDS], struct sc_address *a)
{
    uint64_t other[ID_WORDS];
    for (int i = 0; i < KNOWN; i++)
        if (read_known(&known[i], other, a) && memcmp(other, id, sizeof other) == 0)
            return true;
    return false;
}

static bool find_by_address(const struct sc_address *wanted, uint64_t id[ID_WORDS])
{
    struct sc_address a;
    for (int i = 0; i < KNOWN; i++)
        if (read_known(&known[i], id, &a) && memcmp(a.ip, wanted->ip, sizeof a.ip) == 0)
            return true;
    return false;
}

static void remember(const uint64_t id[ID_WORDS], const struct sc_address *a)
{
    static unsigned next;
    struct known *k = &known[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % KNOWN];
    uint64_t ip[2];
    memcpy(ip, a->ip, sizeof ip);
    uint64_t version = LOAD(k->version) | 1;
    STORE(k->version, version);
    for (int i = 0; i < ID_WORDS; i++)
        STORE(k->id[i], id[i]);
    STORE(k->ip[0], ip[0]);
    STORE(k->ip[1], ip[1]);
    STORE(k->version, version + 1);
}

/* The id without its port and protocol, which address a socket of it. */
static void base_of(const uint8_t service[32], uint64_t id[ID_WORDS])
{
    uint8_t bytes[32];
    memcpy(bytes, service, sizeof bytes);
    sc_service_set_port(bytes, 0, 0);
    memcpy(id, bytes, sizeof bytes);
}

static int find_service(const struct scaffold_service_id *s, struct sc_address *out)
{
    const uint8_t *bytes = s->bytes;
    uint64_t id[ID_WORDS];
    uint16_t port = sc_service_port(bytes);
    base_of(bytes, id);
    if (!find_by_id(id, out)) {
        struct sc_ctl_request q = sc_control_request(SC_CTL_REVERSE);
        struct sc_ctl_reply r;
        q.reverse.by_service = 1;
        memcpy(q.reverse.service, bytes, sizeof q.reverse.service);
        if (sc_control_call(&q, &r, false) < 0) {
            if (errno == ENOENT)
                sc_explain_both(errno = ENETUNREACH, ENOENT);
            return -1;
        }
        *out = r.address;
        remember(id, out);
    }
    out->port = port;
    return 0;
}

/* All zeros when scaffoldd does not know whose address it is. */
static struct sockaddr_scaffold as_service(const struct sc_address *a)
{
    struct sockaddr_scaffold s = {.sc_family = AF_SCAFFOLD};
    uint64_t id[ID_WORDS];
    if (!find_by_address(a, id)) {
        struct sc_ctl_request q = sc_control_request(SC_CTL_REVERSE);
        struct sc_ctl_reply r;
        q.reverse.address = *a;
        int kept = errno;
        bool found = sc_control_call(&q, &r, true) == 0;
        errno = kept;
        if (!found)
            return s;
        base_of(r.service, id);
        remember(id, a);
    }
    uint8_t *bytes = s.sc_service.bytes;
    memcpy(bytes, id, sizeof s.sc_service.bytes);
    sc_service_set_port(bytes, a->port, IPPROTO_UDP);
    return s;
}

/* --- both directions -------------------------------------------------------------------------- */

/* An AF_INET6 socket takes both; an AF_INET one takes AF_UNSPEC for its own, as Linux does. */
static int check_ip(enum sc_family family, const struct sc_target *to)
{
    if (to->family == AF_UNSPEC && family != SC_FAMILY_INET6 &&
        to->len >= sizeof(struct sockaddr_in))
        return 0;
    if (to->family == AF_INET6 && family == SC_FAMILY_INET)
        return to->len < sizeof(struct sockaddr_in) ? -EINVAL : -EAFNOSUPPORT;
    return to->error;
}

int sc_datagram_read_peer(enum sc_family family, const struct sc_target *to, struct sc_address *out)
{
    if (!to->is_given)
        return sc_fail(EINVAL);
    if (sc_target_is_service(to))
        return to->error ? sc_fail(-to->error) : find_service(&to->service, out);
    int err = check_ip(family, to);
    if (err < 0)
        return sc_fail(-err);
    if (!sc_policy_connects(&to->address) && !sc_policy_is_here(&to->address)) {
        sc_explain(ENETUNREACH, "this socket speaks to services; datagrams to plain IP "
                                "need a socket of their own");
        return sc_fail(ENETUNREACH);
    }
    *out = sc_target_reached(to);
    return 0;
}

int sc_datagram_read_address(enum sc_family family, const struct sc_target *to,
                             struct sc_address *out)
{
    int r = sc_datagram_read_peer(family, to, out);
    return r == 0 && out->port == 0 ? sc_fail(EINVAL) : r;
}

int sc_datagram_give_address(const struct sc_address *a, enum sc_family family,
                             struct sockaddr *addr, socklen_t *len)
{
    size_t most = family == SC_FAMILY_SCAFFOLD ? sizeof(struct sockaddr_scaffold)
                  : family == SC_FAMILY_INET6  ? sizeof(struct sockaddr_in6)
                                               : sizeof(struct sockaddr_in);
    if (!sc_memory_writes(addr, *len < most ? *len : most))
        return sc_fail(EFAULT);
    if (family != SC_FAMILY_SCAFFOLD) {
        sc_give_address(a, family, addr, len);
        return 0;
    }
    struct sockaddr_scaffold s = as_service(a);
    memcpy(addr, &s, *len < sizeof s ? *len : sizeof s);
    *len = sizeof s;
    return 0;
}
