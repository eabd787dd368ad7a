/* The status is told in slices: what each of them may cost, and what is told while everything
 * changes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session_parts.h"
#include "naming/service_id.h"
#include "wire/packet.h"

/* Rows that share one bucket, at most: what a slice may have beyond its measure. */
#define CHAIN 20
#define EPOCH 77

/* What program.c has otherwise. */
static unsigned names_read;

void sc_program_name(pid_t pid, char *buf, size_t size)
{
    names_read++;
    snprintf(buf, size, "program-%d", pid);
}

/* A scaffoldd without sockets: tables, a loop, and a router's stack. */
static struct sc_daemon *start(void)
{
    static const uint64_t seed[2] = {1, 2};
    struct sc_daemon *d = calloc(1, sizeof *d);
    assert_non_null(d);
    assert_int_equal(sc_loop_init(&d->loop), 0);
    struct sc_stack_config c = {
        .host_name = "here", .domain = 1, .pool_base = 0xc6120000, .pool_bits = 15, .epoch = 1};
    d->stack = sc_stack_new(&c, d->loop.now);
    assert_non_null(d->stack);
    snprintf(d->config.host_name, sizeof d->config.host_name, "here");
    sc_shares_init(&d->shares, 500, 1 << 20, seed);
    sc_bound_init(&d->bound, seed);
    sc_endpoint_table_init(&d->endpoints, 3);
    sc_sessions_init(d, sc_planes);
    sc_status_init(d);
    return d;
}

static void stop(struct sc_daemon *d)
{
    sc_status_fini(d);
    sc_sessions_fini(d);
    sc_endpoint_table_fini(&d->endpoints);
    sc_bound_fini(&d->bound);
    sc_shares_fini(&d->shares);
    sc_stack_free(d->stack);
    sc_loop_fini(&d->loop);
    free(d);
}

/* --- what is in the tables -------------------------------------------------------------------- */

static void feed(struct sc_daemon *d, const struct sc_control *c)
{
    static const struct sc_underlay from = {.family = 4, .port = 7213, .ip = {10, 0, 0, 1}};
    uint8_t packet[SC_DATAGRAM_BASE];
    struct sc_writer w = sc_writer(packet, sizeof packet);
    struct sc_event e;
    struct sc_train t;
    sc_control_write(&w, c);
    sc_stack_feed(d->stack, packet, sc_writer_len(&w), &from, 0, d->loop.now);
    sc_stack_settle(d->stack, d->loop.now);
    for (bool more = true; more;) {
        more = sc_stack_next_event(d->stack, &e);
        if (more && e.type == SC_EVENT_STORE)
            sc_stack_stored(d->stack, e.token, 0, d->loop.now);
        more |= sc_stack_drain(d->stack, &t, d->loop.now);
    }
}

/* A new host gets the network address that it asks for. */
static void join(struct sc_daemon *d, uint32_t number)
{
    struct sc_control c = {
        .message = SC_MSG_JOIN, .src = sc_network_address(1, 1000 + number), .epoch = EPOCH};
    d->loop.now += SC_SECOND / SC_NAMES_OF_STRANGER; /* new names have a rate */
    snprintf(c.name, sizeof c.name, "host-%u", number);
    feed(d, &c);
}

/* One instance of a service that everybody serves, and `more` of its own. */
static void serve(struct sc_daemon *d, uint32_t number, unsigned more)
{
    struct sc_control c = {.message = SC_MSG_REGISTER,
                           .src = sc_network_address(1, 1000 + number),
                           .epoch = EPOCH,
                           .service_count = more + 1};
    for (unsigned i = 0; i <= more; i++) {
        char name[64] = "web.acme.scaffold:80";
        if (i)
            snprintf(name, sizeof name, "web-%u-%u.acme.scaffold:80", number, i);
        c.service[i] = service_id(name);
    }
    feed(d, &c);
}

