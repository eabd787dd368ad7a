/* bind and listen: a name reserved, then a real AF_UNIX listener that scaffoldd connects to (D2).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "client/call/fresh.h"
#include "client/client.h"
#include "client/datagram/datagram.h"
#include "client/explain/explain.h"
#include "client/explain/log.h"
#include "client/explain/log_file.h"
#include "client/names/meanings.h"
#include "client/options/carry.h"
#include "client/process/adopt.h"
#include "client/process/control.h"
#include "client/process/fail.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "client/process/swap.h"
#include "scaffold/scaffold.h"

/* Queue of a listener; its program's own backlog is enforced by scaffoldd (D2). */
#define BACKLOG_MAX 4096

/* What a captured bind asks for. */
struct reservation {
    bool by_service_id;
    struct scaffold_service_id service;
    char name[256];
    struct sc_address address;
    bool wildcard;
    uint16_t program_port;
};

static bool read_service(const struct sockaddr *addr, socklen_t len, struct reservation *b)
{
    struct sockaddr_scaffold s;
    if (len < sizeof s)
        return false;
    memcpy(&s, addr, sizeof s);
    b->by_service_id = true;
    b->service = s.sc_service;
    b->address =
        sc_address_v4(INADDR_ANY, (uint16_t)(s.sc_service.bytes[28] << 8 | s.sc_service.bytes[29]));
    b->program_port = b->address.port;
    return true;
}

/* Pure: no system call for binds that are not captured. */
static bool read_reservation(const struct sockaddr *addr, socklen_t len, struct reservation *b)
{
    memset(b, 0, sizeof *b);
    if (!addr || len < sizeof addr->sa_family)
        return false;
    if (addr->sa_family == AF_SCAFFOLD)
        return read_service(addr, len, b);
    uint16_t port;
    if (sc_address_from_sockaddr(addr, len, &b->address) < 0 ||
        !sc_policy_binds(&b->address, IPPROTO_TCP, b->name, &port))
        return false;
    b->program_port = b->address.port;
    b->wildcard = sc_address_is_wildcard(&b->address);
    b->address.port = port;
    if (b->wildcard && !*b->name) /* all-local: what loopback clients reach */
        b->address = sc_address_v4(INADDR_LOOPBACK, port);
    return true;
}

static bool is_set(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value;
}

/* What scaffoldd bound goes in the place of the program's socket. */
static int put_in_place(void *arg, int bound)
{
    int fd = *(int *)arg;
    struct sc_options_told told;
    if (sc_options_admit(fd) < 0) {
        sc_real.close(bound);
        return sc_fail(EOPNOTSUPP);
    }
    sc_options_carry(fd, bound, &told);
    int err = sc_swap(fd, bound);
    return err < 0 ? sc_fail(-err) : 0;
}

static int reserve(int fd, const struct reservation *b, enum sc_family family)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_BIND);
    struct sc_ctl_reply r;
    memcpy(q.bind.service, b->name, sizeof q.bind.service);
    memcpy(q.bind.service_id, b->service.bytes, sizeof q.bind.service_id);
    q.bind.by_service_id = b->by_service_id;
    if (!b->by_service_id)
        sc_meanings_of(&b->address, q.bind.service_id);
    q.bind.address = b->address;
    q.bind.family = (uint8_t)family;
    q.bind.wildcard = b->wildcard;
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
static struct reservation read_v6only(int fd, const struct reservation *b, enum sc_family family)
{
    struct reservation r = *b;
    int only = 0;
    socklen_t len = sizeof only;
    if (b->wildcard && family == SC_FAMILY_INET6 && sc_address_is_loopback(&b->address) &&
        sc_real.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only)
        memcpy(r.address.ip, &in6addr_loopback, sizeof r.address.ip);
    return r;
}

static int bind_service(int fd, const struct reservation *asked, enum sc_family family)
{
    struct reservation b = read_v6only(fd, asked, family);
    if (reserve(fd, &b, family) < 0)
        return -1;
    sc_note_service_socket();
    return 0;
}

