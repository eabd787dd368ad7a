#include "daemon/datagram/datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/gather.h"
#include "daemon/meaning.h"
#include "daemon/stream/listener.h"
#include "daemon/underlay/host_address.h"
#include "naming/name.h"

/* Addresses that are looked up at a time; as many as the stack asks at once. */
#define QUESTIONS_MAX SC_REQUESTS_MAX
/* Datagrams that wait for one answer: what a kernel keeps for one unresolved neighbour. */
#define WAITING_MAX 64

#define LOOPBACK4 0x7f000001u

void sc_datagrams_init(struct sc_daemon *d)
{
    struct sc_service_name host;
    sc_list_init(&d->datagrams.questions);
    d->datagrams.loopback = sc_service_id_at(sc_loopback_service(d, 0), 0, 0);
    if (sc_name_of_host(d->config.host_name, &host) == 0)
        sc_name_to_id(&host, &d->datagrams.host);
}

/* --- what is shown as the sender -------------------------------------------------------------- */

/* Who sent a datagram: in the form in which the receiver's program can answer. */
struct origin {
    struct sc_address shown;
    struct sc_service_id service; /* `shown` is this service's; or zeros */
    uint8_t ttl, tos;
    int32_t segment;  /* of several datagrams that came at once */
    uint64_t host;    /* network address; 0: this one */
    uint64_t balance; /* the same for all datagrams of one socket */
};

static bool is_service(const struct sc_service_id *id)
{
    return sc_service_id_port(id) != 0;
}

/* A program that knows the service by its IPv6 address sees its answers come from there. */
static struct sc_address shown_to(const struct sc_endpoint *e, const struct origin *o)
{
    struct sc_address a = o->shown;
    if (!e->shows_ula || !is_service(&o->service))
        return a;
    a = sc_ula_of(&e->daemon->ula, &o->service);
    a.port = o->shown.port;
    return a;
}

static bool same_address(const struct sc_address *a, const struct sc_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static bool lets_through(const struct sc_endpoint *e, const struct origin *o)
{
    struct sc_address shown = shown_to(e, o);
    return !e->connected || same_address(&shown, &e->peer);
}

/* --- who receives ----------------------------------------------------------------------------- */

/* How well an endpoint fits an address: -1 not at all. On loopback the address decides, a precise
 * one before a wildcard; elsewhere twins are one instance, of which the IPv6 one is taken. */
static int fitness(const struct sc_endpoint *e, const struct sc_address *to)
{
    bool inet6 = e->family == SC_FAMILY_INET6;
    if (!e->loopback)
        return inet6;
    if (!sc_endpoint_reaches(e, to))
        return -1;
    return 2 * !e->wildcard + (sc_address_is_v4(to) != inet6);
}

/* One of those that share a port, always the same one for one sender. */
static struct sc_endpoint *balance(struct sc_endpoint_group *g, const struct sc_endpoint *best,
                                   const struct sc_address *to, const struct origin *o)
{
    struct sc_endpoint *fit[64]; /* more sharers than processors help nobody */
    size_t n = 0;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (n < 64 && e->reuseport && !e->connected && fitness(e, to) == fitness(best, to))
            fit[n++] = e;
    }
    return fit[sc_hash(best->daemon->endpoints.seed, &o->balance, sizeof o->balance) % n];
}

/* UDP's rule: a socket that is connected to the sender; else among those that share the port; else
 * the one that was bound last. NULL: none lets it through. */
static struct sc_endpoint *choose(struct sc_endpoint_group *g, const struct sc_address *to,
                                  const struct origin *o)
{
    struct sc_endpoint *best = NULL;
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->members)
    {
        struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (fitness(e, to) < 0 || !lets_through(e, o))
            continue;
        if (e->connected)
            return e;
        if (!best || fitness(e, to) >= fitness(best, to))
            best = e;
    }
    return best && best->reuseport ? balance(g, best, to, o) : best;
}

