/* The local plane: which flows it takes, what both programs see of each other, and what is left of
 * a flow here while it lasts. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/pair.h"
#include "daemon/scaffoldd.h"
#include "daemon/stream/arrival.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/serving.h"

#define LOOPBACK 0x7f000001u
#define PORT 8080
#define CLIENT 1001 /* the uid of programs that connect; those that serve have 1000 */

struct world {
    struct sc_daemon *daemon;
    struct sc_bound *bound;
    struct sc_request request;
    int listener, client, server; /* the programs' sockets; -1: closed */
};

static bool kernel_refuses_rights;

static struct world start(uint32_t backlog)
{
    struct world w = {.daemon = scaffoldd_start(sc_planes, true), .client = -1, .server = -1};
    w.daemon->config.plane = SC_PLANE_LOCAL;
    w.listener = scaffoldd_listens(w.daemon, PORT, backlog, &w.bound);
    kernel_refuses_rights = sc_pair_refuse_rights(w.listener);
    w.bound->sealed = true; /* where the kernel cannot do it, too: the rest is the same there */
    w.request = (struct sc_request){.service = w.bound->service->id,
                                    .target = sc_address_v4(LOOPBACK, PORT),
                                    .own = sc_address_v4(LOOPBACK, 0),
                                    .family = SC_FAMILY_INET6,
                                    .uid = CLIENT,
                                    .pid = 7,
                                    .loopback = true};
    return w;
}

