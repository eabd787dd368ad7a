#include "daemon/state/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"

/* Said when it begins, when it becomes another one, and when it is over. */
static void say(struct sc_keeper *k, int trouble)
{
    if (trouble && trouble != k->trouble)
        sc_log(SC_LOG_ERROR, "cannot store names: %s", k->why);
    else if (!trouble && k->trouble)
        sc_log(SC_LOG_INFO, "names are stored again");
    k->trouble = trouble;
}

static void take_results(struct sc_daemon *d)
{
    static struct sc_storage_result result[SC_CHANGES_MAX];
    size_t n = sc_storage_take(&d->keeper.storage, result, d->keeper.why);
    for (size_t i = 0; i < n; i++) {
        d->keeper.stored += result[i].error == 0;
        d->keeper.failed += result[i].error != 0;
        say(&d->keeper, result[i].error);
        sc_stack_stored(d->stack, result[i].token, result[i].error, d->loop.now);
    }
}

static void on_results(struct sc_watch *w, uint32_t events)
{
    (void)events;
    take_results(sc_container(w, struct sc_daemon, keeper.watch));
}

int sc_keeper_start(struct sc_daemon *d)
{
    struct sc_keeper *k = &d->keeper;
    int err = sc_storage_start(&k->storage, &d->state);
    if (err < 0)
        return err;
    k->watch = (struct sc_watch){.fd = k->storage.ready, .ready = on_results};
    return sc_loop_watch(&d->loop, &k->watch, EPOLLIN);
}

void sc_keeper_stop(struct sc_daemon *d)
{
    if (sc_storage_stop(&d->keeper.storage))
        sc_state_close(&d->state);
    else
        sc_log(SC_LOG_WARN, "%s: the disk does not answer; what was asked last may be forgotten",
               d->state.path);
}

void sc_keeper_put(struct sc_daemon *d, const struct sc_event *e)
{
    sc_storage_put(&d->keeper.storage, e->token, &e->mapping);
}

/* --- the first name --------------------------------------------------------------------------- */

static void put_all(struct sc_daemon *d)
{
    struct sc_event e;
    while (sc_stack_next_event(d->stack, &e))
        if (e.type == SC_EVENT_STORE)
            sc_keeper_put(d, &e);
}

static bool has_name(const struct sc_daemon *d)
{
    struct sc_stack_self self;
    sc_stack_get_self(d->stack, &self);
    return !self.is_router || self.pool != 0;
}

static void wait_for_results(struct sc_daemon *d)
{
    struct pollfd p = {.fd = d->keeper.storage.ready, .events = POLLIN};
    poll(&p, 1, (int)(SC_OWN_NAME_RETRY / SC_MS));
    d->loop.now = sc_clock_now();
}

int sc_keeper_own_name(struct sc_daemon *d, char *why, size_t size)
{
    sc_time until = d->loop.now + 2 * SC_LEASE_TIME; /* a full pool gives nothing for one */
    while (!has_name(d)) {
        sc_stack_tick(d->stack, d->loop.now);
        put_all(d);
        wait_for_results(d);
        take_results(d);
        if (d->keeper.trouble)
            snprintf(why, size, "%s", d->keeper.why);
        else if (d->loop.now >= until)
            snprintf(why, size,
                     "no address is left in the pool for this host's own name; give a "
                     "larger --pool");
        else
            continue;
        return -1;
    }
    return 0;
}
