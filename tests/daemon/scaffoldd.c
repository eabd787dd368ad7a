#include "daemon/scaffoldd.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/idle.h"
#include "daemon/journal.h"
#include "daemon/meaning.h"
#include "daemon/pair.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/connecting.h"
#include "daemon/stream/diag.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/serving.h"

/* More than any test's events need. */
#define TURNS 50

#define LOOPBACK 0x7f000001u
#define SERVER 1000 /* the uid of programs that serve */

static const uint64_t seed[2] = {1, 2};

static void open_stack(struct sc_daemon *d, bool is_router)
{
    struct sc_stack_config c = {
        .host_name = "here", .domain = 1, .pool_base = 0xc6120000, .pool_bits = 15, .epoch = 1};
    if (!is_router)
        c.router = (struct sc_underlay){.family = 4, .port = 7213, .ip = {10, 0, 0, 1}};
    d->config.pool = (struct sc_pool4){.base = c.pool_base, .bits = c.pool_bits};
    snprintf(d->config.host_name, sizeof d->config.host_name, "here");
    d->stack = sc_stack_new(&c, d->loop.now);
    assert_non_null(d->stack);
}

static void open_folder(struct sc_daemon *d)
{
    char why[256] = "";
    char *path = d->config.runtime_dir;
    snprintf(path, sizeof d->config.runtime_dir, "/tmp/scaffoldd-XXXXXX");
    assert_non_null(mkdtemp(path));
    d->id = (struct sc_daemon_id){.uid = geteuid(), .instance = sc_instance_of(path)};
    if (sc_folder_open(&d->folder, path, why, sizeof why) < 0 ||
        sc_calm_open(d, why, sizeof why) < 0)
        fail_msg("%s", why);
}

struct sc_daemon *scaffoldd_start(const struct sc_plane_ops *const *planes, bool is_router)
{
    struct sc_daemon *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->config.idle_exit_s = 0;
    assert_int_equal(sc_loop_init(&d->loop), 0);
    sc_idle_init(d);
    sc_journal_init(d);
    open_stack(d, is_router);
    open_folder(d);
    sc_shares_init(&d->shares, d->id.uid, 1 << 20, seed);
    sc_ula_init(&d->ula, &d->shares, seed);
    sc_bound_init(&d->bound, seed);
    sc_registry_init(d);
    sc_client_ports_init(d);
    sc_local_init(d);
    sc_endpoint_table_init(&d->endpoints, 3);
    sc_datagrams_init(d);
    sc_sessions_init(d, planes);
    sc_status_init(d);
    return d;
}

static void close_folder(struct sc_daemon *d)
{
    char path[sizeof d->config.runtime_dir + sizeof "/listeners"];
    sc_calm_close(d);
    sc_folder_tidy(&d->folder);
    sc_folder_close(&d->folder);
    assert_int_equal(chdir("/"), 0);
    snprintf(path, sizeof path, "%s/listeners", d->config.runtime_dir);
    rmdir(path);
    rmdir(d->config.runtime_dir);
}

void scaffoldd_stop(struct sc_daemon *d)
{
    sc_bound_fini(&d->bound);
    sc_endpoints_end(d);
    sc_sessions_end(d);
    sc_status_fini(d);
    sc_journal_fini(d);
    sc_stack_free(d->stack);
    sc_registry_fini(d);
    sc_local_fini(d);
    sc_client_ports_fini(d);
    sc_ula_fini(&d->ula);
    sc_shares_fini(&d->shares); /* asserts it */
    sc_sessions_fini(d);
    sc_datagrams_fini(&d->datagrams);
    sc_endpoint_table_fini(&d->endpoints);
    close_folder(d);
    sc_loop_fini(&d->loop);
    free(d);
}

void scaffoldd_settle(struct sc_daemon *d)
{
    for (int i = 0; i < TURNS; i++) {
        sc_loop_turn(&d->loop, d->loop.now);
        sc_sessions_run(d);
    }
}

int scaffoldd_listens(struct sc_daemon *d, uint16_t port, uint32_t backlog, struct sc_bound **out)
{
    struct sc_service_id service = sc_meaning_of_loopback(port);
    struct sc_bound_wish wish = {0};
    char file[SC_SOCKET_NAME_TEXT], why[SC_CTL_TEXT] = "";
    struct sc_socket_name name = {.daemon = d->id,
                                  .kind = SC_SOCKET_BOUND,
                                  .family = SC_FAMILY_INET,
                                  .address = sc_address_v4(LOOPBACK, port),
                                  .serial = sc_bound_serial(d, false),
                                  .owner = SERVER};
    sc_socket_name_key(&name, file);
    int fd = sc_folder_make(file);
    assert_true(fd >= 0);
    assert_int_equal(sc_bound_reserve(d, &name, &service, sc_socket_inode(fd), wish, out), 0);
    assert_int_equal(listen(fd, 4096), 0);
    assert_int_equal(sc_serving_open(*out, backlog, getpid(), SERVER, why), 0);
    return fd;
}

int scaffoldd_connects(struct sc_daemon *d, struct sc_request *r, struct sc_waiter *w)
{
    struct sc_pair pair;
    struct sc_share share = {0};
    assert_true(sc_share_take(&d->shares, &share, r->uid, SC_SHARE_CLIENTS));
    r->own.port = sc_client_port_take(d, 0, share);
    r->own_serial = sc_serial(&d->serials);
    struct sc_socket_name name = {.daemon = d->id,
                                  .kind = SC_SOCKET_CLIENT,
                                  .family = r->family,
                                  .address = r->own,
                                  .serial = r->own_serial};
    assert_int_equal(sc_pair_make(&pair, SOCK_STREAM, &name), 0);
    r->plug_len = sc_pair_seed(&pair);
    r->plug_len += sc_pair_plug(pair.program);
    assert_int_equal(sc_connecting_start(d, r, pair.own, w), 0);
    return pair.program;
}

bool scaffoldd_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}
