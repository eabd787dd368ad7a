#include "client/names/reservation.h"

#include <netinet/in.h>
#include <string.h>

#include "base/service_id.h"
#include "client/names/meanings.h"
#include "client/names/target.h"
#include "client/process/control.h"
#include "client/process/policy.h"

static bool read_service(const struct sc_target *t, struct sc_reservation *b)
{
    uint16_t port = sc_service_port(t->service.bytes);
    b->by_service_id = true;
    b->service = t->service;
    b->address = sc_address_v4(INADDR_ANY, port);
    b->program_port = port;
    return true;
}

bool sc_reservation_read(const struct sc_target *t, int protocol, struct sc_reservation *b)
{
    uint16_t port;
    *b = (struct sc_reservation){0};
    if (t->error)
        return false;
    if (sc_target_is_service(t))
        return read_service(t, b);
    if (!sc_policy_binds(&t->address, protocol, b->name, &port))
        return false;
    b->address = t->address;
    b->address.port = port;
    b->program_port = t->address.port;
    b->wildcard = sc_address_is_wildcard(&t->address);
    if (b->wildcard && !*b->name) /* all-local: what loopback reaches */
        b->address = sc_address_v4(INADDR_LOOPBACK, port);
    return true;
}

struct sc_ctl_request sc_reservation_request(const struct sc_reservation *b, enum sc_family family)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_BIND);
    memcpy(q.bind.service, b->name, sizeof q.bind.service);
    memcpy(q.bind.service_id, b->service.bytes, sizeof q.bind.service_id);
    q.bind.by_service_id = b->by_service_id;
    if (!b->by_service_id)
        sc_meanings_of(&b->address, q.bind.service_id);
    q.bind.address = b->address;
    q.bind.wildcard = b->wildcard;
    q.bind.family = (uint8_t)family;
    return q;
}
