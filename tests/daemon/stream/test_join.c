/* Two programs of one host, joined: what one writes the other reads, and each end of one is the
 * same end for the other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/scaffoldd.h"

#define LOOPBACK 0x7f000001u
#define PORT 8080
#define NOBODY 8081

struct world {
    struct sc_daemon *daemon;
    struct sc_bound *bound;
    struct sc_waiter waiter;
    int told, error;
    int listener, client, server; /* the programs' sockets; -1: closed */
};

static void on_opened(struct sc_waiter *w, int error)
{
    struct world *x = sc_container(w, struct world, waiter);
    x->told++;
    x->error = error;
}

static void start(struct world *w)
{
    *w = (struct world){.daemon = scaffoldd_start(sc_planes, true), .client = -1, .server = -1};
    w->listener = scaffoldd_listens(w->daemon, PORT, 10, &w->bound);
}

static void connects(struct world *w, uint16_t port)
{
    struct sc_request r = {.service = w->bound->service->id,
                           .target = sc_address_v4(LOOPBACK, port),
                           .own = sc_address_v4(LOOPBACK, 0),
                           .family = SC_FAMILY_INET,
                           .uid = 1001,
                           .loopback = true};
    r.service = sc_service_id_at(r.service, port, sc_service_id_proto(&r.service));
    w->waiter.opened = on_opened;
    w->client = scaffoldd_connects(w->daemon, &r, &w->waiter);
    assert_int_equal(w->told, 1);
}

static void start_joined(struct world *w)
{
    start(w);
    connects(w, PORT);
    assert_int_equal(w->error, 0);
    w->server = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(w->server >= 0);
}

static void closes(struct world *w, int *fd)
{
    close(*fd);
    *fd = -1;
    scaffoldd_settle(w->daemon);
}

static void stop(struct world *w)
{
    int *fds[] = {&w->client, &w->server, &w->listener};
    for (size_t i = 0; i < 3; i++)
        if (*fds[i] >= 0)
            closes(w, fds[i]);
    scaffoldd_stop(w->daemon);
}

static void writes(struct world *w, int fd, const char *text, int flags)
{
    assert_int_equal(send(fd, text, strlen(text), flags), strlen(text));
    scaffoldd_settle(w->daemon);
}

static void assert_reads(int fd, const char *text)
{
    char got[64] = "";
    assert_int_equal(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), strlen(text));
    assert_string_equal(got, text);
}

/* 0: the end of the stream; or a negative errno. */
static ssize_t read_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    assert_true(n <= 0);
    return n < 0 ? -errno : 0;
}

static void both_ways(void **state)
{
    (void)state;
    struct world w;
    start_joined(&w);
    writes(&w, w.client, "question", 0);
    assert_reads(w.server, "question");
    writes(&w, w.server, "answer", 0);
    assert_reads(w.client, "answer");
    assert_int_equal(read_end(w.client), -EAGAIN);
    stop(&w);
}

/* Each direction ends for itself; behind both the session is over. */
static void ends_one_by_one(void **state)
{
    (void)state;
    struct world w;
    start_joined(&w);
    writes(&w, w.client, "last", 0);
    shutdown(w.client, SHUT_WR);
    scaffoldd_settle(w.daemon);
    assert_reads(w.server, "last");
    assert_int_equal(read_end(w.server), 0);
    writes(&w, w.server, "answer", 0);
    closes(&w, &w.server);
    assert_reads(w.client, "answer");
    assert_int_equal(read_end(w.client), 0);
    assert_int_equal(w.daemon->sessions.count, 0);
    stop(&w);
}

/* More than fits: what is left over waits for room, byte for byte. */
static void more_than_fits(void **state)
{
    (void)state;
    enum { LEN = 4 << 20 };
    struct world w;
    uint8_t *sent = malloc(LEN), *got = malloc(LEN);
    size_t out = 0, in = 0;
    start_joined(&w);
    for (size_t i = 0; i < LEN; i++)
        sent[i] = (uint8_t)(i * 2654435761u >> 13);
    while (in < LEN) {
        ssize_t n = send(w.client, sent + out, LEN - out, MSG_DONTWAIT);
        out += n > 0 ? (size_t)n : 0;
        scaffoldd_settle(w.daemon);
        n = recv(w.server, got + in, LEN - in, MSG_DONTWAIT);
        in += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(sent, got, LEN);
    free(sent);
    free(got);
    stop(&w);
}

static void an_urgent_byte_keeps_its_place(void **state)
{
    (void)state;
    struct world w;
    char byte;
    start_joined(&w);
    writes(&w, w.client, "before", 0);
    writes(&w, w.client, "!", MSG_OOB);
    writes(&w, w.client, "behind", 0);
    assert_reads(w.server, "before");
    assert_int_equal(recv(w.server, &byte, 1, MSG_OOB | MSG_DONTWAIT), 1);
    assert_int_equal(byte, '!');
    assert_reads(w.server, "behind");
    stop(&w);
}

/* A program that closes with bytes unread resets, as TCP does. */
static void a_reset(void **state)
{
    (void)state;
    struct world w;
    start_joined(&w);
    writes(&w, w.client, "unread", 0);
    closes(&w, &w.server);
    assert_int_equal(read_end(w.client), -ECONNRESET);
    assert_int_equal(w.daemon->sessions.count, 0);
    stop(&w);
}

/* Nobody serves there, and loopback is reached by no other plane. */
static void nobody_serves(void **state)
{
    (void)state;
    struct world w;
    start(&w);
    connects(&w, NOBODY);
    assert_int_equal(w.error, ECONNREFUSED);
    assert_int_equal(read_end(w.client), -ECONNRESET);
    stop(&w);
}

/* The listener is chosen, and its program turns out to be gone: the share goes back, too. */
static void the_server_is_gone(void **state)
{
    (void)state;
    struct world w;
    start(&w);
    struct sc_service_id service = w.bound->service->id;
    close(w.listener);
    w.listener = -1;
    connects(&w, PORT);
    assert_int_equal(w.error, ECONNREFUSED);
    assert_null(sc_bound_service_find(w.daemon, &service));
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(ends_one_by_one),
        cmocka_unit_test(more_than_fits),
        cmocka_unit_test(an_urgent_byte_keeps_its_place),
        cmocka_unit_test(a_reset),
        cmocka_unit_test(nobody_serves),
        cmocka_unit_test(the_server_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
