/* scaffoldd: one per host. Puts the parts together and turns the loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/config_check.h"
#include "daemon/control/server.h"
#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/entropy.h"
#include "daemon/idle.h"
#include "daemon/journal.h"
#include "daemon/reports.h"
#include "daemon/signals.h"
#include "daemon/state/key_file.h"
#include "daemon/trust/provider_keys.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session.h"
#include "daemon/trust/wall.h"
#include "router/pool.h"
#include "transport/congestion/congestion.h"

/* Trains sent, and batches received, before the other side of the loop gets its turn. */
#define SEND_TURN 16
#define RECEIVE_TURN 8
/* Exit codes, beside 0 (docs/reference/scaffoldd.md). */
#define FAILED 1 /* it could not start, or --check found something */
#define USAGE 2  /* a flag or a setting is wrong */

static struct sc_daemon daemon_state;

/* --- the network's side of a turn ------------------------------------------------------------- */

static void on_received(struct sc_udp *u)
{
    (void)u; /* read at the end of the batch, see turn() */
}

/* One turn: what the kernel reported, datagrams in, events to programs, trains out. Returns whether
 * something is left that needs no event to go on. */
static bool turn(struct sc_daemon *d, bool more)
{
    struct sc_loop *l = &d->loop;
    sc_loop_turn(l, more ? 0 : sc_stack_deadline(d->stack));
    sc_stack_set_wall(d->stack, sc_wall_now(), l->now);
    if (sc_stack_deadline(d->stack) <= l->now)
        sc_stack_tick(d->stack, l->now);
    more = d->udp.v4.readable || d->udp.v6.readable;
    for (int i = 0; more && i < RECEIVE_TURN; i++) {
        more = sc_udp_receive(&d->udp, d->stack, l->now);
        sc_reports_take(d); /* before settle: bytes go from the datagram to the program uncopied */
        sc_stack_settle(d->stack, l->now);
    }
    sc_reports_take(d);
    sc_sessions_run(d);
    bool unsent = sc_udp_send(&d->udp, d->stack, SEND_TURN, l->now);
    sc_reports_take(d);
    sc_idle_update(d);
    return more || unsent || sc_turns_pending(&d->turns) ||
           (sc_stack_pending(d->stack) && !d->udp.blocked);
}

/* --- start ------------------------------------------------------------------------------------ */

static int open_underlay(struct sc_daemon *d, char *why, size_t size)
{
    const struct sc_config *c = &d->config;
    const char *v4, *v6;
    sc_config_addresses(c, &v4, &v6);
    char where[80] = "";
    int port = c->port >= 0 ? c->port : SC_DEFAULT_PORT;
    int err = sc_udp_open(&d->udp, &d->loop, v4, v6, (uint16_t)port, where, sizeof where);
    if (err == -EADDRINUSE && c->port < 0) {
        sc_udp_close(&d->udp);
        memset(&d->udp, 0, sizeof d->udp);
        err = sc_udp_open(&d->udp, &d->loop, v4, v6, 0, where, sizeof where);
    }
    d->udp.received = on_received;
    if (err == -EADDRINUSE)
        snprintf(why, size, "UDP port %d on %s is in use; give another --port (0: any)", port,
                 where);
    else if (err < 0)
        snprintf(why, size, "UDP port %d on %s: %s; see --listen and --port", port, where,
                 strerror(-err));
    return err < 0 ? -1 : 0;
}

static int make_runtime_dir(const struct sc_config *c, char *why, size_t size)
{
    struct stat st;
    if (mkdir(c->runtime_dir, 0755) == 0 || (stat(c->runtime_dir, &st) == 0 && S_ISDIR(st.st_mode)))
        return sc_config_trusts(c->runtime_dir, why, size) ? 0 : -1;
    snprintf(why, size, "%s: %s; give a --runtime-dir that you can write to", c->runtime_dir,
             strerror(errno));
    return -1;
}

static void check_pool(const struct sc_config *c)
{
    struct in_addr base = {htonl(c->pool.base)};
    char text[INET_ADDRSTRLEN] = "";
    uint32_t size = sc_pool_size(c->pool.base, c->pool.bits);
    if (*c->router || size <= SC_MAPPINGS_MAX)
        return;
    inet_ntop(AF_INET, &base, text, sizeof text);
    sc_log(SC_LOG_WARN, "--pool %s/%u holds %u addresses, and no more than %d names get one", text,
           c->pool.bits, size, SC_MAPPINGS_MAX);
}

/* The router that this host has, and no other, is the one that it was told of: by --join, the first
 * time. */