static void closes(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void stop(struct world *w)
{
    closes(&w->client);
    closes(&w->server);
    closes(&w->listener);
    scaffoldd_stop(w->daemon);
}

/* As PREPARE does it. Returns the client's socket; -1: another plane is to open it. */
static int opens(struct world *w)
{
    struct sc_daemon *d = w->daemon;
    struct sc_share share = {0};
    assert_true(sc_share_take(&d->shares, &share, w->request.uid, SC_SHARE_CLIENTS));
    w->request.own.port = sc_client_port_take(d, 0, share);
    int fd = sc_local_open(d, &w->request);
    if (fd < 0)
        sc_client_port_give(d, w->request.own.port);
    return fd;
}

static void start_open(struct world *w)
{
    *w = start(10);
    w->client = opens(w);
    assert_true(w->client >= 0);
    w->server = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(w->server >= 0);
}

static struct sc_socket_name name_of(int (*call)(int, struct sockaddr *, socklen_t *), int fd)
{
    struct sockaddr_un sun;
    struct sc_socket_name name;
    socklen_t len = sizeof sun;
    assert_int_equal(call(fd, (struct sockaddr *)&sun, &len), 0);
    assert_true(sc_socket_name_parse(&sun, len, &name));
    return name;
}

static ssize_t reads(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

/* --- what it is ------------------------------------------------------------------------------- */

static void one_is_connected_to_the_other(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    assert_int_equal(send(w.client, "a", 1, 0), 1);
    assert_int_equal(reads(w.server), 1); /* without a turn of scaffoldd's */
    assert_int_equal(send(w.server, "b", 1, 0), 1);
    assert_int_equal(reads(w.client), 1);
    assert_int_equal(fcntl(w.client, F_GETFL) & O_NONBLOCK, 0);
    stop(&w);
}

static void its_name_says_what_either_shows(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    struct sc_socket_name own = name_of(getsockname, w.client);
    struct sc_socket_name seen = name_of(getpeername, w.server);
    assert_int_equal(own.kind, SC_SOCKET_LOCAL);
    assert_memory_equal(&own, &seen, sizeof own);
    assert_true(sc_address_equal(&own.address, &w.request.own));
    assert_true(sc_address_equal(&own.reached, &w.request.target));
    assert_int_equal(own.family, SC_FAMILY_INET6);
    assert_int_equal(own.server_family, SC_FAMILY_INET);
    stop(&w);
}

/* As TCP's. */
static void ends_and_resets_are_the_kernels(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    shutdown(w.client, SHUT_WR);
    assert_int_equal(reads(w.server), 0);
    assert_int_equal(send(w.server, "x", 1, 0), 1);
    assert_int_equal(reads(w.client), 1);
    assert_int_equal(send(w.server, "y", 1, 0), 1);
    closes(&w.client); /* with a byte unread */
    assert_int_equal(reads(w.server), -ECONNRESET);
    closes(&w.server);
    w.client = opens(&w);
    closes(&w.listener); /* before it was accepted */
    assert_int_equal(reads(w.client), -ECONNRESET);
    stop(&w);
}

static ssize_t plants(int fd)
{
    struct iovec iov = {"x", 1};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void nobody_plants_descriptors(void **state)
{
    (void)state;
    struct world w = start(10);
    if (kernel_refuses_rights) {
        w.client = opens(&w);
        assert_int_equal(plants(w.client), -EPERM); /* before it is accepted, too */
        w.server = accept4(w.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_int_equal(plants(w.client), -EPERM);
        assert_int_equal(plants(w.server), -EPERM);
        assert_int_equal(reads(w.server), -EAGAIN);
    }
    stop(&w);
}

/* --- which flows ------------------------------------------------------------------------------ */

static void the_setting_decides(void **state)
{
    (void)state;
    struct world w = start(10);
    w.daemon->config.plane = SC_PLANE_USER;
    assert_int_equal(opens(&w), -1);
    w.daemon->config.plane = SC_PLANE_AUTO; /* of --all-local */
    assert_int_equal(opens(&w), -1);
    w.bound->listener->loopback = false;
    w.client = opens(&w);
    assert_true(w.client >= 0);
    stop(&w);
}

static void a_listener_whose_flows_are_reset(void **state)
{
    (void)state;
    struct world w = start(10);
    assert_int_equal(sc_bound_set(w.bound, SC_OPT_ABORT_ON_CLOSE, 1), 0);
    assert_int_equal(opens(&w), -1);
    assert_int_equal(sc_bound_set(w.bound, SC_OPT_ABORT_ON_CLOSE, 0), 0);
    w.client = opens(&w);
    assert_true(w.client >= 0);
    assert_int_equal(sc_bound_set(w.bound, SC_OPT_INFO, 1), ENOPROTOOPT);
    stop(&w);
}

/* Where the kernel does not keep descriptors away, between programs of one user alone. */
static void a_listener_that_is_not_sealed(void **state)
{
    (void)state;
    struct world w = start(10);
    w.bound->sealed = false;
    assert_int_equal(opens(&w), -1);
    w.request.uid = w.bound->listener->uid;
    w.client = opens(&w);
    assert_true(w.client >= 0);
    closes(&w.client);
    w.bound->listener->pid = 0; /* it survived a crash: whose it is, is not known for sure */
    assert_int_equal(opens(&w), -1);
    stop(&w);
}

/* Linux's rule, as on the user plane: backlog + 1. Who waits there is not overtaken. */
static void a_queue_that_is_full(void **state)
{
    (void)state;
    struct world w = start(1);
    int first = opens(&w), second = opens(&w);
    assert_true(first >= 0 && second >= 0);
    assert_int_equal(opens(&w), -1);
    w.server = accept4(w.listener, NULL, NULL, SOCK_CLOEXEC);
    w.client = opens(&w);
    assert_true(w.client >= 0);
    closes(&first);
    closes(&second);
    stop(&w);
}

static void nobody_serves(void **state)
{
    (void)state;
    struct world w = start(10);
    closes(&w.listener);
    assert_int_equal(opens(&w), -1);
    assert_null(sc_bound_service_find(w.daemon, &w.request.service)); /* it was found out */
    stop(&w);
}

/* --- what is left of it ----------------------------------------------------------------------- */

struct seen {
    int rows, of_client, of_server;
};

static void look(void *arg, const struct sc_session_status *s)
{
    struct seen *seen = arg;
    seen->rows++;
    seen->of_client += s->uid == CLIENT && s->pid == 7 && s->peer.port == PORT;
    seen->of_server += s->uid == 1000 && s->pid == getpid() && s->peer.port != PORT;
    assert_string_equal(s->plane, "local");
    assert_true(s->uncounted && s->same_host);
}

static struct seen scan(struct world *w)
{
    struct seen seen = {0};
    size_t cursor = 0;
    do
        sc_local_scan(w->daemon, &cursor, look, &seen);
    while (cursor != 0);
    return seen;
}

static void both_ends_are_listed_while_it_lasts(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    struct seen seen = scan(&w);
    assert_int_equal(seen.rows, 2);
    assert_int_equal(seen.of_client, 1);
    assert_int_equal(seen.of_server, 1);
    int other = dup(w.client); /* a child has it, too */
    closes(&w.client);
    assert_int_equal(scan(&w).rows, 2);
    closes(&other);
    assert_int_equal(scan(&w).rows, 0);
    assert_false(sc_client_port_is_used(w.daemon, w.request.own.port));
    stop(&w);
}

static void the_sweep_finds_what_is_over(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    sc_local_sweep(w.daemon);
    assert_true(sc_client_port_is_used(w.daemon, w.request.own.port));
    closes(&w.client);
    sc_local_sweep(w.daemon);
    assert_false(sc_client_port_is_used(w.daemon, w.request.own.port));
    stop(&w);
}

static void a_port_that_is_wanted(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    uint16_t port = w.request.own.port;
    sc_local_look(w.daemon, port);
    assert_true(sc_client_port_is_used(w.daemon, port));
    closes(&w.client);
    sc_local_look(w.daemon, port);
    assert_false(sc_client_port_is_used(w.daemon, port));
    stop(&w);
}

/* As many lines are taken away as are added. */
static void ended_flows_do_not_add_up(void **state)
{
    (void)state;
    struct world w = start(10);
    for (int i = 0; i < 1000; i++) {
        int fd = opens(&w);
        assert_true(fd >= 0);
        closes(&fd);
        fd = accept4(w.listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        closes(&fd);
    }
    assert_in_range(w.daemon->locals.by_port.count, 1, 100);
    stop(&w);
}

/* It takes no descriptor of scaffoldd's, and no share of them. */
static void it_costs_a_port(void **state)
{
    (void)state;
    struct world w;
    start_open(&w);
    const struct sc_shares *s = &w.daemon->shares;
    assert_int_equal(s->of[SC_SHARE_CLIENTS].taken, 1);
    assert_int_equal(s->of[SC_SHARE_DESCRIPTORS].taken, 1); /* the bound socket's */
    assert_int_equal(s->of[SC_SHARE_ARRIVALS].taken, 0);
    stop(&w);
}

/* A line is not worth refusing a flow: the oldest is forgotten, those that are over first. */
static void lines_make_room(void **state)
{
    (void)state;
    struct world w = start(10);
    int fd[3];
    uint16_t port[3];
    for (int i = 0; i < 3; i++) {
        fd[i] = opens(&w);
        port[i] = w.request.own.port;
    }
    closes(&fd[1]);
    assert_false(sc_local_yield(w.daemon, CLIENT + 1));
    assert_true(sc_local_yield(w.daemon, CLIENT));
    assert_true(sc_client_port_is_used(w.daemon, port[0]));
    assert_false(sc_client_port_is_used(w.daemon, port[1]));
    assert_true(sc_local_yield(w.daemon, CLIENT));
    assert_false(sc_client_port_is_used(w.daemon, port[0]));
    assert_int_equal(send(fd[0], "x", 1, 0), 1); /* it lives on */
    closes(&fd[0]);
    closes(&fd[2]);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_connected_to_the_other),
        cmocka_unit_test(its_name_says_what_either_shows),
        cmocka_unit_test(ends_and_resets_are_the_kernels),
        cmocka_unit_test(nobody_plants_descriptors),
        cmocka_unit_test(the_setting_decides),
        cmocka_unit_test(a_listener_whose_flows_are_reset),
        cmocka_unit_test(a_listener_that_is_not_sealed),
        cmocka_unit_test(a_queue_that_is_full),
        cmocka_unit_test(nobody_serves),
        cmocka_unit_test(both_ends_are_listed_while_it_lasts),
        cmocka_unit_test(the_sweep_finds_what_is_over),
        cmocka_unit_test(a_port_that_is_wanted),
        cmocka_unit_test(ended_flows_do_not_add_up),
        cmocka_unit_test(it_costs_a_port),
        cmocka_unit_test(lines_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
