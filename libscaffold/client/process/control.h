/* One conversation with scaffoldd. Every call opens a fresh connection and closes it: a descriptor
 * that lives on would not survive closefrom, close_range and programs that purge descriptors. */
#ifndef SC_CLIENT_PROCESS_CONTROL_H
#define SC_CLIENT_PROCESS_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#include "client/process/explain.h"
#include "local/ctl.h"

struct sc_place;

/* Whether what belongs to this user is the scaffoldd's of this place. */
bool sc_control_trusts(const struct sc_place *place, uid_t uid);

/* A request of this kind with its head filled in and the rest zero. */
struct sc_ctl_request sc_control_request(uint16_t op);

/* Connects. Returns a descriptor, or -1 with errno ENETDOWN (nobody answers; one line on stderr,
 * once per process, unless `quiet`) or ENOBUFS (no descriptor is left). */
int sc_control_open(bool quiet);

/* Whether a scaffoldd answers: which of the places (client/process/daemon.h), or -1. */
int sc_control_find(void);

/* Closes; errno is kept. */
void sc_control_close(int control);

/* Sends the request. 0, or -1 with errno. */
int sc_control_send(int control, const struct sc_ctl_request *q);

/* Receives the reply to `op`. 0, or -1 with errno: scaffoldd's own verdict or ENETDOWN. Neither a
 * cancellation point nor interrupted by signals. */
int sc_control_receive(int control, struct sc_ctl_reply *r, uint16_t op);

/* The same for an answer that takes as long as a connect: a cancellation point (the connection is
 * closed then), EINTR as the handler says, EINPROGRESS after `timeout` unless that is zero. */
int sc_control_wait(int control, struct sc_ctl_reply *r, uint16_t op, struct timeval timeout);

/* Asks for what comes with a descriptor. `take` gets that, closes its number, and runs inside the
 * fork gate (client/process/fork_gate.h): it must not wait. Returns what `take` returns, or -1 with
 * errno, ENOBUFS when no descriptor is left here; then `take` was not called. */
int sc_control_ask_for(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r,
                       int (*take)(void *arg, int fd), void *arg);

/* The same of a connect that waits, whose outcome may be the answer, or what is waited for next
 * (sc_control_wait). `timeout` is the program's, zero: none. *interrupted: a handler has run
 * meanwhile after which connect returns EINTR. */
int sc_control_ask_to_wait(int control, const struct sc_ctl_request *q, struct sc_ctl_reply *r,
                           int (*take)(void *arg, int fd), void *arg, struct timeval timeout,
                           bool *interrupted);

/* Everything: open, ask, close. */
int sc_control_call(const struct sc_ctl_request *q, struct sc_ctl_reply *r, bool quiet);

#endif
