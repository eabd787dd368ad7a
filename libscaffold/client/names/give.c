#include "client/names/give.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/service_id.h"
#include "client/process/control.h"
#include "scaffold/scaffold.h"

static void give(const void *from, socklen_t size, struct sockaddr *addr, socklen_t *len)
{
    memcpy(addr, from, *len < size ? *len : size);
    *len = size;
}

/* The service, or host, behind an address; all zeros when scaffoldd does not know. */
static struct sockaddr_scaffold as_service(const struct sc_address *a)
{
    struct sockaddr_scaffold s = {.sc_family = AF_SCAFFOLD};
    struct sc_ctl_request q = sc_control_request(SC_CTL_REVERSE);
    struct sc_ctl_reply r;
    q.reverse.address = *a;
    int kept = errno;
    if (sc_control_call(&q, &r, true) == 0) {
        memcpy(s.sc_service.bytes, r.service, sizeof r.service);
        sc_service_set_port(s.sc_service.bytes, a->port, IPPROTO_TCP);
    }
    errno = kept;
    return s;
}

void sc_give_address(const struct sc_address *a, enum sc_family family, struct sockaddr *addr,
                     socklen_t *len)
{
    if (family == SC_FAMILY_SCAFFOLD) {
        struct sockaddr_scaffold s = as_service(a);
        give(&s, sizeof s, addr, len);
        return;
    }
    struct sockaddr_storage ss;
    socklen_t size = sc_address_to_sockaddr(a, family, &ss);
    give(&ss, size, addr, len);
}
