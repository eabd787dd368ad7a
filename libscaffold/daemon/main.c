/* scaffoldd: one per host. Puts the parts together and turns the loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/config_check.h"
#include "daemon/control/ctl.h"
#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/journal.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session.h"
#include "local/ctl.h"
#include "naming/pool.h"
#include "transport/congestion.h"

/* Trains sent, and batches received, before the other side of the loop gets its turn. */
#define SEND_TURN 16
#define RECEIVE_TURN 8
/* Bound sockets whose last holder is gone are found by looking at all of them this often
 * (contracts: 1 s), in so many pieces that none takes long: a look costs some microseconds. */
#define SWEEP_EVERY (900 * SC_MS)
#define SWEEP_PIECES 45

/* Exit codes, beside 0 (docs/reference/scaffoldd.md). */
#define FAILED 1 /* it could not start, or --check found something */
#define USAGE 2  /* a flag or a setting is wrong */

static struct sc_daemon daemon_state;

void sc_program_name(pid_t pid, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    snprintf(buf, size, "?");
    FILE *f = pid > 0 ? fopen(path, "re") : NULL;
    if (!f)
        return;
    if (fgets(buf, (int)size, f))
        buf[strcspn(buf, "\n")] = 0;
    fclose(f);
}

/* --- idleness --------------------------------------------------------------------------------- */

static bool is_idle(const struct sc_daemon *d)
{
    return d->bound.count == 0 && sc_list_empty(&d->carries) && sc_list_empty(&d->joins) &&
           d->endpoints.by_serial.count == 0 && !sc_survivors_wait(d);
}

static void on_idle(struct sc_alarm *a)
{
    struct sc_daemon *d = sc_container(a, struct sc_daemon, idle);
    if (is_idle(d)) {
        sc_log(SC_LOG_INFO, "no socket for %d s: leaving", d->config.idle_exit_s);
        d->loop.stopping = true;
    }
}

static void on_sweep(struct sc_alarm *a)
{
    struct sc_daemon *d = sc_container(a, struct sc_daemon, sweep);
    size_t piece = d->bound.count / SWEEP_PIECES + 1;
    sc_bound_sweep(d, piece);
    if (d->bound.count)
        sc_loop_alarm(&d->loop, &d->sweep, d->loop.now + SWEEP_EVERY * piece / d->bound.count);
}

void sc_daemon_on_activity(struct sc_daemon *d)
{
    if (d->bound.count && d->sweep.timer.at == SC_NEVER)
        sc_loop_alarm(&d->loop, &d->sweep, d->loop.now + SWEEP_EVERY);
    if (d->config.idle_exit_s > 0)
        sc_loop_alarm(&d->loop, &d->idle,
                      is_idle(d) ? d->loop.now + (sc_time)d->config.idle_exit_s * SC_SECOND
                                 : SC_NEVER);
}

/* --- the network's side of a turn ------------------------------------------------------------- */

/* The state in which this host is with its router has changed. */
/* Of the names, too, there is something left for root and the owner when all others have taken what
 * they may: of as many as the router lets this host ask for, or has. */
static void share_names(struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    sc_shares_limit(&d->shares, SC_SHARE_NAMES, self.names);
}

static void say_joined(const struct sc_daemon *d)
{
    char why[SC_CTL_TEXT];
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    sc_names_trouble(d, self.refused, why, sizeof why);
    if (self.refused)
        sc_log(SC_LOG_WARN, "cannot join: %s", why);
    else if (self.name_taken)
        sc_log(SC_LOG_WARN,
               "service router %s knows another host named %s; give this one another --name",
               d->config.router, d->config.host_name);
    else if (self.joined)
        sc_log(SC_LOG_INFO, "joined service router %s", d->config.router);
    else
        sc_log(SC_LOG_WARN, "service router %s does not answer any more", d->config.router);
}

static void take_event(struct sc_daemon *d, const struct sc_event *e)
{
    switch (e->type) {
    case SC_EVENT_ARRIVED:
        sc_session_arrive(d, e->flow, sc_instance_app(e->instance));
        break;
    case SC_EVENT_FLOW:
        if (e->flow->app)
            sc_session_on_flow(e->flow->app, e->bits);
        break;
    case SC_EVENT_MAPPED:
        if (!sc_survivors_on_mapped(d, e) && !sc_datagrams_on_mapped(d, e))
            sc_ctl_on_mapped(d, e);
        break;
    case SC_EVENT_STORE:
        sc_keeper_put(d, e);
        break;
    case SC_EVENT_REGISTERED:
        sc_ctl_on_registered(d);
        break;
    case SC_EVENT_JOINED:
        say_joined(d);
        share_names(d);
        sc_survivors_on_joined(d);
        sc_ctl_on_joined(d);
        break;
    case SC_EVENT_DATAGRAM:
        sc_datagrams_receive(d, &e->datagram);
        break;
    case SC_EVENT_UNDELIVERED:
        sc_datagrams_undelivered(d, &e->datagram);
        break;
    case SC_EVENT_NOTE:
        sc_journal_note(d, &e->note);
        break;
    case SC_EVENT_NONE:
        break;
    }
}

