/* Which listeners serve a service on this host: who may listen beside whom, and who is next. */
#ifndef SC_DAEMON_STREAM_SERVING_H
#define SC_DAEMON_STREAM_SERVING_H

#include "daemon/stream/listener.h"

/* Makes the bound socket an instance; again: a new backlog. Returns 0 or a positive errno with a
 * line in `why`. */
int sc_serving_open(struct sc_bound *b, uint32_t backlog, pid_t pid, uid_t uid,
                    char why[SC_CTL_TEXT]);

/* The next listener of this service on this host, in turn, or NULL. Of a loopback port only those
 * that are reached at `target`; NULL: any. */
struct sc_listener *sc_serving_choose(struct sc_daemon *d, const struct sc_service_id *service,
                                      const struct sc_address *target);

/* It was chosen and got nothing: it is the next again. */
void sc_serving_put_back(struct sc_listener *l);

#endif
