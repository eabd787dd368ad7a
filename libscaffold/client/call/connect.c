#include "client/call/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#include "client/call/bind.h"
#include "client/names/meanings.h"
#include "client/names/target.h"
#include "client/options/carry.h"
#include "client/process/control.h"
#include "client/process/cookies.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/flow.h"
#include "client/process/fork_gate.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/policy.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"
#include "client/socket/fresh.h"
#include "client/socket/swap.h"
#include "scaffold/scaffold.h"

/* An address of this host's own: plain IP, unless a service is reached there. */
static bool is_here(const struct sc_target *t)
{
    return !sc_target_is_service(t) && sc_policy_is_here(&t->address);
}

static bool fits(enum sc_family socket, sa_family_t target)
{
    switch (socket) {
    case SC_FAMILY_INET6:
        return target == AF_INET6 || target == AF_SCAFFOLD;
    case SC_FAMILY_INET:
        return target == AF_INET || target == AF_SCAFFOLD;
    default: /* scaffold_socket's: every address that names a service */
        return true;
    }
}

/* --- opening ---------------------------------------------------------------------------------- */

struct opening {
    int fd;
    const struct sc_target *target;
    const struct sc_candidate *candidate;
    int control;
    struct sc_options_told told;
    bool nonblocking;
    struct sc_ctl_reply reply;
    uint64_t plain; /* cookies of the socket that had the number, and of the one that has it */
    uint64_t own;
    int stray; /* the number is somebody else's: the flow's socket, until connect returns; or -1 */
};

/* Another thread may close a number while connect waits, and a file may get it. As with TCP the
 * connect goes on, and what it opens is closed with its end. */
static bool is_still(int fd, uint64_t cookie)
{
    return sc_cookie(fd) == cookie;
}

/* Puts the new socket in the place of the program's; otherwise that is as it was. */
static int put_in_place(void *arg, int own)
{
    struct opening *o = arg;
    if (!is_still(o->fd, o->plain)) {
        o->stray = own;
        return 0;
    }
    if (sc_options_admit(o->fd) < 0) {
        sc_real.close(own);
        return sc_fail(EOPNOTSUPP);
    }
    if (o->reply.connected == SC_CTL_CONNECTING)
        o->own = sc_cookie(own);
    sc_options_carry(o->fd, own);
    int err = sc_swap(o->fd, own);
    return err < 0 ? sc_fail(-err) : 0;
}

static bool is_patient(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &len) == 0 && value;
}

static void say_options(struct opening *o, struct sc_ctl_request *q)
{
    sc_options_tell(o->fd, &o->told);
    q->prepare.waits = !o->nonblocking;
    q->prepare.direct = !o->told.abort_on_close && !sc_options_obstacle(o->fd);
    q->prepare.abort_on_close = o->told.abort_on_close;
    q->prepare.congestion = (uint8_t)o->told.congestion;
    q->prepare.user_timeout_ms = o->told.user_timeout_ms;
}

static int prepare(struct opening *o, bool *interrupted)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_PREPARE);
    q.prepare.by_service = sc_target_is_service(o->target);
    q.prepare.here = is_here(o->target);
    q.prepare.family = (uint8_t)o->candidate->family;
    q.prepare.local_port = o->candidate->local_port;
    q.prepare.reuseaddr = is_patient(o->fd);
    if (o->candidate->state == SC_STATE_BOUND)
        q.prepare.local = o->candidate->id.own.address;
    say_options(o, &q);
    if (!q.prepare.here && sc_options_admit(o->fd) < 0)
        return -1; /* at an address of this host it may be one of plain IP, which has them */
    if (q.prepare.by_service) {
        memcpy(q.prepare.service, o->target->service.bytes, sizeof q.prepare.service);
    } else {
        q.prepare.address = sc_target_reached(o->target);
        sc_meanings_of(&q.prepare.address, q.prepare.service);
    }
    if (o->nonblocking)
        return sc_control_ask_for(o->control, &q, &o->reply, put_in_place, o);
    return sc_control_ask_to_wait(o->control, &q, &o->reply, put_in_place, o, o->told.send_timeout,
                                  interrupted);
}

/* The kernel's error stands for the one that connect returns itself. */
static void consume_error(int fd)
{
    int error, kept = errno;
    socklen_t len = sizeof error;
    sc_real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    errno = kept;
}

static int make_plain(int fd, const struct sc_candidate *c, bool keep_bind);

/* The program was told all of it: its socket is as unconnected as before. */
static void forget_attempt(const struct opening *o)
{
    int kept = errno;
    consume_error(o->fd);
    if (o->candidate->state == SC_STATE_BOUND)
        sc_bind_again(o->fd, &o->candidate->id.own);
    else if (o->candidate->local_port == 0)
        make_plain(o->fd, o->candidate, false);
    errno = kept;
}

