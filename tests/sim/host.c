#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/drawn.h"
#include "sim.h"

#define SIM_UDP_PORT 7213
/* Turns at one moment without anything to do, before that is called a deadline never over. */
#define SPIN_MAX 200

/* --- addresses -------------------------------------------------------------------------------- */

/* Its last two bytes say whose it is, or its port. */
static struct sc_underlay address_of(const struct sim *sim, size_t index)
{
    struct sc_underlay u = {.family = sim->ipv6 ? 6 : 4, .port = SIM_UDP_PORT};
    size_t last = sim->ipv6 ? 15 : 3;
    u.ip[0] = sim->ipv6 ? 0xfd : 10;
    if (sim->one_address) {
        u.port = (uint16_t)(SIM_UDP_PORT + index);
        return u;
    }
    u.ip[last - 1] = (uint8_t)((index + 1) >> 8);
    u.ip[last] = (uint8_t)(index + 1);
    return u;
}

struct sim_host *sim_host_of(struct sim *sim, const struct sc_underlay *u)
{
    size_t last = u->family == 6 ? 15 : 3;
    size_t index = (size_t)(u->ip[last - 1] << 8 | u->ip[last]) - 1;
    if (sim->one_address)
        index = (size_t)u->port - SIM_UDP_PORT;
    if (index >= sim->host_count || !sc_underlay_equal(&sim->host[index]->underlay, u))
        return NULL;
    return sim->host[index];
}

/* --- sending ---------------------------------------------------------------------------------- */

static void set_route(struct sim_packet *p)
{
    const struct sim_host *from = p->source, *to = p->target;
    size_t n = 0;
    p->route[n++] = from->out;
    if (to) {
        if (from->side != to->side && from->sim->core[from->side])
            p->route[n++] = from->sim->core[from->side];
        p->route[n++] = to->in;
    }
    p->hop = 1;
}

static struct sim_packet *new_packet(struct sim_host *h, const struct sc_underlay *from,
                                     const struct sc_underlay *to, size_t len, unsigned ecn)
{
    struct sim_packet *p = malloc(sizeof *p + len);
    if (!p)
        abort();
    *p = (struct sim_packet){
        .from = *from, .source = h, .target = sim_host_of(h->sim, to), .ecn = ecn, .len = len};
    set_route(p);
    return p;
}

static void send_packet(struct sim_host *h, struct sim_packet *p)
{
    h->packets_out++;
    h->bytes_out += p->len;
    if (!p->target || h->sim->blocked[h->index][p->target->index]) {
        sim_note_packet(h->sim, p, p->target ? SIM_BLOCKED : SIM_NO_HOST);
        free(p);
        return;
    }
    h->allowed[p->target->index] = true;
    if (h->sim->filter && h->sim->filter(h->sim, p, h->sim->filter_user)) {
        sim_note_packet(h->sim, p, SIM_LOST);
        free(p);
        return;
    }
    sim_note_packet(h->sim, p, SIM_SENT);
    sim_link_send(p->route[0], p);
}

void sim_host_inject(struct sim_host *h, const struct sc_underlay *from,
                     const struct sc_underlay *to, const void *data, size_t len)
{
    struct sim_packet *p = new_packet(h, from, to, len, 0);
    if (len)
        memcpy(p->data, data, len);
    send_packet(h, p);
}

/* Reads on in a train's pieces. */
struct gather {
    const struct iovec *iov;
    size_t left; /* pieces */
    size_t offset;
};

static bool gather(struct gather *g, uint8_t *out, size_t len)
{
    while (len) {
        if (!g->left)
            return false;
        size_t n = g->iov->iov_len - g->offset;
        if (n > len)
            n = len;
        if (n)
            memcpy(out, (const uint8_t *)g->iov->iov_base + g->offset, n);
        out += n;
        len -= n;
        g->offset += n;
        if (g->offset == g->iov->iov_len) {
            g->iov++;
            g->left--;
            g->offset = 0;
        }
    }
    return true;
}

