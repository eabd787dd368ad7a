/* A recorder behind the seam for events: what a flow does is what it says that it does. */
#include "transport/pair.h"

#include <errno.h>

#define PACKETS 4096

struct recorder {
    char states[128]; /* "OPENING OPEN ..." */
    sc_time last;
    unsigned sent[16], received[16]; /* by type */
    unsigned lost;
    uint64_t next; /* number of the next packet that is sent */
    size_t size[PACKETS];
};

static void on_time(struct recorder *r, sc_time now)
{
    assert_true(now >= r->last);
    r->last = now;
}

static void on_state(void *watcher, uint32_t flow, const char *from, const char *to, sc_time now)
{
    struct recorder *r = watcher;
    size_t len = strlen(r->states);
    on_time(r, now);
    assert_true(flow == 7 || flow == 9);
    if (len == 0)
        len = (size_t)snprintf(r->states, sizeof r->states, "%s", from);
    assert_string_equal(r->states + len - strlen(from), from); /* none was left out */
    snprintf(r->states + len, sizeof r->states - len, " %s", to);
}

static void on_sent(void *watcher, const struct sc_trace_packet *p, sc_time now)
{
    struct recorder *r = watcher;
    on_time(r, now);
    r->sent[p->type]++;
    if (p->type != SC_PKT_CONFIRM && p->type != SC_PKT_DATA)
        return;
    assert_int_equal(p->number, r->next++);
    if (p->number < PACKETS)
        r->size[p->number] = p->size;
}

static void on_received(void *watcher, const struct sc_trace_packet *p, sc_time now)
{
    struct recorder *r = watcher;
    on_time(r, now);
    r->received[p->type]++;
}

static void on_lost(void *watcher, const struct sc_trace_packet *p, sc_time now)
{
    struct recorder *r = watcher;
    on_time(r, now);
    r->lost++;
    assert_true(p->number < r->next);
    assert_int_equal(p->size, r->size[p->number]);
}

static const struct sc_trace_ops ops = {
    .state = on_state, .sent = on_sent, .received = on_received, .lost = on_lost};

static void watch(struct pair *p, struct recorder r[2])
{
    memset(r, 0, 2 * sizeof *r);
    for (int i = 0; i < 2; i++)
        p->env[i].trace = (struct sc_trace){&ops, &r[i]};
}

/* Writes, ends both ways, and waits until nothing is left. */
static void run(struct pair *p, uint64_t bytes)
{
    p->app[CLIENT].to_write = bytes;
    p->app[CLIENT].fin_after = p->app[SERVER].fin_after = true;
    assert_true(pair_run(p, pair_all_read, p->now + 60 * SC_SECOND));
    assert_true(pair_run(p, pair_both_dead, p->now + 60 * SC_SECOND));
}

static void records_a_flow(void **state)
{
    (void)state;
    static struct pair p;
    static struct recorder r[2];
    pair_init(&p, 1, NULL);
    watch(&p, r);
    run(&p, 1000);
    assert_string_equal(r[CLIENT].states, "OPENING OPEN LINGER DEAD");
    assert_string_equal(r[SERVER].states, "ANSWERED OPEN LINGER DEAD");
    assert_int_equal(r[CLIENT].sent[SC_PKT_OPEN], 1);
    assert_int_equal(r[SERVER].sent[SC_PKT_ANSWER], 1);
    assert_int_equal(r[CLIENT].sent[SC_PKT_CONFIRM], r[SERVER].received[SC_PKT_CONFIRM]);
    assert_int_equal(r[CLIENT].sent[SC_PKT_DATA], r[SERVER].received[SC_PKT_DATA]);
    assert_int_equal(r[SERVER].sent[SC_PKT_DATA], r[CLIENT].received[SC_PKT_DATA]);
    assert_int_equal(r[CLIENT].lost + r[SERVER].lost, 0);
    pair_fini(&p);
}

static void records_what_is_lost(void **state)
{
    (void)state;
    static struct pair p;
    static struct recorder r[2];
    pair_init(&p, 2, NULL);
    p.flow[CLIENT].path.pmtu.limit = SC_DATAGRAM_BASE; /* no probes of larger ones */
    p.link[CLIENT].loss = 0.1;
    watch(&p, r);
    run(&p, 500000);
    for (int i = 0; i < 2; i++) {
        const struct sc_flow_stats *s = &p.flow[i].stats;
        assert_int_equal(r[i].sent[SC_PKT_CONFIRM] + r[i].sent[SC_PKT_DATA], s->packets_sent);
        assert_int_equal(r[i].received[SC_PKT_CONFIRM] + r[i].received[SC_PKT_DATA],
                         s->packets_received);
        assert_int_equal(r[i].lost, s->packets_lost);
    }
    assert_true(r[CLIENT].lost > 0);
    pair_fini(&p);
}

static void records_a_failure(void **state)
{
    (void)state;
    static struct pair p;
    static struct recorder r[2];
    pair_init(&p, 3, NULL);
    watch(&p, r);
    assert_true(pair_run(&p, pair_both_open, p.now + SC_SECOND));
    sc_flow_abort(&p.flow[CLIENT], SC_ABORT_RESET, ECONNRESET, p.now);
    assert_true(pair_run(&p, pair_both_dead, p.now + 60 * SC_SECOND));
    assert_string_equal(r[CLIENT].states, "OPENING OPEN FAILED DEAD");
    assert_string_equal(r[SERVER].states, "ANSWERED OPEN FAILED DEAD");
    pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_a_flow),
        cmocka_unit_test(records_what_is_lost),
        cmocka_unit_test(records_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
