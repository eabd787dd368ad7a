#include "client/explain/log.h"

#include <errno.h>
#include <netinet/in.h>

#include "client/explain/log_describe.h"
#include "client/explain/log_note.h"
#include "client/explain/log_reason.h"
#include "client/explain/log_socket.h"
#include "client/explain/why.h"
#include "client/names/target.h"
#include "client/process/cookies.h"
#include "client/process/descriptors.h"
#include "client/process/log_file.h"
#include "client/process/owner.h"
#include "client/process/policy.h"

/* --- a socket is put to use --------------------------------------------------------------------*/

/* What a program's address is; zeros for an AF_SCAFFOLD one, which the socket knows better. */
static struct sc_address address_of(const struct sc_target *t)
{
    return t->error || sc_target_is_service(t) ? sc_address_v4(INADDR_ANY, 0) : t->address;
}

static struct sc_log_note *note_of(struct sc_log_socket *s)
{
    s->note = sc_log_take_note(s->cookie);
    return s->note;
}

/* Errors that say nothing new about the socket. */
static bool is_repetition(int error)
{
    return error == EISCONN || error == EALREADY || error == EINVAL || error == EBADF ||
           error == ENOTSOCK || error == EFAULT || error == EAFNOSUPPORT;
}

void sc_log_made(int fd)
{
    struct sc_log_socket s;
    int kept = errno;
    if (sc_log_look(fd, &s))
        note_of(&s);
    errno = kept;
}

/* `call` went towards `to`, with this outcome. */
static void log_towards(int fd, const struct sc_target *to, int error, const char *call)
{
    struct sc_log_socket s;
    int kept = errno;
    struct sc_address target = address_of(to);
    bool named = sc_target_is_service(to);
    if (to->family != AF_UNSPEC && !is_repetition(error) && sc_log_look(fd, &s)) {
        struct sc_log_note *n = note_of(&s);
        n->target = s.has_peer && named ? s.peer : target;
        n->is_peer = true;
        n->error = error;
        n->failed_call = call;
        n->attempted = error && !s.service &&
                       (named || sc_policy_connects(&target) ||
                        (error == EOPNOTSUPP && sc_policy_is_here(&target)));
        n->why = named ? SC_WHY_SERVICE_NAMED : sc_log_why_towards(&s, &n->target);
        sc_log_describe(&s, "open");
    }
    errno = kept;
}

void sc_log_connected(int fd, const struct sc_target *to, int result)
{
    log_towards(fd, to, result < 0 && errno != EINPROGRESS ? errno : 0, "connect");
}

void sc_log_unsent(int fd, const struct sc_target *to)
{
    const struct sc_log_note *n = sc_log_find_note(sc_cookie(fd));
    if (!n || n->error != errno)
        log_towards(fd, to, errno, "sendto");
}

void sc_log_bound(int fd, const struct sc_target *to, int result)
{
    struct sc_log_socket s;
    int kept = errno, error = result < 0 ? errno : 0;
    char name[256];
    uint16_t port;
    if (!is_repetition(error) && sc_log_look(fd, &s)) {
        struct sc_log_note *n = note_of(&s);
        n->target = address_of(to);
        n->is_peer = false;
        n->error = error;
        n->failed_call = "bind";
        n->serves = s.service || n->target.port != 0;
        n->attempted =
            error && !s.service &&
            (sc_target_is_service(to) || sc_policy_binds(&n->target, s.protocol, name, &port));
        n->why = sc_target_is_service(to) ? SC_WHY_SERVICE_NAMED : sc_log_why_bound(&s, &n->target);
        if (n->why != SC_WHY_CAPTURED && s.has_local)
            n->target = s.local;
        if (n->target.port == 0)
            n->target.port = s.local.port;
        sc_log_describe(&s, "open");
    }
    errno = kept;
}

void sc_log_listening(int fd, int result)
{
    struct sc_log_socket s;
    int kept = errno;
    if (!is_repetition(result < 0 ? errno : 0) && sc_log_look(fd, &s)) {
        if (result < 0) {
            note_of(&s)->error = errno;
            s.note->failed_call = "listen";
        }
        sc_log_describe(&s, "open");
    }
    errno = kept;
}

void sc_log_accepted(int fd)
{
    struct sc_log_socket s;
    int kept = errno;
    if (sc_log_look(fd, &s)) {
        struct sc_log_note *n = note_of(&s);
        n->target = s.peer;
        n->is_peer = true;
        n->why = s.service ? SC_WHY_ACCEPTED : SC_WHY_ACCEPTED_IP;
        sc_log_describe(&s, "open");
    }
    errno = kept;
}

void sc_log_sent(int fd, const struct sc_target *to)
{
    struct sc_log_socket s;
    int kept = errno;
    int type = sc_log_number_option(fd, SO_TYPE);
    bool datagram = type != SOCK_STREAM && type >= 0;
    struct sc_log_note *n = datagram ? sc_log_find_note(sc_cookie(fd)) : NULL;
    if (datagram && !(n && (n->is_peer || n->serves || n->error)) && sc_log_look(fd, &s)) {
        n = note_of(&s);
        n->target = to->addr ? address_of(to) : s.peer;
        n->is_peer = true;
        n->why = sc_log_why_towards(&s, &n->target);
        sc_log_describe(&s, "open");
    }
    errno = kept;
}

/* --- a socket ends -----------------------------------------------------------------------------*/

/* One that was only made, and never got an address, is not worth a line. */
static bool was_used(const struct sc_log_socket *s)
{
    if (s->note && (s->note->why || s->note->error || s->note->ended))
        return !s->note->ended;
    return s->service || s->has_local || s->has_peer;
}

static void write_end(struct sc_log_socket *s, const char *state)
{
    if (!was_used(s))
        return;
    sc_log_describe(s, state);
    if (s->note)
        s->note->ended = true;
}

void sc_log_replaced(int fd, int fresh)
{
    struct sc_log_socket s;
    int kept = errno;
    if (sc_log_look(fd, &s) && s.note) {
        bool shared = s.note->unrepaired || sc_log_may_be_shared(s.note);
        if (s.note->why)
            write_end(&s, "replaced");
        sc_log_take_note(sc_cookie(fresh))->unrepaired = shared;
    }
    errno = kept;
}

void sc_log_closing(int fd)
{
    struct sc_log_socket s;
    int kept = errno, other;
    if (!sc_is_vfork_child() && sc_log_look(fd, &s) && sc_duplicates(fd, &other, 1) == 0)
        write_end(&s, "closed");
    errno = kept;
}

struct range {
    unsigned first;
    unsigned last;
};

/* Whatever other numbers a socket has, it gets one line. */
static void end_one(void *arg, int fd)
{
    const struct range *r = arg;
    struct sc_log_socket s;
    if ((unsigned)fd < r->first || (unsigned)fd > r->last || !sc_log_look(fd, &s) || !was_used(&s))
        return;
    s.note = sc_log_take_note(s.cookie);
    write_end(&s, "closed");
}

void sc_log_closing_range(unsigned first, unsigned last)
{
    int kept = errno;
    struct range r = {first, last};
    if (!sc_is_vfork_child())
        sc_descriptors_each(end_one, &r);
    errno = kept;
}

void sc_log_ending(void)
{
    sc_log_closing_range(0, ~0u);
}

/* The last of this library's: what the program closes in its own is seen before. */
__attribute__((destructor(101))) static void end_log(void)
{
    if (sc_log_on())
        sc_log_ending();
}