void sc_bind_again(int fd, const struct sc_name *own)
{
    struct reservation b = {.address = own->address,
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

/* A datagram socket, ours or to be: the question costs those binds one system call that UDP is
 * captured for. */
static bool is_datagram(int fd, const struct sockaddr *addr, socklen_t len)
{
    return sc_is_datagram(fd) || (sc_datagram_binds(addr, len) && sc_is_udp(fd));
}

static int bind_plain(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sc_address a;
    int r = sc_next.bind(fd, addr, len);
    if (r == 0 && sc_address_from_sockaddr(addr, len, &a) == 0 && a.port != 0)
        sc_mark_set(fd, SC_MARK_PORT_GIVEN);
    return r;
}

static int bind_unlogged(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct reservation b;
    struct sc_candidate c;
    if (!sc_memory_reads_address(addr, len))
        return sc_next.bind(fd, addr, len);
    if (is_datagram(fd, addr, len))
        return sc_datagram_bind(fd, addr, len);
    if (!read_reservation(addr, len, &b) || !sc_candidate_read(fd, &c) ||
        c.state != SC_STATE_PLAIN || c.local_port != 0 || !fits(c.family, addr->sa_family))
        return bind_plain(fd, addr, len); /* EINVAL for what is bound already */
    if (bind_service(fd, &b, c.family) < 0)
        return -1;
    if (b.program_port != 0)
        sc_mark_set(fd, SC_MARK_PORT_GIVEN);
    return 0;
}

int sc_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    sc_explain_forget();
    int r = bind_unlogged(fd, addr, len);
    if (sc_log_on())
        sc_log_bound(fd, addr, len, r);
    return r;
}

/* --- listen
 * ------------------------------------------------------------------------------------------ */

/* Read once: as large as the kernel allows, at most BACKLOG_MAX. */
static int queue_length(void)
{
    static int known;
    int length = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (length > 0)
        return length;
    char text[16] = "";
    int file = sc_kernel_open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? 0 : sc_real.read(file, text, sizeof text - 1);
    if (file >= 0)
        sc_real.close(file);
    for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9' && length < BACKLOG_MAX; i++)
        length = length * 10 + (text[i] - '0');
    if (length <= 0 || length > BACKLOG_MAX)
        length = BACKLOG_MAX;
    __atomic_store_n(&known, length, __ATOMIC_RELAXED);
    return length;
}

/* Linux's reading of the argument: unsigned, at most somaxconn. */
static uint32_t backlog_of(int backlog)
{
    int most = queue_length();
    return (uint32_t)(backlog < 0 || backlog > most ? most : backlog);
}

static int announce(int fd, int backlog)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_LISTEN);
    struct sc_ctl_reply r;
    struct sc_ctl_flow name;
    struct sc_name bound;
    sc_flow_name(fd, &name);
    memcpy(q.listen.own, name.own, sizeof q.listen.own);
    q.listen.backlog = backlog_of(backlog);
    if (sc_name_read_key(name.own, &bound))
        sc_meanings_of(&bound.address, q.listen.meaning);
    return sc_control_call_with(&q, fd, &r);
}

/* A captured socket that listens without bind gets a port, as in TCP. */
static int bind_any(int fd)
{
    struct sc_candidate c;
    if (!sc_candidate_read(fd, &c) || c.state != SC_STATE_PLAIN || c.local_port != 0)
        return 0;
    struct sc_address any = {0};
    if (c.family != SC_FAMILY_INET6)
        any = sc_address_v4(INADDR_ANY, 0);
    struct sockaddr_storage ss;
    socklen_t len = sc_address_to_sockaddr(&any, c.family, &ss);
    struct reservation b;
    if (!read_reservation((struct sockaddr *)&ss, len, &b))
        return 0;
    return bind_service(fd, &b, c.family);
}

/* A socket for services that has none: it must not come to serve plain IP. */
static bool is_nobodys(int fd)
{
    struct sc_candidate c;
    return sc_any_service_socket() && sc_candidate_read(fd, &c) && c.state == SC_STATE_PLAIN &&
           c.family == SC_FAMILY_SCAFFOLD && c.local_port == 0;
}

static int listen_unlogged(int fd, int backlog)
{
    struct sc_name own;
    const struct sc_policy *p = sc_policy();
    sc_meet_passed(fd);
    if (sc_is_datagram(fd))
        return sc_fail(EOPNOTSUPP);
    if ((p->capture_count > 0 || p->all_local) && bind_any(fd) < 0)
        return -1;
    if (is_nobodys(fd)) {
        sc_explain(EDESTADDRREQ, "the socket is bound to no service; bind it first");
        return sc_fail(EDESTADDRREQ);
    }
    if (!sc_is_service_socket(fd, &own) || own.kind != SC_NAME_BOUND)
        return sc_next.listen(fd, backlog);
    if (sc_next.listen(fd, queue_length()) < 0 || announce(fd, backlog) < 0)
        return -1;
    sc_mark_set(fd, SC_MARK_LISTENING);
    return 0;
}

int sc_listen(int fd, int backlog)
{
    sc_explain_forget();
    int r = listen_unlogged(fd, backlog);
    if (sc_log_on())
        sc_log_listening(fd, r);
    return r;
}