static void hand_out(struct sc_endpoint *e, const struct origin *o, const struct sc_address *to,
                     const uint8_t *data, size_t len)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DATA,
                                    .ttl = o->ttl,
                                    .tos = o->tos,
                                    .peer = shown_to(e, o),
                                    .own = e->own};
    if (e->loopback && e->wildcard)
        head.own = *to;
    if (e->connected && !e->pinned_to)
        e->pinned_to = o->host;
    if (e->gro)
        head.segment = o->segment;
    size_t step = o->segment && !e->gro ? (size_t)o->segment : len;
    size_t at = 0;
    do {
        size_t part = len - at < step ? len - at : step;
        sc_endpoint_deliver(e, &head, data + at, part);
        at += part;
    } while (at < len);
}

/* To the instance of a service on this host. False when none takes it. */
static bool deliver_to_service(struct sc_daemon *d, const struct sc_service_id *service,
                               const struct sc_address *to, const struct origin *o,
                               const uint8_t *data, size_t len)
{
    struct sc_endpoint_group *g = sc_endpoint_group_find(d, service);
    struct sc_endpoint *e = g ? choose(g, to, o) : NULL;
    if (e)
        hand_out(e, o, to, data, len);
    return e != NULL;
}

/* To the socket with this port on this host: what is bound to the host's own name, else whoever has
 * the port to himself. */
static bool deliver_to_port(struct sc_daemon *d, uint16_t port, const struct sc_address *to,
                            const struct origin *o, const uint8_t *data, size_t len)
{
    struct sc_service_id own = sc_service_id_at(d->datagrams.host, port, IPPROTO_UDP);
    if (deliver_to_service(d, &own, to, o, data, len))
        return true;
    struct sc_endpoint *e = sc_host_port_find(d, port);
    if (!e || !lets_through(e, o))
        return false;
    hand_out(e, o, to, data, len);
    return true;
}

/* --- looking up ------------------------------------------------------------------------------- */

/* A datagram that waits until it is known whose address, or which address, is meant. */
struct waiting {
    struct sc_list link;
    struct sc_endpoint *from; /* whose program wrote it; NULL: it came from the network */
    struct sc_datagram_head head;
    struct sc_datagram datagram; /* from the network */
    size_t len;
    uint8_t data[];
};

struct question {
    struct sc_list link;
    enum sc_lookup_by by;
    uint32_t pool;
    struct sc_service_id service;
    struct sc_list waiting;
    size_t count;
};

static void drop_waiting(struct question *q, struct waiting *w)
{
    sc_list_remove(&w->link);
    q->count--;
    free(w);
}

static void end_question(struct sc_datagrams *g, struct question *q)
{
    while (!sc_list_empty(&q->waiting))
        drop_waiting(q, sc_container(sc_list_first(&q->waiting), struct waiting, link));
    sc_list_remove(&q->link);
    g->question_count--;
    free(q);
}

void sc_datagrams_fini(struct sc_datagrams *g)
{
    while (!sc_list_empty(&g->questions))
        end_question(g, sc_container(sc_list_first(&g->questions), struct question, link));
}

static struct question *find_question(struct sc_datagrams *g, const struct question *like)
{
    struct sc_list *it, *tmp;
    sc_list_each(it, tmp, &g->questions)
    {
        struct question *q = sc_container(it, struct question, link);
        if (q->by == like->by && q->pool == like->pool &&
            sc_service_id_equal(&q->service, &like->service))
            return q;
    }
    return NULL;
}

static struct question *ask(struct sc_daemon *d, const struct question *like)
{
    struct sc_datagrams *g = &d->datagrams;
    struct question *q = find_question(g, like);
    if (q || g->question_count == QUESTIONS_MAX)
        return q;
    q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    *q = *like;
    sc_list_init(&q->waiting);
    sc_list_append(&g->questions, &q->link);
    g->question_count++;
    if (sc_stack_lookup(d->stack, q->by, "", q->pool, &q->service, q, d->loop.now) < 0) {
        end_question(g, q);
        return NULL;
    }
    return q;
}

/* Keeps a copy of it until the answer comes. */
static void wait_for(struct sc_daemon *d, const struct question *like, const struct waiting *what,
                     const uint8_t *data)
{
    struct question *q = ask(d, like);
    struct waiting *w = q && q->count < WAITING_MAX ? malloc(sizeof *w + what->len) : NULL;
    if (!w) {
        d->datagrams.counters.dropped_unresolved++;
        return;
    }
    *w = *what;
    if (what->len)
        memcpy(w->data, data, what->len);
    sc_list_append(&q->waiting, &w->link);
    q->count++;
}