/* A flow that is over as soon as it is taken out of the table: nothing but what status looks at. */
static void open_flow(struct sc_daemon *d, struct sc_session *s, uint64_t id)
{
    *s = (struct sc_session){.daemon = d, .id = id, .open = true, .plane = &sc_join};
    s->client.watch.fd = 1000000;
    s->client.pid = 7;
    s->client.own_serial = id;
    s->server.watch.fd = -1;
    assert_int_equal(sc_map_insert(&d->sessions, &s->by_id), 0);
}

static void close_flow(struct sc_daemon *d, struct sc_session *s)
{
    sc_map_remove(&d->sessions, &s->by_id);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t len;
};

/* What is in the pipe now; false at its end. */
static bool take(int fd, struct text *t)
{
    static char piece[1 << 17];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0) {
        t->data = realloc(t->data, t->len + (size_t)n + 1);
        assert_non_null(t->data);
        memcpy(t->data + t->len, piece, (size_t)n);
        t->len += (size_t)n;
        t->data[t->len] = 0;
    }
    return n < 0;
}

/* The next line that starts with `what` at or after `at`; NULL: none. */
static const char *find_line(const char *at, const char *what)
{
    while (at && strncmp(at, what, strlen(what)) != 0) {
        at = strchr(at, '\n');
        at = at && at[1] ? at + 1 : NULL;
    }
    return at;
}

static size_t count(const struct text *t, const char *what)
{
    size_t n = 0;
    for (const char *at = t->data; (at = find_line(at, what)) != NULL; at++)
        n++;
    return n;
}

static bool is_whole(const struct text *t)
{
    static const char last[] = "\n[\"end\",{}]\n";
    size_t len = sizeof last - 1;
    return t->len > len && strcmp(t->data + t->len - len, last) == 0;
}

static void turn(struct sc_daemon *d)
{
    sc_loop_turn(&d->loop, d->loop.now);
}

