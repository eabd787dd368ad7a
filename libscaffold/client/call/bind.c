#include "client/call/bind.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "client/names/reservation.h"
#include "client/names/target.h"
#include "client/options/carry.h"
#include "client/process/control.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/policy.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"
#include "client/socket/fresh.h"
#include "client/socket/swap.h"
#include "scaffold/scaffold.h"

static bool is_set(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value;
}

/* What scaffoldd bound goes in the place of the program's socket. */
static int put_in_place(void *arg, int bound)
{
    const int *fd = arg;
    if (sc_options_admit(*fd) < 0) {
        sc_real.close(bound);
        return sc_fail(EOPNOTSUPP);
    }
    sc_options_carry(*fd, bound);
    int err = sc_swap(*fd, bound);
    return err < 0 ? sc_fail(-err) : 0;
}

static int reserve(int fd, const struct sc_reservation *b, enum sc_family family)
{
    struct sc_ctl_request q = sc_reservation_request(b, family);
    struct sc_ctl_reply r;
    q.bind.reuseport = is_set(fd, SO_REUSEPORT);
    q.bind.reuseaddr = is_set(fd, SO_REUSEADDR);
    int control = sc_control_open(false);
    if (control < 0)
        return -1;
    int result = sc_control_ask_for(control, &q, &r, put_in_place, &fd);
    sc_control_close(control);
    return result;
}

/* A wildcard under --all-local that IPv4 does not reach: shown to scaffoldd by the address. */
static struct sc_reservation read_v6only(int fd, const struct sc_reservation *b,
                                         enum sc_family family)
{
    struct sc_reservation r = *b;
    int only = 0;
    socklen_t len = sizeof only;
    if (b->wildcard && family == SC_FAMILY_INET6 && sc_address_is_loopback(&b->address) &&
        sc_real.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only)
        memcpy(r.address.ip, &in6addr_loopback, sizeof r.address.ip);
    return r;
}

static int bind_service(int fd, const struct sc_reservation *asked, enum sc_family family)
{
    struct sc_reservation b = read_v6only(fd, asked, family);
    struct sc_options_told told;
    sc_options_tell(fd, &told);
    if (reserve(fd, &b, family) < 0)
        return -1;
    sc_note_service_socket();
    if (told.abort_on_close) /* what it will accept inherits it */
        sc_flow_set(fd, SC_OPT_ABORT_ON_CLOSE, 1);
    return 0;
}

void sc_bind_again(int fd, const struct sc_socket_name *own)
{
    struct sc_reservation b = {.address = own->address,
                               .wildcard = own->wildcard,
                               .program_port = sc_policy_program_port(own->address.port)};
    bind_service(fd, &b, own->family);
}

static bool fits(enum sc_family socket, sa_family_t address)
{
    if (socket == SC_FAMILY_SCAFFOLD)
        return true;
    return address == AF_SCAFFOLD || (socket == SC_FAMILY_INET6) == (address == AF_INET6);
}

static int bind_plain(int fd, const struct sc_target *to)
{
    int r = sc_next.bind(fd, to->addr, to->len);
    if (r == 0 && to->error == 0 && to->address.port != 0)
        sc_mark_set(fd, SC_MARK_PORT_GIVEN);
    return r;
}

int sc_bind_stream(int fd, const struct sc_target *to)
{
    struct sc_reservation b;
    struct sc_candidate c;
    if (!sc_reservation_read(to, IPPROTO_TCP, &b) || !sc_candidate_read(fd, &c) ||
        c.state != SC_STATE_PLAIN || c.local_port != 0 || !fits(c.family, to->family))
        return bind_plain(fd, to); /* EINVAL for what is bound already */
    if (bind_service(fd, &b, c.family) < 0)
        return -1;
    if (b.program_port != 0)
        sc_mark_set(fd, SC_MARK_PORT_GIVEN);
    return 0;
}

int sc_bind_any(int fd)
{
    struct sc_candidate c;
    if (!sc_candidate_read(fd, &c) || c.state != SC_STATE_PLAIN || c.local_port != 0)
        return 0;
    struct sc_address any = {0};
    if (c.family != SC_FAMILY_INET6)
        any = sc_address_v4(INADDR_ANY, 0);
    struct sockaddr_storage ss;
    socklen_t len = sc_address_to_sockaddr(&any, c.family, &ss);
    struct sc_target to = sc_target_of((struct sockaddr *)&ss, len);
    struct sc_reservation b;
    if (!sc_reservation_read(&to, IPPROTO_TCP, &b))
        return 0;
    return bind_service(fd, &b, c.family);
}
