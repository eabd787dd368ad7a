/* The owner of a stack: keeps to the rules of stack.h, whatever the input says. What it reads is
 * what the other owner wrote, unless the network is hostile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stack_world.h"

const char *const service_name[SERVICES] = {
    "web.demo.scaffold:80", "web.demo.scaffold",     "db.demo.scaffold:53/udp",
    "b.host.scaffold:80",   "a.host.scaffold:9/udp", "x.y.scaffold:65535",
};

struct sc_service_id service_id(size_t index)
{
    static struct sc_service_id ids[SERVICES]; /* made once: a key takes its time */
    static const uint8_t seed[SC_NETWORK_SEED_LEN];
    struct sc_service_id *id = &ids[index % SERVICES];
    struct sc_service_name n;
    uint8_t key[SC_KEY_LEN], provider[SC_PROVIDER_LEN];
    if (id->bytes[31])
        return *id;
    require(sc_service_name_read(service_name[index % SERVICES], &n, NULL) == 0);
    struct sc_crypto c;
    require(sc_crypto_init(&c, NULL) == 0);
    sc_provider_derive(&c, seed, n.provider, key);
    sc_crypto_fini(&c);
    sc_provider_of_key(key, provider);
    sc_service_name_to_id(&n, provider, id);
    return *id;
}

/* --- places for flows ------------------------------------------------------------------------- */

static struct held *free_place(struct node *n)
{
    for (size_t i = 0; i < FLOWS; i++)
        if (!n->held[i].flow)
            return &n->held[i];
    return NULL;
}

static struct held *find(struct node *n, const struct sc_flow *f)
{
    for (size_t i = 0; i < FLOWS; i++)
        if (n->held[i].flow == f)
            return &n->held[i];
    return NULL;
}

/* Flow number `index`, modulo those there are. */
static struct held *pick(struct node *n, size_t index)
{
    size_t count = 0;
    for (size_t i = 0; i < FLOWS; i++)
        count += n->held[i].flow != NULL;
    if (count == 0)
        return NULL;
    index %= count;
    for (size_t i = 0; i < FLOWS; i++)
        if (n->held[i].flow && index-- == 0)
            return &n->held[i];
    return NULL;
}

static void touch(struct node *n, struct held *h)
{
    sc_stack_touch(n->stack, h->flow, n->world->now);
}

static void release(struct node *n, struct held *h)
{
    struct sc_flow *f = h->flow;
    *h = (struct held){0};
    sc_stack_release(n->stack, f, n->world->now);
}

/* --- streams ---------------------------------------------------------------------------------- */

static uint8_t byte_at(uint16_t port, bool client, uint64_t offset)
{
    return (uint8_t)(offset * 131 + (offset >> 8) * 7 + port * 3u + client);
}

static struct stream *stream_of(struct node *n, const struct held *h)
{
    return &n->world->stream[h->port % STREAMS];
}

static void check_bytes(struct node *n, const struct held *h, const struct iovec *iov, size_t len)
{
    const uint8_t *bytes = iov->iov_base;
    bool any = n->world->hostile;
    require(any || h->read + len <= stream_of(n, h)->written[h->client]);
    for (size_t i = 0; i < len; i++)
        require(bytes[i] == byte_at(h->port, !h->client, h->read + i) || any);
}