void sc_datagrams_forget(struct sc_endpoint *e)
{
    struct sc_list *it, *tmp, *one, *next;
    sc_list_each(it, tmp, &e->daemon->datagrams.questions)
    {
        struct question *q = sc_container(it, struct question, link);
        sc_list_each(one, next, &q->waiting)
        {
            struct waiting *w = sc_container(one, struct waiting, link);
            if (w->from == e)
                drop_waiting(q, w);
        }
    }
}

/* --- from a program --------------------------------------------------------------------------- */

/* One datagram on its way out. */
struct departure {
    struct sc_endpoint *from;
    const struct sc_datagram_head *head;
    struct sc_address to;
    const uint8_t *data;
    size_t len;
    bool as_host; /* it named its host as the source (IP_PKTINFO), not its service */
    bool again;   /* it has waited for an answer already */
};

static void refuse(const struct departure *p)
{
    p->from->daemon->datagrams.counters.refused++;
    sc_endpoint_tell(p->from, &p->to, ECONNREFUSED);
}

static uint64_t balance_of(const struct sc_endpoint *e, uint64_t host)
{
    return host << 16 ^ e->port->number;
}

static uint32_t own_pool(struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    return self.pool;
}

static struct origin new_origin(const struct departure *p)
{
    return (struct origin){.ttl = p->head->ttl,
                           .tos = p->head->tos,
                           .segment = (size_t)p->head->segment < p->len ? p->head->segment : 0,
                           .balance = balance_of(p->from, 0)};
}

/* To a service the sender is its host and port; to a socket it is the service that it serves. */
static struct origin local_origin(const struct departure *p, bool answer)
{
    struct sc_endpoint *e = p->from;
    struct origin o = new_origin(p);
    if (answer && e->bound && !p->as_host) {
        o.shown = e->own;
        o.service = e->service;
    } else {
        o.shown = sc_address_v4(own_pool(e->daemon), e->port->number);
    }
    return o;
}

/* A socket that is bound to no address of its own speaks from the one that it speaks to, as the
 * kernel routes it; on loopback from the first of them. */
static struct sc_address own_of_this_host(const struct departure *p)
{
    const struct sc_address *own = p->head->has_own ? &p->head->own : &p->from->own;
    bool v4 = sc_address_is_v4(&p->to);
    bool named = p->head->has_own || !p->from->wildcard;
    if (!sc_address_is_loopback(&p->to))
        return named && sc_host_has_address(p->from->daemon, own) ? *own : p->to;
    if (sc_address_is_loopback(own) && sc_address_is_v4(own) == v4)
        return *own;
    return v4 ? sc_address_v4(LOOPBACK4, 0) : (struct sc_address){.ip = {[15] = 1}};
}

bool sc_datagrams_serve_here(struct sc_daemon *d, const struct sc_address *to)
{
    struct sc_service_id id = sc_service_id_at(d->datagrams.loopback, to->port, IPPROTO_UDP);
    struct sc_endpoint_group *g = sc_endpoint_group_find(d, &id);
    struct sc_list *it, *tmp;
    if (!g)
        return false;
    sc_list_each(it, tmp, &g->members)
    {
        const struct sc_endpoint *e = sc_container(it, struct sc_endpoint, member);
        if (e->watch.fd >= 0 && e->loopback && sc_endpoint_reaches(e, to))
            return true;
    }
    return false;
}

static void to_this_host(const struct departure *p)
{
    struct sc_endpoint *e = p->from;
    struct origin o = new_origin(p);
    o.shown = own_of_this_host(p);
    o.shown.port = e->loopback ? e->own.port : e->port->number;
    struct sc_service_id id =
        sc_service_id_at(e->daemon->datagrams.loopback, p->to.port, IPPROTO_UDP);
    if (deliver_to_service(e->daemon, &id, &p->to, &o, p->data, p->len))
        return;
    struct sc_endpoint *to = sc_host_port_find(e->daemon, p->to.port);
    if (to && !to->loopback && lets_through(to, &o)) /* it had asked a loopback service */
        hand_out(to, &o, &p->to, p->data, p->len);
    else
        refuse(p);
}