/* The opening goes on without being waited for. */
static int leave_it(const struct opening *o, int error)
{
    if (o->stray < 0)
        sc_mark_set(o->fd, SC_MARKS_OF_ATTEMPT);
    return sc_fail(error);
}

/* In recv on the control connection: restarted after signals, a cancellation point, and the answer
 * is the real errno. */
static int wait_for_outcome(struct opening *o)
{
    if (sc_control_wait(o->control, &o->reply, SC_CTL_PREPARE, o->told.send_timeout) == 0)
        return 0;
    if (errno == EINTR || errno == EINPROGRESS)
        return leave_it(o, errno);
    if (o->stray < 0 && is_still(o->fd, o->own))
        forget_attempt(o);
    return -1;
}

/* It is open, of which TCP's connect does not tell a program that does not wait. */
static int tell_open(const struct opening *o)
{
    if (o->stray >= 0)
        return 0;
    if (o->reply.connected == SC_CTL_CONNECTED_LOCALLY)
        sc_mark_set(o->fd, SC_MARK_LOCAL);
    if (!o->nonblocking)
        return 0;
    sc_mark_set(o->fd, SC_MARK_UNTOLD);
    return sc_fail(EINPROGRESS);
}

static int open_ends(struct opening *o)
{
    bool interrupted = false;
    if (prepare(o, &interrupted) < 0)
        return -1;
    sc_note_service_socket();
    if (o->reply.connected)
        return tell_open(o);
    if (o->nonblocking)
        return leave_it(o, EINPROGRESS);
    return interrupted ? leave_it(o, EINTR) : wait_for_outcome(o);
}

static int open_flow(int fd, const struct sc_target *t, const struct sc_candidate *c)
{
    struct opening o = {.fd = fd,
                        .target = t,
                        .candidate = c,
                        .nonblocking = sc_is_nonblocking(fd),
                        .plain = sc_cookie(fd),
                        .stray = -1};
    if (!o.nonblocking)
        pthread_testcancel(); /* an outcome that comes soon is not waited for where it could act */
    sc_mark_clear(fd, SC_MARKS_OF_ATTEMPT | SC_MARKS_OF_LOCAL);
    o.control = sc_control_open(false);
    if (o.control < 0)
        return -1;
    int result = open_ends(&o);
    sc_control_close(o.control);
    if (o.stray >= 0)
        sc_control_close(o.stray);
    return result;
}

/* --- sockets that are ours already ------------------------------------------------------------ */

/* The outcome of an opening that went on in the background is told once, as by Linux: success as 0,
 * failure as its errno, or ECONNABORTED when SO_ERROR has told it before. */
static int tell_outcome(int fd, const struct sc_candidate *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    bool untold = sc_mark_is_set(fd, SC_MARK_UNTOLD);
    sc_mark_clear(fd, SC_MARKS_OF_ATTEMPT);
    if (c->state == SC_STATE_OPEN && !untold)
        return sc_fail(EISCONN);
    sc_real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (c->state == SC_STATE_OPEN && error == 0)
        return sc_is_hung_up(fd) ? sc_fail(ECONNABORTED) : 0; /* reset, and SO_ERROR has told */
    if (error)
        return sc_fail(sc_flow_error(fd, error));
    return untold ? sc_fail(ECONNABORTED) : 0;
}

/* Tells the failure of an opening; the socket is then as unconnected as before. */
static int tell_failure(int fd, const struct sc_candidate *c)
{
    int result = tell_outcome(fd, c), kept = errno;
    if (result < 0)
        make_plain(fd, c, false);
    errno = kept;
    return result;
}

static int connect_service(int fd, const struct sc_target *t, const struct sc_candidate *c)
{
    if (!fits(c->family, t->family))
        return sc_fail(EAFNOSUPPORT);
    switch (c->state) {
    case SC_STATE_LISTENING:
        return sc_fail(EISCONN);
    case SC_STATE_CONNECTING:
        return sc_fail(EALREADY);
    case SC_STATE_OPEN: /* perhaps reset before its outcome was told */
        if (!sc_mark_is_set(fd, SC_MARK_UNTOLD))
            return sc_fail(EISCONN);
        return tell_failure(fd, c);
    case SC_STATE_FAILED:
        if (tell_failure(fd, c) < 0)
            return -1;
        break; /* told before: a new attempt */
    default:
        break;
    }
    return open_flow(fd, t, c);
}

/* --- back to plain IP ------------------------------------------------------------------------- */

