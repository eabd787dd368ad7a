/* The relay's thread: it waits for whatever is due, and carries it. */
#include "trap/process/clock.h"
#include "trap/relay/parts.h"

/* How late it is noticed that a program has closed a socket where the kernel does not tell. */
#define LOOK_MS 1000

static int ends = -1; /* what the kernel tells of closed sockets; -1: it does not */

static void carry(const struct sc_relay_due *due)
{
    switch (due->source) {
    case SC_RELAY_SERVICE:
        sc_relay_from_service(due->relay);
        break;
    case SC_RELAY_PROGRAM:
        sc_relay_from_program(due->relay, due->end);
        break;
    case SC_RELAY_UPSTREAM:
        sc_relay_from_name_server(due->end);
        break;
    case SC_RELAY_ENDS:
        sc_relay_on_end(ends);
        break;
    }
}

static void *run(void *unused)
{
    (void)unused;
    struct sc_relay_due due[SC_RELAY_DUE_MAX];
    int64_t next_look = sc_clock_ms() + LOOK_MS;
    for (;;) {
        int n = sc_relay_await(due, ends < 0 ? LOOK_MS : -1);
        pthread_mutex_lock(&sc_relays.lock);
        /* What is closed or another's by now is read without waiting, and nothing is there. */
        for (int i = 0; i < n; i++)
            carry(&due[i]);
        if (ends < 0 && sc_clock_ms() >= next_look) {
            sc_relay_sweep();
            next_look = sc_clock_ms() + LOOK_MS;
        }
        pthread_mutex_unlock(&sc_relays.lock);
    }
    return NULL;
}

int sc_relay_start(void)
{
    pthread_t thread;
    if (sc_relay_is_watching())
        return 0;
    int err = sc_relay_begin_watching();
    if (err)
        return err;
    ends = sc_relay_hear_ends();
    err = -pthread_create(&thread, NULL, run, NULL);
    if (!err)
        pthread_detach(thread);
    return err || ends < 0 ? err : sc_relay_watch(NULL, NULL, SC_RELAY_ENDS, ends);
}