static int find_trust(struct sc_daemon *d, struct sc_trust *t, char *why, size_t size)
{
    const struct sc_config *c = &d->config;
    if (!*c->router || !c->secure)
        return 0;
    int err = *c->join_text ? sc_state_pin_router(&d->state, c->join.router) : 0;
    if (err < 0) {
        sc_state_explain(&d->state, err, why, size);
        return -1;
    }
    if (!d->state.knows_router) {
        snprintf(why, size,
                 "--router %s: this host has not joined it yet; run `scaffold join-token` there, "
                 "and give what it prints as --join",
                 c->router);
        return -1;
    }
    t->knows_router = true;
    memcpy(t->router, d->state.router, sizeof t->router);
    memcpy(t->invitation, c->join.secret, sizeof t->invitation);
    return 0;
}

static int find_key(const struct sc_daemon *d, uint8_t seed[SC_KEY_SEED_LEN], char *why,
                    size_t size)
{
    char folder[sizeof d->state.path];
    return sc_key_file_open(sc_provider_keys_folder(d, folder, sizeof folder), "host", seed, why,
                            size);
}

static int open_stack(struct sc_daemon *d, char *why, size_t size)
{
    check_pool(&d->config);
    struct sc_stack_config c = {.domain = d->state.domain,
                                .pool_base = d->config.pool.base,
                                .pool_bits = d->config.pool.bits,
                                .seed = d->config.seed,
                                .entropy = sc_entropy_kernel,
                                .router = d->router};
    c.secure = d->config.secure;
    c.wall = sc_wall_now();
    if (find_trust(d, &c.trust, why, size) < 0 || find_key(d, c.key_seed, why, size) < 0)
        return -1;
    snprintf(c.host_name, sizeof c.host_name, "%s", d->config.host_name);
    c.congestion = sc_congestion_find(d->config.congestion);
    while (c.epoch == 0)
        sc_random(&c.epoch, sizeof c.epoch);
    memcpy(c.host_secret, d->state.host_secret, sizeof c.host_secret);
    c.require_verified = d->config.require_verified;
    c.rights_listed = d->config.rights_listed;
    c.right = d->config.right;
    c.right_count = d->config.right_count;
    memcpy(c.network_seed, d->state.network_seed, sizeof c.network_seed);
    sc_random(c.secret, sizeof c.secret);
    d->stack = sc_stack_new(&c, d->loop.now);
    OPENSSL_cleanse(&c, sizeof c);
    OPENSSL_cleanse(d->config.join_text, sizeof d->config.join_text);
    OPENSSL_cleanse(&d->config.join, sizeof d->config.join);
    if (!d->stack) {
        snprintf(why, size, "%s", strerror(ENOMEM));
        return -1;
    }
    if (d->config.secure && sc_provider_keys_load(d, why, size) < 0)
        return -1;
    int bad = sc_state_restore(&d->state, d->stack);
    if (bad < 0)
        sc_state_explain(&d->state, bad, why, size);
    else if (bad > 0)
        sc_log(SC_LOG_WARN, "%d kept names do not fit the pool and were left out", bad);
    return bad < 0 ? -1 : 0;
}

/* A flow is a descriptor. Returns how many there are. */
static size_t raise_descriptor_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return 1024; /* the kernel's default */
    rlim_t before = r.rlim_cur;
    r.rlim_cur = r.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &r) == 0 ? r.rlim_cur : before;
}

/* What it says from here on has a time. */
static int open_log(struct sc_daemon *d, char *why, size_t size)
{
    char where[352], wrong[96];
    if (sc_log_file_open(&d->log, d->config.log_file, wrong, sizeof wrong) == 0)
        return 0;
    sc_config_where(&d->config, SC_SET_LOG_FILE, where, sizeof where);
    snprintf(why, size, "%s: %s; give a file that you can write to", where, wrong);
    return -1;
}

static int start(struct sc_daemon *d, char *why, size_t size)
{
    struct stat st;
    d->id =
        (struct sc_daemon_id){.uid = geteuid(), .instance = sc_instance_of(d->config.runtime_dir)};
    d->netns = stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
    sc_list_init(&d->survivors.waiting);
    sc_idle_init(d);
    sc_journal_init(d);
    snprintf(why, size, "%s", strerror(ENOMEM));
    if (sc_loop_init(&d->loop) < 0 || sc_closer_init(&d->closer, &d->loop) < 0 ||
        sc_signals_open(d) < 0)
        return -1;
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    sc_shares_init(&d->shares, d->id.uid, raise_descriptor_limit(), seed);
    sc_bound_init(&d->bound, seed);
    sc_registry_init(d);
    sc_client_ports_init(d);
    sc_local_init(d);
    sc_endpoint_table_init(&d->endpoints, d->config.seed);
    sc_datagrams_init(d);
    sc_sessions_init(d, sc_planes);
    sc_status_init(d);
    sc_ula_init(&d->ula, &d->shares, seed);
    if (make_runtime_dir(&d->config, why, size) < 0 || open_log(d, why, size) < 0 ||
        sc_ctl_open(d, why, size) < 0 ||
        sc_folder_open(&d->folder, d->config.runtime_dir, why, size) < 0 ||
        sc_calm_open(d, why, size) < 0 ||
        sc_state_open(&d->state, d->config.state_dir, d->id.instance, why, size) < 0 ||
        open_underlay(d, why, size) < 0 || open_stack(d, why, size) < 0 || sc_keeper_start(d) < 0 ||
        sc_keeper_own_name(d, why, size) < 0)
        return -1;
    sc_reports_share_names(d);
    sc_survivors_find(d);
    sc_daemon_on_activity(d);
    sc_idle_update(d);
    return 0;
}