static void take_events(struct sc_daemon *d)
{
    struct sc_event e;
    while (sc_stack_next_event(d->stack, &e))
        take_event(d, &e);
}

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
    if (sc_stack_deadline(d->stack) <= l->now)
        sc_stack_tick(d->stack, l->now);
    more = d->udp.v4.readable || d->udp.v6.readable;
    for (int i = 0; more && i < RECEIVE_TURN; i++) {
        more = sc_udp_receive(&d->udp, d->stack, l->now);
        take_events(d); /* before settle: bytes go from the datagram to the program uncopied */
        sc_stack_settle(d->stack, l->now);
    }
    take_events(d);
    bool unsent = sc_udp_send(&d->udp, d->stack, SEND_TURN, l->now);
    take_events(d);
    return more || unsent || (sc_stack_pending(d->stack) && !d->udp.blocked);
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

static int open_stack(struct sc_daemon *d, char *why, size_t size)
{
    check_pool(&d->config);
    struct sc_stack_config c = {.domain = d->state.domain,
                                .pool_base = d->config.pool.base,
                                .pool_bits = d->config.pool.bits,
                                .seed = d->config.seed,
                                .router = d->router};
    snprintf(c.host_name, sizeof c.host_name, "%s", d->config.host_name);
    c.congestion = sc_congestion_find(d->config.congestion);
    while (c.epoch == 0)
        if (getrandom(&c.epoch, sizeof c.epoch, 0) < 0)
            return -1;
    memcpy(c.host_secret, d->state.host_secret, sizeof c.host_secret);
    if (getrandom(c.secret, sizeof c.secret, 0) != sizeof c.secret)
        return -1;
    d->stack = sc_stack_new(&c, d->loop.now);
    if (!d->stack) {
        snprintf(why, size, "%s", strerror(ENOMEM));
        return -1;
    }
    int bad = sc_state_restore(&d->state, d->stack);
    if (bad < 0)
        sc_state_explain(&d->state, bad, why, size);
    else if (bad > 0)
        sc_log(SC_LOG_WARN, "%d kept mappings do not fit the pool and were left out", bad);
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

static struct sc_watch signals;

static void on_signal(struct sc_watch *w, uint32_t events)
{
    struct sc_daemon *d = &daemon_state;
    struct signalfd_siginfo info;
    (void)events;
    while (read(w->fd, &info, sizeof info) == sizeof info) {
        int number = (int)info.ssi_signo;
        if (number == SIGHUP)
            sc_log_file_reopen(&d->log);
        else
            d->loop.stopping = true;
        sc_log(SC_LOG_INFO, "SIG%s from pid %u, uid %u", sigabbrev_np(number), info.ssi_pid,
               info.ssi_uid);
    }
}

/* SIGHUP is logrotate's word where there is a file; in the foreground of a terminal that goes away
 * it ends scaffoldd, as it does any program. */
static int watch_signals(struct sc_daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (*d->config.log_file)
        sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signals =
        (struct sc_watch){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = on_signal};
    return signals.fd < 0 ? -1 : sc_loop_watch(&d->loop, &signals, EPOLLIN);
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
    sc_list_init(&d->carries);
    sc_list_init(&d->joins);
    sc_alarm_init(&d->sweep, on_sweep);
    sc_alarm_init(&d->idle, on_idle);
    sc_journal_init(d);
    snprintf(why, size, "%s", strerror(ENOMEM));
    if (sc_loop_init(&d->loop) < 0 || watch_signals(d) < 0)
        return -1;
    uint64_t seed[2] = {d->config.seed, ~d->config.seed};
    sc_shares_init(&d->shares, d->id.uid, raise_descriptor_limit(), seed);
    sc_bound_init(&d->bound, seed);
    sc_registry_init(d);
    sc_endpoint_table_init(&d->endpoints, d->config.seed);
    sc_datagrams_init(d);
    sc_sessions_init(d);
    sc_status_init(d);
    sc_ula_init(&d->ula, &d->shares, seed);
    if (make_runtime_dir(&d->config, why, size) < 0 || open_log(d, why, size) < 0 ||
        sc_ctl_open(d, why, size) < 0 ||
        sc_folder_open(&d->folder, d->config.runtime_dir, why, size) < 0 ||
        sc_state_open(&d->state, d->config.state_dir, d->id.instance, why, size) < 0 ||
        open_underlay(d, why, size) < 0 || open_stack(d, why, size) < 0 || sc_keeper_start(d) < 0 ||
        sc_keeper_own_name(d, why, size) < 0)
        return -1;
    share_names(d);
    sc_survivors_find(d);
    sc_daemon_on_activity(d);
    return 0;
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
    sc_registry_fini(d);
    sc_ula_fini(&d->ula);
    sc_shares_fini(&d->shares);
    sc_sessions_fini(d);
    sc_datagrams_fini(&d->datagrams);
    sc_endpoint_table_fini(&d->endpoints);
    close(signals.fd);
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
    say_ready(d);
    bool more = false;
    while (!d->loop.stopping)
        more = turn(d, more);
    stop(d);
    return 0;
}