static int bind_plain(int fresh, const struct sc_address *a, enum sc_family family)
{
    struct sockaddr_storage ss;
    socklen_t len = sc_address_to_sockaddr(a, family, &ss);
    return sc_real.bind(fresh, (const struct sockaddr *)&ss, len);
}

/* The address that the program had bound, if it means anything to plain IP. A port of scaffoldd's
 * choice that plain IP has given to somebody else is one of the kernel's choice then, unless the
 * program knows it. */
static int replay_bind(int fd, int fresh, const struct sc_candidate *c)
{
    if (c->state != SC_STATE_BOUND)
        return 0;
    struct sc_address a = c->id.own.address;
    a.port = sc_policy_program_port(a.port);
    if (c->id.own.wildcard || !sc_address_is_loopback(&a)) {
        if (c->family == SC_FAMILY_INET6)
            memset(a.ip, 0, sizeof a.ip);
        else
            a = sc_address_v4(INADDR_ANY, a.port);
    }
    int result = bind_plain(fresh, &a, c->family);
    if (result == 0 || errno != EADDRINUSE || sc_mark_is_set(fd, SC_MARK_PORT_GIVEN))
        return result;
    a.port = 0;
    return bind_plain(fresh, &a, c->family);
}

static int put_plain(int fd, const struct sc_candidate *c, bool keep_bind)
{
    int fresh = sc_fresh_plain(fd, c->family);
    if (fresh < 0)
        return -1;
    if (keep_bind && replay_bind(fd, fresh, c) < 0) {
        int kept = errno;
        sc_real.close(fresh);
        return sc_fail(kept);
    }
    int err = sc_swap(fd, fresh);
    return err < 0 ? sc_fail(-err) : 0;
}

/* A child that had the fresh socket would keep its port. */
static int make_plain(int fd, const struct sc_candidate *c, bool keep_bind)
{
    struct sc_fork_gate gate;
    sc_fork_gate_enter(&gate);
    int result = put_plain(fd, c, keep_bind);
    sc_fork_gate_leave(&gate);
    return result;
}

/* A socket of ours goes somewhere else: what bind reserved is given up. */
static int connect_plain(int fd, const struct sc_target *to)
{
    struct sc_candidate c;
    if (!sc_candidate_read(fd, &c) || c.state == SC_STATE_PLAIN)
        return sc_fail(EINVAL);
    if (c.state == SC_STATE_LISTENING || c.state == SC_STATE_OPEN)
        return sc_fail(EISCONN);
    if (c.state == SC_STATE_CONNECTING)
        return sc_fail(EALREADY);
    if (make_plain(fd, &c, true) < 0)
        return -1;
    return sc_next.connect(fd, to->addr, to->len);
}

/* connect(AF_UNSPEC): the flow, or the reservation, is over; the socket starts anew. */
static int disconnect(int fd, const struct sc_target *to)
{
    struct sc_candidate c;
    if (sc_is_plain(fd) || !sc_candidate_read(fd, &c) || c.state == SC_STATE_PLAIN)
        return sc_next.connect(fd, to->addr, to->len);
    sc_mark_clear(fd, SC_MARKS_OF_ATTEMPT);
    if (sc_identity_is_local(&c.id) && !sc_is_hung_up(fd)) {
        sc_explain(EOPNOTSUPP, "a flow of the local plane cannot be reset, which this would do");
        return sc_fail(EOPNOTSUPP);
    }
    sc_mark_clear(fd, SC_MARKS_OF_LOCAL);
    if (c.state == SC_STATE_OPEN)
        sc_flow_set(fd, SC_OPT_ABORT_ON_CLOSE, 1);
    return make_plain(fd, &c, false);
}

/* Towards what is ours. */
static int connect_ours(int fd, const struct sc_target *to)
{
    struct sc_candidate c;
    bool family_fits =
        sc_candidate_read(fd, &c) && (c.state != SC_STATE_PLAIN || fits(c.family, to->family));
    return family_fits ? connect_service(fd, to, &c) : sc_next.connect(fd, to->addr, to->len);
}

int sc_connect_stream(int fd, const struct sc_target *to)
{
    struct sc_socket_name own;
    if (to->error == 0 && sc_target_is_ours(to)) {
        int r = connect_ours(fd, to);
        if (r == 0 || errno != ENOENT || !is_here(to))
            return r;
    }
    if (to->is_given && to->family == AF_UNSPEC)
        return disconnect(fd, to);
    int r = sc_next.connect(fd, to->addr, to->len);
    if (r < 0 && errno == EINVAL && (to->family == AF_INET || to->family == AF_INET6) &&
        sc_is_service_socket(fd, &own))
        return connect_plain(fd, to);
    return r;
}
