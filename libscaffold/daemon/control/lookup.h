/* The look-ups that control calls wait for. */
#ifndef SC_DAEMON_CONTROL_LOOKUP_H
#define SC_DAEMON_CONTROL_LOOKUP_H

#include "daemon/control/call.h"
#include "naming/service_name.h"
#include "stack/stack.h"

/* How a call goes on with its answer. */
typedef void sc_ctl_mapped(struct sc_ctl_call *c, const struct sc_mapping *m);

/* Looks up; the call goes on in `mapped`, once there is a mapping. Otherwise an error is sent. */
void sc_ctl_look_up(struct sc_ctl_call *c, enum sc_lookup_by by, const char *name, uint32_t pool,
                    sc_ctl_mapped *mapped);

/* The same by a name without port; one that is new here counts in the user's share of names. */
void sc_ctl_look_up_name(struct sc_ctl_call *c, const char *base, sc_ctl_mapped *mapped);

/* Reads a service's name; `base` gets it without its port. False: an error was sent, with what is
 * wrong. */
bool sc_ctl_read_name(struct sc_ctl_call *c, const char *text, struct sc_service_name *out,
                      char base[SC_NAME_MAX + 1]);

/* A look-up was answered; nothing when its caller has hung up meanwhile. */
void sc_ctl_on_mapped(struct sc_daemon *d, const struct sc_event *e);

#endif