static void check_end(struct node *n, const struct held *h)
{
    const struct stream *s = stream_of(n, h);
    if (n->world->hostile || h->blind || !sc_flow_recv_eof(h->flow))
        return;
    require(s->fin[h->client] && h->read == s->written[h->client]);
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_arrived(struct node *n, const struct sc_event *e)
{
    struct held *h = n->leaving ? NULL : free_place(n);
    require(sc_instance_app(e->instance) == n);
    if (!h) {
        sc_flow_abort(e->flow, SC_ABORT_REFUSED, ECONNREFUSED, n->world->now);
        sc_stack_touch(n->stack, e->flow, n->world->now);
        sc_stack_release(n->stack, e->flow, n->world->now);
        return;
    }
    *h = (struct held){.flow = e->flow, .arrived = true, .port = e->flow->peer_port};
    if (!n->hold_arrivals)
        owner_accept(n, (size_t)(h - n->held));
}

static void on_flow(struct node *n, const struct sc_event *e)
{
    struct held *h = find(n, e->flow);
    require(h != NULL); /* no word of what was let go */
    if (e->bits & SC_FLOW_ESTABLISHED)
        h->open = true;
    if (!(e->bits & SC_FLOW_ENDED))
        return;
    h->open = false;
    require(e->flow->error != 0 || e->flow->state == SC_FLOW_LINGER ||
            e->flow->state == SC_FLOW_DEAD);
    if (!n->hold_ended || n->leaving)
        release(n, h);
}

static void on_mapped(struct node *n, const struct sc_event *e)
{
    require(e->ticket == n && n->lookups > 0);
    n->lookups--;
    require(e->mapping.error != 0 || e->mapping.pool != 0);
}

/* A disk that has room for so many, and fails now and then. */
static void keep_mapping(struct node *n, const struct sc_event *e)
{
    struct world *w = n->world;
    bool kept = w->kept_count < KEPT && e->token % 5 != 4;
    if (kept)
        w->kept[w->kept_count++] = e->mapping;
    sc_stack_stored(n->stack, e->token, kept ? 0 : ENOSPC, w->now);
}

static void on_datagram(struct node *n, const struct sc_datagram *d)
{
    unsigned sum = 0;
    for (size_t i = 0; i < d->len; i++)
        sum += d->data[i];
    require(d->len <= SC_DATAGRAM_PAYLOAD_MAX && sum <= d->len * 255);
    n->datagram = *d;
    n->datagram.data = NULL;
    n->datagram.len = 0;
}

void take_events(struct node *n)
{
    struct sc_event e;
    while (sc_stack_next_event(n->stack, &e)) {
        switch (e.type) {
        case SC_EVENT_ARRIVED:
            on_arrived(n, &e);
            break;
        case SC_EVENT_FLOW:
            on_flow(n, &e);
            break;
        case SC_EVENT_MAPPED:
            on_mapped(n, &e);
            break;
        case SC_EVENT_STORE:
            keep_mapping(n, &e);
            break;
        case SC_EVENT_DATAGRAM:
            on_datagram(n, &e.datagram);
            break;
        default:
            require(e.type != SC_EVENT_NONE);
            break;
        }
    }
}

/* --- flows ------------------------------------------------------------------------------------ */

void owner_connect(struct node *n, size_t service, sc_time timeout)
{
    struct held *h = free_place(n);
    struct world *w = n->world;
    struct sc_service_id id = service_id(service);
    if (!h || w->ports + 1 >= STREAMS)
        return;
    *h = (struct held){.client = true, .port = ++w->ports};
    require(sc_stack_connect(n->stack, &id, h->port, timeout, h, &h->flow, w->now) == 0);
}

void owner_accept(struct node *n, size_t index)
{
    struct held *h = &n->held[index % FLOWS];
    if (!h->flow || !h->arrived)
        return;
    h->arrived = false;
    h->open = h->flow->error == 0;
    sc_stack_accept(n->stack, h->flow, h);
}

void owner_write(struct node *n, size_t index, size_t len)
{
    struct held *h = pick(n, index);
    struct iovec iov[4];
    if (!h || !h->open || stream_of(n, h)->fin[!h->client])
        return;
    uint64_t *written = &stream_of(n, h)->written[!h->client];
    size_t pieces = sc_flow_send_space(h->flow, len, iov, 4), total = 0;
    for (size_t i = 0; i < pieces; i++)
        for (size_t k = 0; k < iov[i].iov_len; k++)
            ((uint8_t *)iov[i].iov_base)[k] = byte_at(h->port, h->client, *written + total++);
    require(total <= len);
    sc_flow_send_commit(h->flow, total, n->world->now);
    *written += total;
    touch(n, h);
}

void owner_read(struct node *n, size_t index, size_t len)
{
    struct held *h = pick(n, index);
    struct iovec iov[8];
    if (!h || h->arrived)
        return;
    size_t pieces = sc_flow_recv_peek(h->flow, iov, 8), total = 0;
    for (size_t i = 0; i < pieces && total < len; i++) {
        size_t part = iov[i].iov_len < len - total ? iov[i].iov_len : len - total;
        check_bytes(n, h, &iov[i], part);
        h->read += part;
        total += part;
    }
    sc_flow_recv_consume(h->flow, total, n->world->now);
    check_end(n, h);
    touch(n, h);
}

void owner_finish(struct node *n, size_t index)
{
    struct held *h = pick(n, index);
    if (!h || !h->open)
        return;
    stream_of(n, h)->fin[!h->client] = true;
    sc_flow_send_fin(h->flow, n->world->now);
    touch(n, h);
}

void owner_urgent(struct node *n, size_t index)
{
    struct held *h = pick(n, index);
    if (!h || !h->open || h->flow->send.end == 0)
        return;
    sc_flow_send_urgent(h->flow, n->world->now);
    touch(n, h);
}

/* Nothing of it is read any more. */
void owner_discard(struct node *n, size_t index)
{
    struct held *h = pick(n, index);
    if (!h || !h->open)
        return;
    h->blind = true;
    sc_flow_recv_discard(h->flow, n->world->now);
    touch(n, h);
}

void owner_abort(struct node *n, size_t index)
{
    struct held *h = pick(n, index);
    if (!h)
        return;
    h->open = false;
    sc_flow_abort(h->flow, SC_ABORT_RESET, ECONNABORTED, n->world->now);
    touch(n, h);
}

void owner_release(struct node *n, size_t index)
{
    struct held *h = pick(n, index);
    if (h)
        release(n, h);
}

void owner_user_timeout(struct node *n, size_t index, sc_time timeout)
{
    struct held *h = pick(n, index);
    if (!h)
        return;
    h->flow->user_timeout = timeout;
    touch(n, h);
}

/* --- the rest --------------------------------------------------------------------------------- */

void owner_serve(struct node *n, size_t service)
{
    struct sc_service_id id = service_id(service);
    for (size_t i = 0; i < INSTANCES; i++) {
        if (n->instance[i])
            continue;
        require(sc_stack_serve(n->stack, &id, n, &n->instance[i], n->world->now) == 0);
        return;
    }
}

void owner_unserve(struct node *n, size_t index)
{
    struct sc_instance **i = &n->instance[index % INSTANCES];
    if (*i)
        sc_stack_unserve(n->stack, *i, n->world->now);
    *i = NULL;
}

void owner_accepting(struct node *n, size_t index, bool accepting)
{
    struct sc_instance *i = n->instance[index % INSTANCES];
    if (i)
        sc_instance_set_accepting(i, accepting);
}

void owner_lookup(struct node *n, unsigned by, size_t what)
{
    struct sc_service_id id = service_id(what);
    char name[SC_NAME_MAX + 1];
    uint32_t pool = 0xc6120000u + (uint32_t)(what & 31);
    sc_time now = n->world->now;
    snprintf(name, sizeof name, "n%zu.demo.scaffold", what);
    const char *asked = what & 64 ? name : service_name[what % SERVICES];
    n->lookups++; /* the answer may come at once */
    int err = sc_stack_lookup(n->stack, 1 + by % 3, asked, pool, &id, n, now);
    require(err == 0 || err == -ENOBUFS);
    n->lookups -= err != 0;
}

static uint64_t address_of(const struct node *n)
{
    struct sc_stack_self self;
    sc_stack_get_self(n->stack, &self);
    return self.address;
}

/* Bits of `how`: 1-2 the host it must reach, or where the last one came from; 4 an answer, 8 it
 * serves something. */
void owner_datagram(struct node *n, unsigned how, size_t service, size_t len)
{
    static uint8_t data[SC_DATAGRAM_PAYLOAD_MAX];
    struct world *w = n->world;
    struct sc_datagram d = {.to = service_id(service),
                            .from_port = (uint16_t)(service + 1),
                            .answer = how & 4,
                            .unicast = how & 8,
                            .data = data,
                            .len = len % (sizeof data + 1)};
    if ((how & 3) == 3)
        d.to_host = n->datagram.from_host;
    else if (how & 3)
        d.to_host = address_of(&w->node[(n->place + (how & 3)) % NODES]);
    if (how & 8)
        d.from = service_id(service + 1);
    int err = sc_stack_send_datagram(n->stack, &d, how, w->now);
    require(err == 0 || err == -ENETUNREACH || err == -ENOBUFS);
}

void owner_refuse_datagram(struct node *n)
{
    sc_stack_refuse_datagram(n->stack, &n->datagram, n->world->now);
}

static void look_at_host(void *arg, const struct sc_host_status *h)
{
    size_t *left = arg;
    require(strnlen(h->name, sizeof h->name) < sizeof h->name);
    require((*left)-- > 0);
}

static void look_at_service(void *arg, const struct sc_service_status *v)
{
    struct node *n = arg;
    require(v->app == NULL || v->app == n);
    require(strnlen(v->host_name, SC_HOST_NAME_MAX + 1) <= SC_HOST_NAME_MAX);
}

void owner_look_at_status(struct node *n)
{
    struct sc_mapping m;
    struct sc_service_id id = service_id(0);
    size_t hosts = sc_stack_host_count(n->stack), cursor = 0;
    do
        sc_stack_scan_hosts(n->stack, &cursor, look_at_host, &hosts, n->world->now);
    while (cursor);
    require(hosts == 0);
    do
        sc_stack_scan_services(n->stack, &cursor, look_at_service, n, n->world->now);
    while (cursor);
    if (sc_stack_mapping_of_service(n->stack, &id, &m))
        require(sc_stack_mapping_of_pool(n->stack, m.pool, &m));
}

void owner_let_go(struct node *n)
{
    n->leaving = true;
    for (size_t i = 0; i < FLOWS; i++) {
        if (!n->held[i].flow)
            continue;
        sc_flow_abort(n->held[i].flow, SC_ABORT_RESET, ECONNABORTED, n->world->now);
        release(n, &n->held[i]);
    }
    for (size_t i = 0; i < INSTANCES; i++)
        owner_unserve(n, i);
}
