#include "daemon/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/call.h"
#include "daemon/control/server.h"
#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/trust/denial.h"
#include "daemon/show.h"
#include "daemon/stream/session_parts.h"
#include "daemon/trust/wall.h"

/* What was left out is said this often. */
#define SUMMARY_EVERY (10 * SC_SECOND)

/* So many lines at once, enough for an ordinary bad minute, then so many a second: a flood of all
 * kinds takes the most of an hour to fill a file (SC_LOG_FILE_BYTES). */
static const struct kind {
    unsigned burst;
    unsigned per_second;
    const char *what;
} kinds[SC_JOURNAL_KINDS] = {
    [SC_JOURNAL_REFUSED] = {50, 4, "refused calls"},
    [SC_JOURNAL_EXHAUSTED] = {10, 1, "calls that found no room"},
    [SC_JOURNAL_FLOWS] = {50, 4, "failed flows"},
    [SC_JOURNAL_SERVICES] = {200, 10, "services that came or went"},
    [SC_JOURNAL_HOSTS] = {200, 5, "hosts that came or went"},
    [SC_JOURNAL_STRANGERS] = {10, 1, "names taken by others"},
    [SC_JOURNAL_STATE] = {10, 1, "things that could not be kept"},
};

static void say_left_out(struct sc_daemon *d)
{
    for (size_t i = 0; i < SC_JOURNAL_KINDS; i++) {
        struct sc_throttle *t = &d->journal.rate[i];
        if (t->left_out)
            sc_log(SC_LOG_INFO, "... and %" PRIu64 " more %s in the last %d s", t->left_out,
                   kinds[i].what, (int)(SUMMARY_EVERY / SC_SECOND));
        t->left_out = 0;
    }
}

static void on_alarm(struct sc_alarm *a)
{
    say_left_out(sc_container(a, struct sc_daemon, journal.alarm));
}

void sc_journal_init(struct sc_daemon *d)
{
    for (size_t i = 0; i < SC_JOURNAL_KINDS; i++)
        d->journal.rate[i] = (struct sc_throttle){.burst = kinds[i].burst,
                                                  .interval = SC_SECOND / kinds[i].per_second};
    sc_alarm_init(&d->journal.alarm, on_alarm);
}

void sc_journal_fini(struct sc_daemon *d)
{
    say_left_out(d);
    sc_loop_alarm(&d->loop, &d->journal.alarm, SC_NEVER);
}

static void await_summary(struct sc_daemon *d)
{
    if (d->journal.alarm.timer.at == SC_NEVER)
        sc_loop_alarm(&d->loop, &d->journal.alarm, d->loop.now + SUMMARY_EVERY);
}

bool sc_journal_takes(struct sc_daemon *d, enum sc_journal_kind kind, enum sc_log_level level)
{
    if (!sc_log_wants(level))
        return false;
    if (level == SC_LOG_DEBUG || sc_throttle_take(&d->journal.rate[kind], d->loop.now))
        return true;
    await_summary(d);
    return false;
}