static void to_own_host(const struct departure *p)
{
    struct origin o = local_origin(p, true);
    if (!deliver_to_port(p->from->daemon, p->to.port, &p->to, &o, p->data, p->len))
        refuse(p);
}

/* A connected socket stays with the host that answered it. */
static bool is_pinned(const struct departure *p)
{
    return p->from->connected && p->from->pinned_to && same_address(&p->to, &p->from->peer);
}

static void send_to_network(const struct departure *p, struct sc_datagram *g)
{
    struct sc_daemon *d = p->from->daemon;
    /* The same socket meets the same instance while their set stays, like a flow in an anycast
     * network: what consists of several datagrams works, and sockets are spread. */
    uint64_t choice = balance_of(p->from, d->config.seed);
    int err = sc_stack_send_datagram(d->stack, g, choice, d->loop.now);
    if (err == 0)
        return;
    d->datagrams.counters.dropped_send++;
    if (err != -ENOBUFS) /* UDP says nothing when a queue is full */
        sc_endpoint_tell(p->from, &p->to, -err);
}

static void to_network(const struct departure *p, const struct sc_service_id *to, bool answer)
{
    struct sc_endpoint *e = p->from;
    struct sc_daemon *d = e->daemon;
    size_t step = p->head->segment ? (size_t)p->head->segment : p->len;
    struct sc_datagram g = {.to = *to,
                            .from_port = e->port->number,
                            .answer = answer,
                            .unicast = e->reply,
                            .ttl = p->head->ttl,
                            .tos = p->head->tos};
    if (e->bound && !p->as_host)
        g.from = e->service;
    if (!answer)
        g.to_host = is_pinned(p) ? e->pinned_to : sc_replier_host(d, to);
    e->remembered = true;
    size_t at = 0;
    do {
        g.data = p->data + at;
        g.len = p->len - at < step ? p->len - at : step;
        send_to_network(p, &g);
        at += g.len;
    } while (at < p->len);
}

/* The instances of this host come first, as for streams. */
static void to_service(const struct departure *p, const struct sc_service_id *service)
{
    struct sc_endpoint *e = p->from;
    struct origin o = local_origin(p, false);
    if (is_pinned(p) || !deliver_to_service(e->daemon, service, &p->to, &o, p->data, p->len))
        to_network(p, service, false);
}

static bool is_host(const struct sc_mapping *m)
{
    static const char suffix[] = ".host.scaffold";
    size_t len = strlen(m->name);
    return len >= sizeof suffix && strcmp(m->name + len - (sizeof suffix - 1), suffix) == 0;
}

/* IPv6 addresses are hashes, which stand for nothing else. A host's is what its datagrams came
 * from, so that nobody has looked it up. */
static bool is_meant(const struct departure *p, const struct sc_mapping *m)
{
    static const uint8_t nothing[SC_MEANING_LEN];
    const uint8_t *meaning = p->head->peer.port ? p->head->meaning : p->from->meaning;
    if (!sc_address_is_v4(&p->to) || (is_host(m) && memcmp(meaning, nothing, sizeof nothing) == 0))
        return true;
    return sc_mapping_means(m, meaning);
}

static void to_mapping(const struct departure *p, const struct sc_mapping *m)
{
    struct sc_service_id id = sc_service_id_at(m->service, p->to.port, IPPROTO_UDP);
    if (m->pool == own_pool(p->from->daemon))
        to_own_host(p);
    else if (!is_meant(p, m))
        sc_endpoint_tell(p->from, &p->to, ENETUNREACH);
    else if (is_host(m))
        to_network(p, &id, true);
    else
        to_service(p, &id);
}

static void to_unknown(const struct departure *p, const struct question *q)
{
    struct waiting w = {.from = p->from, .head = *p->head, .len = p->len};
    if (w.head.peer.port == 0)
        memcpy(w.head.meaning, p->from->meaning, sizeof w.head.meaning);
    w.head.peer = p->to;
    if (p->again)
        p->from->daemon->datagrams.counters.dropped_unresolved++;
    else
        wait_for(p->from->daemon, q, &w, p->data);
}