static bool train_is_sane(struct sim_host *h, const struct sc_train *t)
{
    size_t sum = 0;
    for (size_t i = 0; i < t->iov_count; i++)
        sum += t->iov[i].iov_len;
    size_t segments = t->segment ? (t->len + t->segment - 1) / t->segment : 0;
    if (!t->segment || !t->len || sum != t->len || segments > SC_TRAIN_SEGMENTS ||
        t->len > SC_TRAIN_BYTES || (t->probe_mtu && segments != 1) ||
        (h->config.datagram_limit && t->segment > h->config.datagram_limit)) {
        sim_violation(h->sim, "%s: bad train: segment %zu, len %zu, pieces %zu bytes",
                      h->config.host_name, t->segment, t->len, sum);
        return false;
    }
    return true;
}

/* For the host's own network. */
static bool is_too_large(const struct sim_host *h, size_t len)
{
    const struct sim_link_config *out = &h->out->config;
    return out->refuse_large && out->mtu && len + SIM_IP_UDP > out->mtu;
}

/* Packets of one flow after the other, marked alike, and none of them a probe. */
static bool company_is_sane(struct sim_host *h, const struct sc_train *t)
{
    bool shared = false;
    for (size_t i = 0; i < t->packet_count; i++) {
        const struct sc_packet *p = &t->packet[i];
        bool last = i + 1 == t->packet_count;
        shared |= p->flow != t->packet[0].flow;
        if ((!last && p->sent.size != t->segment) || !(p->sent.flags & SC_SENT_ECT) == t->ect ||
            (shared && (t->probe_mtu || p->sent.size > p->flow->path.pmtu.size))) {
            sim_violation(h->sim, "%s: packet %zu of %zu does not belong into its train",
                          h->config.host_name, i, t->packet_count);
            return false;
        }
    }
    h->trains++;
    h->shared += shared ? t->packet_count : 0;
    return true;
}

static void send_train(struct sim_host *h, const struct sc_train *t)
{
    if (!train_is_sane(h, t) || !company_is_sane(h, t))
        return;
    struct gather g = {.iov = t->iov, .left = t->iov_count};
    for (size_t done = 0; done < t->len; done += t->segment) {
        size_t len = t->len - done < t->segment ? t->len - done : t->segment;
        struct sim_packet *p = new_packet(h, &h->underlay, &t->to, len, t->ect ? 2 : 0);
        gather(&g, p->data, len);
        sim_audit_packet(h->sim->audit, h, p->data, len);
        if (!is_too_large(h, len)) {
            send_packet(h, p);
            continue;
        }
        free(p);
        sc_stack_on_send_error(h->stack, t, done / t->segment, true, h->sim->now);
    }
}

/* --- a turn of the host's loop ---------------------------------------------------------------- */

static bool feed_inbox(struct sim_host *h)
{
    bool any = h->inbox != NULL;
    for (struct sim_packet *p = h->inbox; p; p = p->next)
        sc_stack_feed(h->stack, p->data, p->len, &p->from, p->ecn, h->sim->now);
    return any;
}

static void empty_inbox(struct sim_host *h)
{
    while (h->inbox) {
        struct sim_packet *next = h->inbox->next;
        /* What was borrowed beyond settle shall be seen. */
        memset(h->inbox->data, 0xdd, h->inbox->len);
        free(h->inbox);
        h->inbox = next;
    }
    h->inbox_end = &h->inbox;
}

static bool drain(struct sim_host *h)
{
    bool any = false;
    while (!h->sim->violation[0] && sc_stack_drain(h->stack, h->sim->train, h->sim->now)) {
        send_train(h, h->sim->train);
        any = true;
    }
    return any;
}

static void take_turn(struct sim *sim, void *arg, uint64_t value);

/* A stack whose deadline stays at now after it was served would keep its owner spinning. */
static void watch_for_spin(struct sim_host *h, bool idle)
{
    if (!idle || h->spin_at != h->sim->now) {
        h->spin = 0;
        h->spin_at = h->sim->now;
    } else if (++h->spin > SPIN_MAX) {
        sim_violation(h->sim, "%s: the deadline stays at or before now", h->config.host_name);
    }
}