/* Nothing that this host has been granted is good then. */
static void check_clock(void)
{
    char now[SC_WALL_TEXT];
    uint64_t wall = sc_wall_now();
    if (sc_wall_is_unset(wall))
        sc_log(SC_LOG_WARN, "this machine's clock says %s, before scaffoldd was built; set it",
               sc_wall_show(wall, now));
}

static void say_ready(const struct sc_daemon *d)
{
    char line[512];
    int n = snprintf(line, sizeof line, "ready host=%s port=%u runtime_dir=%s\n",
                     d->config.host_name, d->udp.port, d->config.runtime_dir);
    sc_log(SC_LOG_INFO, "host %s, UDP port %u, runtime directory %s, %s%s, pid %d, version %s",
           d->config.host_name, d->udp.port, d->config.runtime_dir,
           *d->config.router ? "service router " : "its own service router", d->config.router,
           getpid(), SCAFFOLD_VERSION);
    if (d->config.ready_fd >= 0) {
        if (write(d->config.ready_fd, line, (size_t)n) < 0)
            sc_log(SC_LOG_WARN, "--ready-fd %d: %s", d->config.ready_fd, strerror(errno));
        close(d->config.ready_fd);
    }
}

/* In this order: programs first learn that their flows are over (their ends are closed unread),
 * then the router that the instances are gone. */
static void stop(struct sc_daemon *d)
{
    sc_log(SC_LOG_INFO, "ending; %zu flows are cut off", sc_stack_flow_count(d->stack));
    sc_bound_fini(&d->bound);
    sc_survivors_fini(d);
    sc_endpoints_end(d);
    sc_sessions_end(d);
    for (int i = 0; i < 8 && sc_udp_send(&d->udp, d->stack, SEND_TURN, d->loop.now); i++)
        ;
    sc_status_fini(d);
    sc_ctl_close(d);
    sc_journal_fini(d);
    sc_udp_close(&d->udp);
    sc_stack_free(d->stack);
    sc_keeper_stop(d);
    sc_calm_close(d);
    sc_registry_fini(d);
    sc_local_fini(d);
    sc_client_ports_fini(d);
    sc_ula_fini(&d->ula);
    sc_shares_fini(&d->shares);
    sc_sessions_fini(d);
    sc_datagrams_fini(&d->datagrams);
    sc_endpoint_table_fini(&d->endpoints);
    sc_signals_close(d);
    sc_closer_fini(&d->closer);
    sc_folder_close(&d->folder);
    sc_loop_fini(&d->loop);
    sc_log_file_close(&d->log);
}

/* On standard error, where whoever starts it looks, and in the log that is left behind. */
static void say_failure(struct sc_daemon *d, const char *why)
{
    if (*d->log.path && !sc_log_file_is_stderr(&d->log))
        sc_log(SC_LOG_ERROR, "%s", why);
    sc_log_file_close(&d->log);
    sc_log(SC_LOG_ERROR, "%s", why);
}

static int check_only(struct sc_daemon *d, struct sc_problems *p)
{
    sc_config_check(&d->config, &d->router, p);
    sc_problems_print(p);
    if (p->errors == 0)
        printf("nothing keeps host %s from starting\n", d->config.host_name);
    return p->errors ? FAILED : 0;
}

int main(int argc, char **argv)
{
    struct sc_daemon *d = &daemon_state;
    static struct sc_problems problems;
    char why[512] = "";
    sc_log_set_name("scaffoldd");
    sc_config_init(&d->config);
    if (sc_config_read(&d->config, argc, argv, &problems))
        return 0;
    if (d->config.check)
        return check_only(d, &problems);
    if (sc_problems_log(&problems))
        return USAGE;
    sc_log_set_level(d->config.log_level);
    sc_config_check(&d->config, &d->router, &problems);
    if (problems.errors) {
        sc_problems_log(&problems);
        return FAILED;
    }
    if (start(d, why, sizeof why) < 0) {
        say_failure(d, why);
        return FAILED;
    }
    sc_problems_log(&problems); /* warnings, now that there is a log */
    check_clock();
    say_ready(d);
    bool more = false;
    while (!d->loop.stopping)
        more = turn(d, more);
    stop(d);
    return 0;
}