static void to_pool(const struct departure *p)
{
    struct question q = {.by = SC_LOOKUP_POOL, .pool = sc_address_to_v4(&p->to)};
    struct sc_mapping m;
    if (q.pool == own_pool(p->from->daemon))
        to_own_host(p);
    else if (sc_stack_mapping_of_pool(p->from->daemon->stack, q.pool, &m))
        to_mapping(p, &m);
    else
        to_unknown(p, &q);
}

static void to_ula(const struct departure *p)
{
    struct sc_daemon *d = p->from->daemon;
    struct question q = {.by = SC_LOOKUP_SERVICE};
    struct sc_mapping m;
    if (!sc_ula_find(&d->ula, &p->to, &q.service)) {
        d->datagrams.counters.dropped_unresolved++;
        sc_endpoint_tell(p->from, &p->to, ENETUNREACH);
    } else if (sc_stack_mapping_of_service(d->stack, &q.service, &m)) {
        to_mapping(p, &m);
    } else {
        to_unknown(p, &q);
    }
}

/* Whether the source address that the program asks for is one of its socket. */
static bool is_own(struct sc_endpoint *e, const struct sc_address *own, bool *as_host)
{
    *as_host = sc_address_is_v4(own) && sc_address_to_v4(own) == own_pool(e->daemon);
    if (*as_host || sc_address_is_wildcard(own) || sc_address_is_loopback(own) ||
        (e->loopback && e->wildcard && sc_host_has_address(e->daemon, own)) ||
        memcmp(own->ip, e->own.ip, sizeof own->ip) == 0)
        return true;
    struct sc_address ula = sc_ula_of(&e->daemon->ula, &e->service);
    return e->bound && memcmp(own->ip, ula.ip, sizeof own->ip) == 0;
}

static void depart(struct departure *p)
{
    struct sc_endpoint *e = p->from;
    if (p->head->has_own && !is_own(e, &p->head->own, &p->as_host)) {
        sc_endpoint_tell(e, &p->to, EINVAL); /* as the kernel says it of a foreign source */
        return;
    }
    if (sc_host_has_address(e->daemon, &p->to)) {
        to_this_host(p);
    } else if (!sc_address_in_pool(&p->to, &e->daemon->config.pool)) {
        sc_endpoint_tell(e, &p->to, ENETUNREACH); /* an address that has gone */
    } else if (sc_address_is_v4(&p->to)) {
        to_pool(p);
    } else {
        e->shows_ula = true;
        to_ula(p);
    }
}

static void send_data(struct sc_endpoint *e, const struct sc_datagram_head *head,
                      const uint8_t *data, size_t len)
{
    struct departure p = {.from = e, .head = head, .to = head->peer, .data = data, .len = len};
    if (p.to.port == 0)
        p.to = e->peer;
    e->daemon->datagrams.counters.from_programs++;
    if (head->peer.port == 0 && !e->connected) {
        sc_endpoint_tell(e, &head->peer, EDESTADDRREQ);
        return;
    }
    e->rx += len;
    depart(&p);
}

static void set_peer(struct sc_endpoint *e, const struct sc_address *peer, bool connected)
{
    e->connected = connected;
    e->peer = *peer;
    e->pinned_to = 0;
    if (connected && !sc_address_is_loopback(peer))
        e->shows_ula = !sc_address_is_v4(peer);
}

void sc_datagrams_from_program(struct sc_endpoint *e, const struct sc_datagram_head *head,
                               const uint8_t *data, size_t len)
{
    switch (head->kind) {
    case SC_DATAGRAM_DATA:
        if (sc_datagram_may_be_cut(len, head->segment))
            send_data(e, head, data, len);
        else
            e->daemon->datagrams.counters.dropped_malformed++;
        break;
    case SC_DATAGRAM_CONNECT:
        set_peer(e, &head->peer, head->peer.port != 0);
        memcpy(e->meaning, head->meaning, sizeof e->meaning);
        sc_gather_redirect(e);
        break;
    case SC_DATAGRAM_DISCONNECT:
        set_peer(e, &(struct sc_address){0}, false);
        break;
    default:
        e->daemon->datagrams.counters.dropped_malformed++;
    }
}