/* Until the end, with `between` after each turn. Returns how many turns it took. */
static unsigned tell(struct sc_daemon *d, struct text *t, void (*between)(void *arg), void *arg)
{
    unsigned turns = 0;
    int fd = sc_status_begin(d, 0);
    assert_true(fd >= 0);
    *t = (struct text){0};
    for (; take(fd, t); turns++) {
        turn(d);
        if (between)
            between(arg);
    }
    close(fd);
    assert_true(is_whole(t));
    return turns;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void everything_in_slices(void **state)
{
    (void)state;
    enum { HOSTS = 3000, FLOWS = 3000 };
    struct sc_daemon *d = start();
    struct sc_session *flows = calloc(FLOWS, sizeof *flows);
    struct text t;
    for (uint32_t i = 0; i < HOSTS; i++) {
        join(d, i);
        serve(d, i, i % 3);
    }
    for (uint64_t i = 0; i < FLOWS; i++)
        open_flow(d, &flows[i], i + 1);
    names_read = 0;
    unsigned turns = tell(d, &t, NULL, NULL);
    assert_int_equal(names_read, 1); /* of the one program that has all flows */
    assert_non_null(strstr(t.data, "\"program\":\"program-7\""));
    assert_int_equal(count(&t, "[\"scaffoldd\","), 1);
    assert_int_equal(count(&t, "[\"host\","), HOSTS + 1);
    assert_int_equal(count(&t, "[\"instance\","), 2 * HOSTS);
    assert_int_equal(count(&t, "[\"flow\","), FLOWS);
    assert_int_equal(d->status.cut_off, 0);
    assert_in_range(d->status.most_rows, 1, SC_STATUS_SLICE_ROWS + CHAIN);
    assert_true(turns >= (3 * HOSTS + FLOWS) / (SC_STATUS_SLICE_ROWS + CHAIN));
    assert_true(sc_list_empty(&d->status.jobs));
    for (uint64_t i = 0; i < FLOWS; i++)
        close_flow(d, &flows[i]);
    free(flows);
    free(t.data);
    stop(d);
}

/* A program's name costs as much as several rows, and counts so. */
static void flows_of_many_programs(void **state)
{
    (void)state;
    enum { FLOWS = 1000 };
    struct sc_daemon *d = start();
    struct sc_session *flows = calloc(FLOWS, sizeof *flows);
    struct text t;
    for (int32_t i = 0; i < FLOWS; i++) {
        open_flow(d, &flows[i], (uint64_t)i + 1);
        flows[i].client.pid = i + 1;
    }
    names_read = 0;
    tell(d, &t, NULL, NULL);
    assert_int_equal(names_read, FLOWS);
    assert_in_range(d->status.most_rows, 1, SC_STATUS_SLICE_ROWS / 8 + CHAIN);
    for (size_t i = 0; i < FLOWS; i++)
        close_flow(d, &flows[i]);
    free(flows);
    free(t.data);
    stop(d);
}

/* Empty buckets cost something, too: a table that had been large is not walked in one turn. */
static void a_table_that_was_large(void **state)
{
    (void)state;
    enum { FLOWS = 20000 };
    struct sc_daemon *d = start();
    struct sc_session *flows = calloc(FLOWS, sizeof *flows);
    struct text t;
    for (uint64_t i = 0; i < FLOWS; i++)
        open_flow(d, &flows[i], i + 1);
    for (uint64_t i = 0; i < FLOWS; i++)
        close_flow(d, &flows[i]);
    assert_true(tell(d, &t, NULL, NULL) >= 9);
    assert_int_equal(count(&t, "["), 3);
    free(flows);
    free(t.data);
    stop(d);
}

/* Flows come and go between all slices; those with even ids stay. */
struct churn {
    struct sc_daemon *daemon;
    struct sc_session *flows;
    size_t count;
    uint64_t next;
    struct sc_rng rng;
};

static void change(void *arg)
{
    struct churn *c = arg;
    for (int i = 0; i < 50; i++) {
        struct sc_session *s = &c->flows[sc_rng_below(&c->rng, c->count) | 1];
        if (s->by_id.linked)
            close_flow(c->daemon, s);
        else
            open_flow(c->daemon, s, c->next++);
    }
    join(c->daemon, (uint32_t)c->next++);
}

/* How often each flow's id up to `last` is there. */
static void count_ids(const struct text *t, unsigned *told, uint64_t last)
{
    static const char before[] = "[\"flow\",{\"id\":\"";
    for (const char *at = t->data; (at = find_line(at, before)) != NULL;) {
        at += sizeof before - 1;
        uint64_t id = strtoull(at, NULL, 16);
        if (id <= last)
            told[id]++;
    }
}

static void what_stays_is_told_once(void **state)
{
    (void)state;
    enum { FLOWS = 4000 };
    static unsigned told[FLOWS + 1];
    struct churn c = {.daemon = start(),
                      .flows = calloc(FLOWS, sizeof *c.flows),
                      .count = FLOWS,
                      .next = FLOWS + 1};
    sc_rng_seed(&c.rng, 4);
    for (uint64_t i = 0; i < FLOWS; i++)
        open_flow(c.daemon, &c.flows[i], i + 1);
    for (int round = 0; round < 3; round++) {
        struct text t;
        assert_true(tell(c.daemon, &t, change, &c) > 20);
        memset(told, 0, sizeof told);
        count_ids(&t, told, FLOWS);
        for (uint64_t i = 0; i < FLOWS; i += 2)
            assert_int_equal(told[i + 1], 1);
        free(t.data);
    }
    for (uint64_t i = 0; i < FLOWS; i++)
        close_flow(c.daemon, &c.flows[i]);
    stop(c.daemon);
    free(c.flows);
}

/* Who does not read holds nothing up, and no more than a pipe and as much again. */
static void a_reader_that_does_not_read(void **state)
{
    (void)state;
    enum { FLOWS = 3000 };
    struct sc_daemon *d = start();
    struct sc_session *flows = calloc(FLOWS, sizeof *flows);
    struct text t;
    for (uint64_t i = 0; i < FLOWS; i++)
        open_flow(d, &flows[i], i + 1);
    int lazy = sc_status_begin(d, 0);
    for (int i = 0; i < 100; i++)
        turn(d);
    assert_true(sc_list_empty(&d->status.ready)); /* nothing to be done until it reads */
    tell(d, &t, NULL, NULL);
    free(t.data);
    assert_false(sc_list_empty(&d->status.jobs));
    close(lazy);
    turn(d);
    assert_true(sc_list_empty(&d->status.jobs));
    assert_int_equal(d->status.cut_off, 1);
    for (uint64_t i = 0; i < FLOWS; i++)
        close_flow(d, &flows[i]);
    free(flows);
    stop(d);
}

/* However many ask: one slice in a turn. */
static void many_askers(void **state)
{
    (void)state;
    enum { FLOWS = 2000 };
    struct sc_daemon *d = start();
    struct sc_session *flows = calloc(FLOWS, sizeof *flows);
    struct text t[SC_STATUS_MAX] = {0};
    int fd[SC_STATUS_MAX];
    for (uint64_t i = 0; i < FLOWS; i++)
        open_flow(d, &flows[i], i + 1);
    for (size_t i = 0; i < SC_STATUS_MAX; i++)
        assert_true((fd[i] = sc_status_begin(d, 0)) >= 0);
    assert_int_equal(sc_status_begin(d, 0), -EAGAIN);
    size_t open = SC_STATUS_MAX, turns = 0;
    for (; open > 0; turns++) {
        size_t grew = 0;
        turn(d);
        for (size_t i = 0; i < SC_STATUS_MAX; i++) {
            size_t before = t[i].len;
            if (fd[i] < 0)
                continue;
            if (!take(fd[i], &t[i])) {
                close(fd[i]);
                fd[i] = -1;
                open--;
            }
            grew += t[i].len > before;
        }
        assert_true(grew <= 1);
        assert_true(turns < 10000);
    }
    for (size_t i = 0; i < SC_STATUS_MAX; i++) {
        assert_true(is_whole(&t[i]));
        assert_int_equal(count(&t[i], "[\"flow\","), FLOWS);
        free(t[i].data);
    }
    for (uint64_t i = 0; i < FLOWS; i++)
        close_flow(d, &flows[i]);
    free(flows);
    stop(d);
}

/* Strangers leave some to root and the owner, and to each other. */
static void shares(void **state)
{
    (void)state;
    struct sc_daemon *d = start();
    size_t taken = 0, one = 0;
    int fd[SC_STATUS_MAX];
    while ((fd[taken] = sc_status_begin(d, 1000)) >= 0)
        taken++;
    one = taken;
    assert_int_equal(fd[taken], -EAGAIN);
    assert_in_range(one, 1, SC_STATUS_MAX / 2);
    for (uint32_t uid = 1001; uid < 1100; uid++)
        while ((fd[taken] = sc_status_begin(d, uid)) >= 0)
            taken++;
    assert_in_range(taken, one + 1, SC_STATUS_MAX - 1);
    assert_true((fd[taken++] = sc_status_begin(d, 500)) >= 0); /* the owner */
    while (taken > 0)
        close(fd[--taken]);
    turn(d);
    turn(d);
    assert_true(sc_list_empty(&d->status.jobs));
    assert_true((fd[0] = sc_status_begin(d, 1000)) >= 0);
    close(fd[0]);
    stop(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_of_many_programs),
        cmocka_unit_test(everything_in_slices),
        cmocka_unit_test(a_table_that_was_large),
        cmocka_unit_test(what_stays_is_told_once),
        cmocka_unit_test(a_reader_that_does_not_read),
        cmocka_unit_test(many_askers),
        cmocka_unit_test(shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
