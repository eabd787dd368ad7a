#include "daemon/idle.h"

#include "base/log.h"
#include "daemon/daemon.h"

/* Bound sockets whose last holder is gone are found by looking at all of them this often
 * (within 1 s), in so many pieces that none takes long: a look costs some microseconds. */
#define SWEEP_EVERY (900 * SC_MS)
#define SWEEP_PIECES 45

static bool is_idle(const struct sc_daemon *d)
{
    return d->bound.count == 0 && sc_list_empty(&d->session_list) &&
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

static bool has_to_sweep(const struct sc_daemon *d)
{
    return d->bound.count || d->locals.by_port.count;
}

static void on_sweep(struct sc_alarm *a)
{
    struct sc_daemon *d = sc_container(a, struct sc_daemon, sweep);
    size_t piece = d->bound.count / SWEEP_PIECES + 1;
    sc_bound_sweep(d, piece);
    sc_local_sweep(d);
    if (has_to_sweep(d))
        sc_loop_alarm(&d->loop, &d->sweep,
                      d->loop.now +
                          (d->bound.count ? SWEEP_EVERY * piece / d->bound.count : SWEEP_EVERY));
}

void sc_idle_update(struct sc_daemon *d)
{
    if (!d->activity)
        return;
    d->activity = false;
    if (has_to_sweep(d) && d->sweep.timer.at == SC_NEVER)
        sc_loop_alarm(&d->loop, &d->sweep, d->loop.now + SWEEP_EVERY);
    if (d->config.idle_exit_s > 0)
        sc_loop_alarm(&d->loop, &d->idle,
                      is_idle(d) ? d->loop.now + (sc_time)d->config.idle_exit_s * SC_SECOND
                                 : SC_NEVER);
}

void sc_idle_init(struct sc_daemon *d)
{
    sc_alarm_init(&d->sweep, on_sweep);
    sc_alarm_init(&d->idle, on_idle);
}
