/* What of scaffoldd's life goes into its log, and how much of it.
 *
 *   info    ready; a router or a host joined or left; a service came or went; a flow failed; a call
 *           was refused
 *   warn    what somebody should look at: a name taken, a lease that ran out, no room left
 *   error   what it cannot go on with, or what is lost for good
 *   debug   each call, each opening, each acceptance
 *
 * What others can cause at will has a rate per kind of message, so that a flood neither fills the
 * disk nor costs much; what was left out is counted and said. debug has no rate: whoever asks for
 * it wants every step. */
#ifndef SC_DAEMON_JOURNAL_H
#define SC_DAEMON_JOURNAL_H

#include "base/log.h"
#include "base/throttle.h"
#include "daemon/loop.h"
#include "stack/stack.h"

struct sc_ctl_call;
struct sc_ctl_reply;
struct sc_daemon;
struct sc_endpoint;
struct sc_listener;
struct sc_request;
struct sc_session;

enum sc_journal_kind {
    SC_JOURNAL_REFUSED,   /* calls of programs */
    SC_JOURNAL_EXHAUSTED, /* the same, for want of descriptors, memory or a share */
    SC_JOURNAL_FLOWS,
    SC_JOURNAL_SERVICES,
    SC_JOURNAL_HOSTS,
    SC_JOURNAL_STRANGERS, /* somebody takes another's name or place */
    SC_JOURNAL_STATE,     /* what must survive a restart could not be kept */
    SC_JOURNAL_KINDS
};

struct sc_journal {
    struct sc_throttle rate[SC_JOURNAL_KINDS];
    struct sc_alarm alarm; /* set while something was left out and not said */
};

void sc_journal_init(struct sc_daemon *d);
/* Says what was left out. */
void sc_journal_fini(struct sc_daemon *d);

/* A message of a kind; errno is kept. */
void sc_journal(struct sc_daemon *d, enum sc_journal_kind kind, enum sc_log_level level,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* False when a message of this kind and level would be left out: then it need not be put together.
 * True takes its place in the rate; sc_log follows. */
bool sc_journal_takes(struct sc_daemon *d, enum sc_journal_kind kind, enum sc_log_level level);

/* A program asked; and what it was told, which is written only when it is an error. */
void sc_journal_call(const struct sc_ctl_call *c);
void sc_journal_reply(const struct sc_ctl_call *c, const struct sc_ctl_reply *r);

/* Somebody who may stop scaffoldd does. */
void sc_journal_stopped(const struct sc_ctl_call *c);

/* A flow is open, or never will be, or ended with an error: a positive errno. */
void sc_journal_opened(const struct sc_session *s);
void sc_journal_failed(const struct sc_session *s, int error);

/* A flow of the local plane is open, and was found to be over; by the number in its socket's name.
 */
void sc_journal_local_opened(struct sc_daemon *d, const struct sc_request *r, uint64_t serial);
void sc_journal_local_over(uint64_t serial);

/* A program serves, and does so no more. */
void sc_journal_listener(const struct sc_listener *l, bool serves);
void sc_journal_endpoint(const struct sc_endpoint *e, bool serves);

/* What the stack noted of other hosts. */
void sc_journal_note(struct sc_daemon *d, const struct sc_note *n);

#endif