void sc_journal(struct sc_daemon *d, enum sc_journal_kind kind, enum sc_log_level level,
                const char *format, ...)
{
    char text[SC_LOG_MESSAGE];
    va_list args;
    if (!sc_journal_takes(d, kind, level))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sc_log(level, "%s", text);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* "pid 7 (nginx), uid 33". */
static void put_process(int32_t pid, uint32_t uid, char *out, size_t size)
{
    char program[32];
    sc_program_name(pid, program, sizeof program);
    snprintf(out, size, "pid %" PRId32 " (%s), uid %" PRIu32, pid, program, uid);
}

/* A field of a request that may not have been checked: no zero need be in it. */
#define FIELD(field) (int)sizeof field, field

/* What a call is about, with a blank in front; "" where the call has no name in it. */
static void put_subject(const struct sc_ctl_request *q, char *out, size_t size)
{
    char address[SC_SHOWN];
    *out = 0;
    if (q->op == SC_CTL_RESOLVE)
        snprintf(out, size, " %.*s", FIELD(q->resolve.name));
    else if (q->op == SC_CTL_BIND && *q->bind.service)
        snprintf(out, size, " %.*s:%u", FIELD(q->bind.service), q->bind.address.port);
    else if (q->op == SC_CTL_BIND && !q->bind.by_service_id)
        snprintf(out, size, " %s", sc_show_address(&q->bind.address, address, sizeof address));
    else if (q->op == SC_CTL_PREPARE && !q->prepare.by_service)
        snprintf(out, size, " %s", sc_show_address(&q->prepare.address, address, sizeof address));
    else if (q->op == SC_CTL_REVERSE && !q->reverse.by_service)
        snprintf(out, size, " %s", sc_show_address(&q->reverse.address, address, sizeof address));
    else if (q->op == SC_CTL_LISTEN || q->op == SC_CTL_UNLISTEN)
        snprintf(out, size, " %.*s", FIELD(q->listen.own));
}

void sc_journal_call(const struct sc_ctl_call *c)
{
    char who[96], subject[SC_CTL_NAME + 8];
    if (!sc_log_wants(SC_LOG_DEBUG))
        return;
    put_process(c->peer.pid, c->peer.uid, who, sizeof who);
    put_subject(&c->request, subject, sizeof subject);
    sc_log(SC_LOG_DEBUG, "call %s%s of %s", sc_ctl_op_name(c->request.op), subject, who);
}

void sc_journal_stopped(const struct sc_ctl_call *c)
{
    char who[96];
    put_process(c->peer.pid, c->peer.uid, who, sizeof who);
    sc_log(SC_LOG_INFO, "stopped by %s", who);
}

/* A control call is answered with an errno, RESOLVE with a code of getaddrinfo. */
static bool is_exhaustion(int error)
{
    return error == ENOBUFS || error == ENOMEM || error == EMFILE || error == ENFILE ||
           error == ENOSPC || error == EAI_MEMORY;
}

/* A flow's outcome is the flow's business, and what a program asks about a flow that is over is
 * nobody's. */
static bool is_refusal(const struct sc_ctl_reply *r)
{
    if (r->op == SC_CTL_FLOW_SET || r->op == SC_CTL_FLOW_GET || r->op == SC_CTL_FLOW_ERROR)
        return r->error == EACCES || r->error == EPERM;
    bool outcome = r->op == SC_CTL_PREPARE && !*r->text;
    return r->error != 0 && !outcome;
}

void sc_journal_reply(const struct sc_ctl_call *c, const struct sc_ctl_reply *r)
{
    struct sc_daemon *d = c->server->daemon;
    bool room = is_exhaustion(r->error);
    enum sc_journal_kind kind = room ? SC_JOURNAL_EXHAUSTED : SC_JOURNAL_REFUSED;
    enum sc_log_level level = room ? SC_LOG_WARN : SC_LOG_INFO;
    char who[96], subject[SC_CTL_NAME + 8];
    if (!is_refusal(r) || !sc_journal_takes(d, kind, level))
        return;
    put_process(c->peer.pid, c->peer.uid, who, sizeof who);
    put_subject(&c->request, subject, sizeof subject);
    const char *name = r->error > 0 ? strerrorname_np(r->error) : gai_strerror(r->error);
    sc_log(level, "refused %s%s of %s: %s%s%s", sc_ctl_op_name(r->op), subject, who,
           name ? name : "?", *r->text ? ": " : "", r->text);
}

/* --- flows ------------------------------------------------------------------------------------ */

/* The other end as the program sees it, and its host where it is known by name. */
static void put_peer(const struct sc_session *s, char *out, size_t size)
{
    struct sc_plane_status p = sc_session_on_plane(s);
    const char *host = p.host ? sc_stack_host_name(s->daemon->stack, p.host) : NULL;
    size_t n = strlen(sc_show_address(&s->request.target, out, size));
    if (host)
        snprintf(out + n, size - n, " on host %s", host);
    else if (p.same_host)
        snprintf(out + n, size - n, " on this host");
}

static void put_flow(const struct sc_session *s, char *out, size_t size)
{
    char service[SC_SHOWN], who[96], peer[SC_SHOWN];
    const struct sc_end *e = &s->client;
    sc_show_service(s->daemon, &s->request.service, service, sizeof service);
    if (e->pid || e->uid)
        put_process(e->pid, e->uid, who, sizeof who);
    else
        snprintf(who, sizeof who, "no program yet");
    put_peer(s, peer, sizeof peer);
    snprintf(out, size, "flow of %s %s %s %s %s", who, s->is_server ? "serving" : "to", service,
             s->is_server ? "from" : "at", peer);
}

void sc_journal_opened(const struct sc_session *s)
{
    char flow[3 * SC_SHOWN];
    if (!sc_log_wants(SC_LOG_DEBUG))
        return;
    put_flow(s, flow, sizeof flow);
    sc_log(SC_LOG_DEBUG, "%s: %s", flow, s->is_server ? "accepted" : "open");
}

void sc_journal_failed(const struct sc_session *s, int error)
{
    char flow[3 * SC_SHOWN], far[80] = "not opened";
    if (!sc_journal_takes(s->daemon, SC_JOURNAL_FLOWS, SC_LOG_INFO))
        return;
    put_flow(s, flow, sizeof flow);
    const char *name = strerrorname_np(error);
    if (s->open) /* rx and tx are scaffoldd's */
        snprintf(far, sizeof far, "failed after %" PRIu64 " bytes out and %" PRIu64 " in",
                 s->client.rx, s->client.tx);
    sc_log(SC_LOG_INFO, "%s: %s: %s: %s", flow, far, name ? name : "?", strerror(error));
}

void sc_journal_local_opened(struct sc_daemon *d, const struct sc_request *r, uint64_t serial)
{
    char service_name[SC_SHOWN], who[96], peer[SC_SHOWN];
    if (!sc_log_wants(SC_LOG_DEBUG))
        return;
    put_process(r->pid, r->uid, who, sizeof who);
    sc_log(SC_LOG_DEBUG, "local flow %" PRIx64 " of %s to %s at %s: open", serial, who,
           sc_show_service(d, &r->service, service_name, sizeof service_name),
           sc_show_address(&r->target, peer, sizeof peer));
}

void sc_journal_local_over(uint64_t serial)
{
    sc_log(SC_LOG_DEBUG, "local flow %" PRIx64 ": over", serial);
}

/* --- services --------------------------------------------------------------------------------- */

static void service(struct sc_daemon *d, const struct sc_service_id *id, int32_t pid, uint32_t uid,
                    const char *program, bool serves)
{
    char name[SC_SHOWN];
    if (sc_journal_takes(d, SC_JOURNAL_SERVICES, SC_LOG_INFO))
        sc_log(SC_LOG_INFO, "service %s: %s by pid %" PRId32 " (%s), uid %" PRIu32,
               sc_show_service(d, id, name, sizeof name), serves ? "served" : "not served any more",
               pid, program, uid);
}

/* 0.0.0.0:P and [::]:P are one instance: it comes with the first and goes with the last. */
void sc_journal_listener(const struct sc_listener *l, bool serves)
{
    if (!l->twin.other)
        service(l->daemon, &l->bound->service->id, l->pid, l->uid, l->program, serves);
}

void sc_journal_endpoint(const struct sc_endpoint *e, bool serves)
{
    char program[32];
    if (!e->bound || e->reply)
        return;
    sc_program_name(e->pid, program, sizeof program);
    service(e->daemon, &e->service, e->pid, e->uid, program, serves);
}

/* --- other hosts ------------------------------------------------------------------------------ */

/* Of a host, or, without one, ours. */
static void note_denied(struct sc_daemon *d, const struct sc_note *n)
{
    char line[SC_SHOWN];
    enum sc_denial why = (enum sc_denial)n->denial;
    if (*n->host) {
        sc_show_service(d, &n->service, line, sizeof line);
        sc_journal(d, SC_JOURNAL_SERVICES, SC_LOG_WARN, "service %s of host %s is not taken: %s",
                   line, n->host, sc_denial_of_host(why));
    } else {
        sc_denial_explain(d, &n->service, why, line, sizeof line);
        sc_journal(d, SC_JOURNAL_SERVICES, SC_LOG_WARN, "not registered: %s", line);
    }
}

static void note_host(struct sc_daemon *d, const struct sc_note *n, const char *at)
{
    char until[SC_WALL_TEXT], clock[96];
    switch (n->what) {
    case SC_NOTE_JOINED:
        sc_journal(d, SC_JOURNAL_HOSTS, SC_LOG_INFO, "host %s joined from %s", n->host, at);
        break;
    case SC_NOTE_MOVED:
        sc_journal(d, SC_JOURNAL_HOSTS, SC_LOG_INFO, "host %s is at %s now", n->host, at);
        break;
    case SC_NOTE_EXPIRED:
        sc_journal(d, SC_JOURNAL_HOSTS, SC_LOG_WARN,
                   "host %s at %s was not heard for %d s: it and its services are gone", n->host,
                   at, (int)(SC_LEASE_TIME / SC_SECOND));
        break;
    case SC_NOTE_NOT_INVITED:
        sc_journal(d, SC_JOURNAL_STRANGERS, SC_LOG_WARN,
                   "%s wants to join as host %s without a token that is good; `scaffold "
                   "join-token` prints one",
                   at, n->host);
        break;
    case SC_NOTE_OTHER_KEY:
        sc_journal(d, SC_JOURNAL_STRANGERS, SC_LOG_WARN,
                   "%s wants to join as host %s, which has another key; if that host is lost, "
                   "`scaffold host remove %s`",
                   at, n->host, n->host);
        break;
    case SC_NOTE_PLAIN:
        sc_journal(d, SC_JOURNAL_STRANGERS, SC_LOG_WARN,
                   "%s wants to join as hosts did before they had keys, or with security = "
                   "\"off\"; give it this release, and a token",
                   at);
        break;
    case SC_NOTE_DENIED:
        note_denied(d, n);
        break;
    case SC_NOTE_GRANT_ENDS:
        sc_journal(
            d, SC_JOURNAL_STATE, SC_LOG_WARN,
            "the grant for names of provider %s ends %s; `scaffold key grant` makes another, "
            "`scaffold key install` takes it here",
            n->host, sc_wall_show(n->until, until));
        break;
    case SC_NOTE_GRANT_TIME:
        sc_wall_blame(clock, sizeof clock);
        sc_journal(d, SC_JOURNAL_STATE, SC_LOG_WARN,
                   "the grant for names of provider %s, until %s, is not good %s", n->host,
                   sc_wall_show(n->until, until), clock);
        break;
    case SC_NOTE_NAME_TAKEN:
        sc_journal(d, SC_JOURNAL_STRANGERS, SC_LOG_WARN,
                   "%s wants to join as host %s, whose name another one has that is up; give one "
                   "of them another --name",
                   at, n->host);
        break;
    default:
        sc_journal(d, SC_JOURNAL_HOSTS, SC_LOG_WARN, "no room for %s %s, of %s",
                   n->what == SC_NOTE_NO_ROOM_FOR_HOST ? "host" : "another service of host",
                   n->host, at);
    }
}

void sc_journal_note(struct sc_daemon *d, const struct sc_note *n)
{
    char at[64], name[SC_SHOWN];
    bool comes = n->what == SC_NOTE_REGISTERED;
    d->journal.rate[SC_JOURNAL_HOSTS].left_out += n->left_out;
    if (n->left_out)
        await_summary(d);
    if (!comes && n->what != SC_NOTE_UNREGISTERED)
        note_host(d, n, sc_underlay_format(&n->underlay, at, sizeof at));
    else if (sc_journal_takes(d, SC_JOURNAL_SERVICES, SC_LOG_INFO))
        sc_log(SC_LOG_INFO, "service %s: %s by host %s",
               sc_show_service(d, &n->service, name, sizeof name),
               comes ? "served" : "not served any more", n->host);
}