/* --- from the network ------------------------------------------------------------------------- */

/* False while the address of the service that answers is not known. */
static bool remote_origin(struct sc_daemon *d, const struct sc_datagram *g, struct origin *o)
{
    struct sc_mapping m;
    *o = (struct origin){.shown = sc_address_v4(g->from_pool, g->from_port),
                         .ttl = g->ttl,
                         .tos = g->tos,
                         .host = g->from_host,
                         .balance = g->from_host << 16 ^ g->from_port};
    if (!g->answer || !is_service(&g->from))
        return true;
    if (!sc_stack_mapping_of_service(d->stack, &g->from, &m))
        return false;
    o->shown = sc_address_v4(m.pool, sc_service_id_port(&g->from));
    o->service = g->from;
    return true;
}

static void arrive(struct sc_daemon *d, const struct sc_datagram *g, bool again)
{
    struct question q = {.by = SC_LOOKUP_SERVICE, .service = sc_service_id_at(g->from, 0, 0)};
    struct waiting w = {.datagram = *g, .len = g->len};
    struct origin o;
    if (g->unicast && is_service(&g->from))
        sc_replier_learn(d, &g->from, g->from_host);
    if (!remote_origin(d, g, &o)) {
        if (again)
            d->datagrams.counters.dropped_unresolved++;
        else
            wait_for(d, &q, &w, g->data);
        return;
    }
    struct sc_address to = {.port = sc_service_id_port(&g->to)}; /* none of loopback */
    bool taken = g->answer ? deliver_to_port(d, to.port, &to, &o, g->data, g->len)
                           : deliver_to_service(d, &g->to, &to, &o, g->data, g->len);
    if (taken)
        return;
    d->datagrams.counters.refused++;
    sc_stack_refuse_datagram(d->stack, g, d->loop.now);
}

void sc_datagrams_receive(struct sc_daemon *d, const struct sc_datagram *g)
{
    arrive(d, g, false);
}

void sc_datagrams_undelivered(struct sc_daemon *d, const struct sc_datagram *g)
{
    struct sc_endpoint *e = sc_host_port_find(d, g->from_port);
    struct sc_service_id base = sc_service_id_at(g->to, 0, 0);
    struct sc_mapping m;
    if (!e || !sc_stack_mapping_of_service(d->stack, &base, &m))
        return;
    struct origin o = {.shown = sc_address_v4(m.pool, sc_service_id_port(&g->to)),
                       .service = g->to};
    struct sc_address peer = shown_to(e, &o);
    if (e->connected && same_address(&peer, &e->peer))
        e->pinned_to = 0;
    sc_endpoint_tell(e, &peer, ECONNREFUSED);
}

/* --- answers to questions --------------------------------------------------------------------- */

static int unresolved_errno(int error)
{
    return error == ENOMEM ? ENOBUFS : ENETUNREACH;
}

static void go_on(struct sc_daemon *d, struct waiting *w, int error)
{
    struct departure p = {.from = w->from,
                          .head = &w->head,
                          .to = w->head.peer,
                          .data = w->data,
                          .len = w->len,
                          .again = true};
    if (error)
        d->datagrams.counters.dropped_unresolved++;
    if (!w->from) {
        w->datagram.data = w->data;
        if (!error)
            arrive(d, &w->datagram, true);
        return;
    }
    if (error)
        sc_endpoint_tell(w->from, &p.to, unresolved_errno(error));
    else
        depart(&p);
}

bool sc_datagrams_on_mapped(struct sc_daemon *d, const struct sc_event *e)
{
    struct sc_list *it, *tmp;
    struct question *q = NULL;
    sc_list_each(it, tmp, &d->datagrams.questions)
    {
        if (sc_container(it, struct question, link) == e->ticket)
            q = e->ticket;
    }
    if (!q)
        return false;
    struct sc_list *one, *next;
    sc_list_each(one, next, &q->waiting)
        go_on(d, sc_container(one, struct waiting, link), e->mapping.error);
    end_question(&d->datagrams, q);
    return true;
}
