/* Whole stacks, a router and two hosts, between their owners, a network and strangers: datagrams
 * from several sources, valid, changed, forged, lost, repeated and reordered, virtual time, and
 * what owners may call. Nothing may crash, leak, spin, answer an address that proved nothing with
 * more than came from it, or miscount; and when all have let go, nothing is left. Without hostile
 * packets every stream has the bytes that were written, and an end only where one was.
 *
 * stack_records.h has the input. */
#include <string.h>

#include "stack_records.h"
#include "stack_world.h"

/* Steps of time: what happens to timers of every kind, and the moments around them. */
static const sc_time steps[16] = {1,
                                  1 * SC_MS,
                                  11 * SC_MS,
                                  50 * SC_MS,
                                  100 * SC_MS,
                                  300 * SC_MS,
                                  301 * SC_MS,
                                  1 * SC_SECOND,
                                  2 * SC_SECOND,
                                  3 * SC_SECOND,
                                  4 * SC_SECOND,
                                  5 * SC_SECOND + 1,
                                  10 * SC_SECOND,
                                  21 * SC_SECOND,
                                  61 * SC_SECOND,
                                  128 * SC_SECOND};

static const size_t mtus[] = {0, 1200, 1201, 1472, 8972, 600};

/* --- what the network does -------------------------------------------------------------------- */

/* Hosts refresh their leases every second: long runs cost much, and world_end has one. */
#define RUN_MAX (21 * SC_SECOND)

static void on_run(struct world *w, const struct record *r)
{
    run(w, sc_time_min(steps[r->a & 15], RUN_MAX), 1 + (r->b & 15));
}

static void on_pump(struct world *w, const struct record *r)
{
    pump(w, 1 + (r->b & 63));
}

/* Its packets are on their way, and stay there. */
static void on_drain(struct world *w, const struct record *r)
{
    drain(&w->node[r->node % NODES]);
}

static void on_sleep(struct world *w, const struct record *r)
{
    sleep_over(w, steps[r->a & 15]);
}

static void on_deliver(struct world *w, const struct record *r)
{
    struct packet *p = take_packet(w, r->c);
    if (!p)
        return;
    deliver(w, p);
    for (size_t i = 0; (r->a & 1) && i < NODES; i++)
        settle(&w->node[i]);
}

static void on_drop(struct world *w, const struct record *r)
{
    for (size_t i = r->a & 31; i < 32 && w->first; i++)
        free(take_packet(w, r->c));
}

static struct packet *copy(const struct packet *p)
{
    struct packet *again = make_packet(0, 0, p->data, p->len);
    again->from = p->from;
    again->to = p->to;
    return again;
}

static void on_duplicate(struct world *w, const struct record *r)
{
    struct packet *p = take_packet(w, r->c);
    if (!p)
        return;
    put_packet(w, copy(p));
    put_packet(w, p);
}

/* A packet of some time ago. */
static void on_replay(struct world *w, const struct record *r)
{
    const struct packet *p = w->history[r->c % HISTORY];
    if (p)
        put_packet(w, copy(p));
}

static void on_change(struct world *w, const struct record *r)
{
    struct packet *p = w->hostile ? take_packet(w, r->b) : NULL;
    if (!p)
        return;
    if (p->len > 0)
        p->data[r->c % p->len] ^= (uint8_t)(r->d ? r->d : 1);
    deliver(w, p);
}

static void on_cut(struct world *w, const struct record *r)
{
    struct packet *p = w->hostile ? take_packet(w, r->b) : NULL;
    if (!p)
        return;
    struct packet *shorter = make_packet(0, 0, p->data, r->c % (p->len + 1));
    shorter->from = p->from;
    shorter->to = p->to;
    free(p);
    deliver(w, shorter);
}

/* It comes from elsewhere, or goes elsewhere. */
static void on_redirect(struct world *w, const struct record *r)
{
    struct packet *p = w->hostile ? take_packet(w, r->c) : NULL;
    if (!p)
        return;
    if (r->a & 1)
        p->to = place(r->b);
    else
        p->from = place(r->b % VICTIM);
    deliver(w, p);
}

static void on_forge(struct world *w, const struct record *r)
{
    struct node *to = &w->node[r->node % NODES];
    if (!w->hostile)
        return;
    forge(w, r->b, to, r->a, (uint32_t)r->c << 16 | r->d);
    if (!(r->a & 0x80))
        settle(to);
}

/* Many of a kind. */
static void on_flood(struct world *w, const struct record *r)
{
    struct node *to = &w->node[r->node % NODES];
    for (size_t i = 0; w->hostile && i <= (r->c & 255); i++) {
        forge(w, r->b, to, r->a, (uint32_t)(r->d * 65537u + i));
        if (i % 64 == 63)
            settle(to);
    }
    settle(to);
}

/* As if thousands of others had flows half-open there: the next one must bring a cookie. */
static void on_crowd(struct world *w, const struct record *r)
{
    struct node *n = &w->node[r->node % NODES];
    node_crowd(n, n->crowd ? 0 : SC_HALF_OPEN_MAX);
}

static void on_network(struct world *w, const struct record *r)
{
    w->mtu = mtus[r->a % (sizeof mtus / sizeof *mtus)];
    w->ecn = r->b & 3;
    w->loss = r->c & 255;
}

