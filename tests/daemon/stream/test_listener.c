/* A program's listening socket, and flows on their way into its queue: each is told once what
 * became of it, whoever goes first. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/meaning.h"
#include "daemon/scaffoldd.h"
#include "daemon/stream/arrival.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/serving.h"

#define LOOPBACK 0x7f000001u
#define PORT 8080

static const struct sc_plane_ops *const no_planes[] = {NULL};

struct world {
    struct sc_daemon *daemon;
    struct sc_service_id service;
    struct sc_bound *bound;
    int socket; /* the program's */
};

/* Somebody who arrives. */
struct caller {
    struct sc_arrival arrival;
    struct sc_end end;
    int told, error;
};

static void nothing(struct sc_end *e)
{
    (void)e;
}

static void on_done(struct sc_arrival *a, int error)
{
    struct caller *c = sc_container(a, struct caller, arrival);
    c->told++;
    c->error = error;
}

static struct world start(uint32_t backlog)
{
    struct world w = {.daemon = scaffoldd_start(no_planes, true)};
    w.service = sc_meaning_of_loopback(PORT);
    w.socket = scaffoldd_listens(w.daemon, PORT, backlog, &w.bound);
    return w;
}

static void stop(struct world *w)
{
    if (w->socket >= 0)
        close(w->socket);
    scaffoldd_stop(w->daemon);
}

static struct sc_listener *chosen(struct world *w)
{
    struct sc_address target = sc_address_v4(LOOPBACK, PORT);
    return sc_serving_choose(w->daemon, &w->service, &target);
}

static void arrives(struct world *w, struct caller *c)
{
    *c = (struct caller){.end = {.watch = {.fd = -1}}};
    c->arrival = (struct sc_arrival){.end = &c->end,
                                     .ready = nothing,
                                     .owner = c,
                                     .peer = sc_address_v4(LOOPBACK, 40000),
                                     .done = on_done};
    sc_arrival_deliver(chosen(w), &c->arrival);
}

static void leaves(struct world *w, struct caller *c)
{
    sc_listener_cancel(&c->arrival);
    sc_registry_remove(w->daemon, &c->end);
    sc_end_abort(&c->end);
}

/* The program accepts; its socket. */
static int accepts(struct world *w)
{
    int fd = accept4(w->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void is_accepted(void **state)
{
    (void)state;
    struct world w = start(10);
    struct caller c;
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    struct sc_socket_name name;
    arrives(&w, &c);
    assert_int_equal(c.told, 1);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.end.stage, SC_END_QUEUED);
    assert_int_equal(w.bound->listener->queued, 1);
    int fd = accepts(&w);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&sun, &len), 0);
    assert_true(sc_socket_name_parse(&sun, len, &name));
    assert_true(sc_address_equal(&name.address, &c.arrival.peer));
    assert_int_equal(send(fd, "x", 1, 0), 1); /* the acceptor's first word */
    scaffoldd_settle(w.daemon);
    assert_int_equal(c.end.stage, SC_END_FLOWING);
    assert_null(c.end.listener);
    assert_int_equal(w.bound->listener->queued, 0);
    leaves(&w, &c);
    close(fd);
    stop(&w);
}

/* A queue of backlog + 1, as in Linux; then flows wait for room. */
static void waits_for_room(void **state)
{
    (void)state;
    struct world w = start(0);
    struct caller first, second;
    arrives(&w, &first);
    arrives(&w, &second);
    assert_int_equal(first.told, 1);
    assert_int_equal(second.told, 0);
    assert_int_equal(w.bound->listener->arrival_count, 1);
    int fd = accepts(&w);
    while (second.told == 0)
        sc_loop_turn(&w.daemon->loop, SC_NEVER);
    assert_int_equal(second.error, 0);
    assert_int_equal(w.bound->listener->arrival_count, 0);
    leaves(&w, &first);
    leaves(&w, &second);
    close(fd);
    stop(&w);
}

static void who_waits_goes_first(void **state)
{
    (void)state;
    struct world w = start(0);
    struct caller first, second;
    arrives(&w, &first);
    arrives(&w, &second);
    leaves(&w, &second);
    assert_int_equal(w.bound->listener->arrival_count, 0);
    leaves(&w, &first);
    assert_int_equal(w.bound->listener->queued, 0);
    scaffoldd_settle(w.daemon);
    assert_int_equal(second.told, 0);
    stop(&w);
}

/* Who waits is told; who is in the queue knows the listener no more. */
static void the_listener_goes_first(void **state)
{
    (void)state;
    struct world w = start(0);
    struct caller first, second;
    arrives(&w, &first);
    arrives(&w, &second);
    sc_listener_close(w.bound->listener);
    assert_null(w.bound->listener);
    assert_null(chosen(&w));
    assert_int_equal(second.told, 1);
    assert_int_equal(second.error, ECONNREFUSED);
    assert_null(first.end.listener);
    scaffoldd_settle(w.daemon);
    leaves(&w, &first);
    stop(&w);
}

/* Nobody holds the socket any more: it is found out by the next who comes. */
static void the_program_is_gone(void **state)
{
    (void)state;
    struct world w = start(10);
    struct caller c;
    close(w.socket);
    w.socket = -1;
    arrives(&w, &c);
    assert_int_equal(c.told, 1);
    assert_int_equal(c.error, ECONNREFUSED);
    assert_int_equal(w.daemon->bound.count, 0);
    assert_false(sc_end_is_open(&c.end));
    stop(&w);
}

static void listens_again(void **state)
{
    (void)state;
    struct world w = start(10);
    struct sc_listener *l = w.bound->listener;
    char why[SC_CTL_TEXT] = "";
    assert_int_equal(sc_serving_open(w.bound, 3, getpid(), 1001, why), 0);
    assert_ptr_equal(w.bound->listener, l);
    assert_int_equal(l->backlog, 3);
    assert_int_equal(l->uid, 1001);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_accepted),          cmocka_unit_test(waits_for_room),
        cmocka_unit_test(who_waits_goes_first), cmocka_unit_test(the_listener_goes_first),
        cmocka_unit_test(the_program_is_gone),  cmocka_unit_test(listens_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