static void arm(struct sim_host *h)
{
    sc_time at = sc_stack_deadline(h->stack);
    if (at == SC_NEVER) {
        h->wake_at = SC_NEVER;
        return;
    }
    at = sc_time_max(at, h->sim->now);
    if (at == h->wake_at && at > h->sim->now)
        return;
    h->wake_at = at;
    sim_at(h->sim, at, take_turn, h, at);
}

static void turn(struct sim_host *h)
{
    sc_time now = h->sim->now;
    bool busy = false;
    h->turns++;
    if (sc_stack_deadline(h->stack) <= now)
        sc_stack_tick(h->stack, now);
    if (feed_inbox(h)) {
        busy = true;
        if (!h->lazy)
            sim_app_take_events(h);
        sc_stack_settle(h->stack, now);
        empty_inbox(h);
    }
    bool events, sent; /* each may bring about the other */
    do {
        events = sim_app_take_events(h);
        sent = drain(h);
        events |= sim_app_take_events(h);
        busy |= events || sent;
    } while (events || sent);
    size_t memory = sc_stack_memory(h->stack);
    if (memory > h->max_memory)
        h->max_memory = memory;
    watch_for_spin(h, !busy);
    arm(h);
}

/* value: 0 for a kick, else the time at which the stack wanted to be called. */
static void take_turn(struct sim *sim, void *arg, uint64_t value)
{
    struct sim_host *h = arg;
    if (value == 0)
        h->turn_pending = false;
    else if (value != h->wake_at)
        return; /* it has changed its mind since */
    else
        h->wake_at = SC_NEVER;
    if (h->stack && !sim->violation[0])
        turn(h);
}

void sim_host_kick(struct sim_host *h)
{
    if (h->turn_pending)
        return;
    h->turn_pending = true;
    sim_at(h->sim, h->sim->now, take_turn, h, 0);
}

static void end_gathering(struct sim *sim, void *arg, uint64_t value)
{
    (void)sim;
    (void)value;
    struct sim_host *h = arg;
    h->gathering = false;
    sim_host_kick(h);
}

static void gather_more(struct sim_host *h)
{
    if (h->gathers == 0)
        sim_host_kick(h);
    else if (!h->gathering)
        sim_at(h->sim, h->sim->now + h->gathers, end_gathering, h, 0);
    h->gathering = h->gathers > 0;
}

void sim_host_deliver(struct sim_host *h, struct sim_packet *p)
{
    bool known = !p->source || h->allowed[p->source->index];
    if ((!h->stack && !h->on_packet) || (h->firewall && !known)) {
        sim_note_packet(h->sim, p, h->firewall && !known ? SIM_BLOCKED : SIM_NO_HOST);
        free(p);
        return;
    }
    sim_note_packet(h->sim, p, SIM_DELIVERED);
    h->packets_in++;
    h->bytes_in += p->len;
    if (h->on_packet) {
        h->on_packet(h, p);
        free(p);
        return;
    }
    p->next = NULL;
    *h->inbox_end = p;
    h->inbox_end = &p->next;
    gather_more(h);
}

/* --- life ------------------------------------------------------------------------------------- */

struct sim_host *sim_host_prepare(struct sim *sim, const char *name, struct sim_host *router,
                                  const struct sim_link_config *out,
                                  const struct sim_link_config *in)
{
    struct sim_host *h = calloc(1, sizeof *h);
    if (!h || sim->host_count == SIM_HOSTS)
        abort();
    h->sim = sim;
    h->index = sim->host_count;
    h->underlay = address_of(sim, h->index);
    h->router = router;
    h->out = sim_link_new(sim, out);
    h->in = sim_link_new(sim, in);
    h->inbox_end = &h->inbox;
    h->wake_at = SC_NEVER;
    snprintf(h->config.host_name, sizeof h->config.host_name, "%s", name);
    if (router)
        h->config.router = router->underlay;
    h->config.domain = 1;
    h->config.pool_base = 0xc6120000; /* 198.18.0.0/15 */
    h->config.pool_bits = 15;
    sim->host[sim->host_count++] = h;
    return h;
}