/* Home, or to another address. */
static void on_move(struct world *w, const struct record *r)
{
    struct node *n = &w->node[r->node % NODES];
    n->at = r->a & 1 ? PLACES + n->place : n->place;
}

static void on_send_error(struct world *w, const struct record *r)
{
    w->node[r->node % NODES].send_error = r->a % 3;
}

static void on_unreachable(struct world *w, const struct record *r)
{
    struct sc_underlay at = place(r->b);
    sc_stack_on_unreachable(w->node[r->node % NODES].stack, &at, w->now);
}

static void on_restart(struct world *w, const struct record *r)
{
    struct node *n = &w->node[r->node % NODES];
    node_stop(n);
    node_start(n);
}

/* --- what owners do --------------------------------------------------------------------------- */

static void on_owner(struct world *w, const struct record *r)
{
    struct node *n = &w->node[r->node % NODES];
    n->hold_arrivals = r->a & 1;
    n->hold_ended = r->a & 2;
    n->late = r->a & 4;
}

static void on_connect(struct world *w, const struct record *r)
{
    owner_connect(&w->node[r->node % NODES], r->a, r->b & 1 ? steps[r->b >> 1 & 15] : 0);
}

static void on_accept(struct world *w, const struct record *r)
{
    owner_accept(&w->node[r->node % NODES], r->a);
}

static void on_write(struct world *w, const struct record *r)
{
    owner_write(&w->node[r->node % NODES], r->a, r->c);
}

static void on_read(struct world *w, const struct record *r)
{
    owner_read(&w->node[r->node % NODES], r->a, r->b & 1 ? r->c : SIZE_MAX);
}

static void on_finish(struct world *w, const struct record *r)
{
    owner_finish(&w->node[r->node % NODES], r->a);
}

static void on_urgent(struct world *w, const struct record *r)
{
    owner_urgent(&w->node[r->node % NODES], r->a);
}

static void on_discard(struct world *w, const struct record *r)
{
    owner_discard(&w->node[r->node % NODES], r->a);
}

static void on_abort(struct world *w, const struct record *r)
{
    owner_abort(&w->node[r->node % NODES], r->a);
}

static void on_release(struct world *w, const struct record *r)
{
    owner_release(&w->node[r->node % NODES], r->a);
}

static void on_user_timeout(struct world *w, const struct record *r)
{
    owner_user_timeout(&w->node[r->node % NODES], r->a, r->b & 16 ? 0 : steps[r->b & 15]);
}

static void on_serve(struct world *w, const struct record *r)
{
    owner_serve(&w->node[r->node % NODES], r->a);
}

static void on_unserve(struct world *w, const struct record *r)
{
    owner_unserve(&w->node[r->node % NODES], r->a);
}

static void on_accepting(struct world *w, const struct record *r)
{
    owner_accepting(&w->node[r->node % NODES], r->a, r->b & 1);
}

static void on_lookup(struct world *w, const struct record *r)
{
    owner_lookup(&w->node[r->node % NODES], r->a, r->b);
}

static void on_datagram(struct world *w, const struct record *r)
{
    owner_datagram(&w->node[r->node % NODES], r->a, r->b, r->c);
}

static void on_refuse_datagram(struct world *w, const struct record *r)
{
    owner_refuse_datagram(&w->node[r->node % NODES]);
}

static void on_status(struct world *w, const struct record *r)
{
    owner_look_at_status(&w->node[r->node % NODES]);
}

/* --- the input -------------------------------------------------------------------------------- */

/* make_corpus.py knows them by number. */
static void (*const ops[])(struct world *w, const struct record *r) = {
    on_run,         on_pump,         on_sleep,    on_deliver,
    on_drop,        on_duplicate,    on_replay,   on_change,
    on_cut,         on_redirect,     on_forge,    on_flood,
    on_network,     on_send_error,   on_restart,  on_owner,
    on_connect,     on_accept,       on_write,    on_read,
    on_finish,      on_urgent,       on_discard,  on_abort,
    on_release,     on_user_timeout, on_serve,    on_unserve,
    on_accepting,   on_lookup,       on_datagram, on_refuse_datagram,
    on_status,      on_move,         on_drain,    on_crowd,
    on_unreachable,
};

static struct record next_record(struct sc_reader *in)
{
    struct record r;
    r.op = sc_read_u8(in);
    r.node = sc_read_u8(in);
    r.a = sc_read_u8(in);
    r.b = sc_read_u8(in);
    r.c = sc_read_u16(in);
    r.d = sc_read_u16(in);
    return r;
}

/* The stacks' secrets depend on all of the input: none is learnt from what the last run compared.
 */
static uint64_t seed_of(const uint8_t *data, size_t size)
{
    static const uint64_t key[2] = {1, 2};
    return sc_hash(key, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct sc_reader in = sc_reader(data, size);
    struct record head = next_record(&in);
    world_begin(&w, seed_of(data, size), head.op & 1, head.a);
    for (size_t i = 0; i < RECORDS_MAX && sc_reader_left(&in) >= RECORD; i++) {
        struct record r = next_record(&in);
        ops[r.op % (sizeof ops / sizeof *ops)](&w, &r);
    }
    world_end(&w);
    return 0;
}