static void serve(struct sim_service *s)
{
    int error = sc_stack_serve(s->host->stack, &s->id, s, &s->instance, s->host->sim->now);
    if (error)
        sim_violation(s->host->sim, "serve: %d", error);
    else if (s->refuse)
        sc_instance_set_accepting(s->instance, false);
    sim_host_kick(s->host);
}

void sim_host_start(struct sim_host *h)
{
    for (size_t i = 0; i < sizeof h->config.secret; i++)
        h->config.secret[i] = (uint8_t)sc_rng_next(&h->sim->rng);
    h->config.seed = sc_rng_next(&h->sim->rng);
    h->config.entropy = drawn_from(&h->rng);
    sc_rng_seed(&h->rng, h->config.seed);
    h->config.epoch = sc_rng_next(&h->sim->rng) | 1;
    h->incarnation++;
    sim_keys_give(h);
    h->stack = sc_stack_new(&h->config, h->sim->now);
    if (!h->stack)
        abort();
    sim_keys_teach(h);
    sim_disk_restore(h);
    for (struct sim_service *s = h->services; s; s = s->next)
        serve(s);
    sim_note(h->sim, h, "start", h->incarnation, 0);
    sim_host_kick(h);
}

struct sim_host *sim_host_new(struct sim *sim, const char *name, struct sim_host *router,
                              const struct sim_link_config *out, const struct sim_link_config *in)
{
    struct sim_host *h = sim_host_prepare(sim, name, router, out, in);
    sim_host_start(h);
    return h;
}

static void swallow(struct sim_host *h, struct sim_packet *p)
{
    (void)h;
    (void)p;
}

struct sim_host *sim_host_raw(struct sim *sim, const char *name)
{
    struct sim_host *h = sim_host_prepare(sim, name, NULL, NULL, NULL);
    h->on_packet = swallow;
    return h;
}

void sim_host_kill(struct sim_host *h)
{
    sim_note(h->sim, h, "killed", 0, 0);
    sim_app_host_died(h);
    for (struct sim_service *s = h->services; s; s = s->next)
        s->instance = NULL;
    if (h->stack) {
        sim_keys_keep(h);
        sc_stack_free(h->stack);
    }
    h->stack = NULL;
    h->wake_at = SC_NEVER;
    empty_inbox(h);
}

void sim_host_restart(struct sim_host *h)
{
    if (h->stack)
        sim_host_kill(h);
    sim_host_start(h);
}

void sim_host_move(struct sim_host *h)
{
    size_t at = h->sim->ipv6 ? 13 : 1;
    h->underlay.ip[at]++;
    sim_note(h->sim, h, "moved", h->underlay.ip[at], 0);
}

static void kill_event(struct sim *sim, void *arg, uint64_t value)
{
    (void)sim;
    (void)value;
    sim_host_kill(arg);
}

static void restart_event(struct sim *sim, void *arg, uint64_t value)
{
    (void)sim;
    (void)value;
    sim_host_restart(arg);
}

void sim_host_kill_at(struct sim_host *h, sc_time at)
{
    sim_at(h->sim, at, kill_event, h, 0);
}

void sim_host_restart_at(struct sim_host *h, sc_time at)
{
    sim_at(h->sim, at, restart_event, h, 0);
}

struct sim_service *sim_serve(struct sim_host *h, const char *name)
{
    struct sim_service *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->host = h;
    s->id = sim_service_id(name);
    s->next = h->services;
    h->services = s;
    serve(s);
    return s;
}

void sim_unserve(struct sim_service *s)
{
    if (s->instance)
        sc_stack_unserve(s->host->stack, s->instance, s->host->sim->now);
    s->instance = NULL;
    sim_host_kick(s->host);
}
