/* What a control call is told. */
#ifndef SC_DAEMON_CONTROL_REPLY_H
#define SC_DAEMON_CONTROL_REPLY_H

#include <stdbool.h>

#include "daemon/shares.h"
#include "local/ctl.h"

struct sc_ctl_call;

/* An empty reply to this call; then fill it in and send it. */
struct sc_ctl_reply sc_ctl_reply_to(const struct sc_ctl_call *c);
void sc_ctl_send(struct sc_ctl_call *c, const struct sc_ctl_reply *r);
void sc_ctl_send_error(struct sc_ctl_call *c, int error, const char *text);

/* The same with a descriptor, which stays the caller's. False: the kernel takes no more of them,
 * and an error was sent that says so. */
bool sc_ctl_lend(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd);

/* The same, and the descriptor is closed here. */
bool sc_ctl_give(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd);

/* True when one of this many more is not granted: an error was sent that says so. */
bool sc_ctl_refuse_share(struct sc_ctl_call *c, struct sc_share *share, enum sc_share_kind kind);

/* What several calls are told. */
#define SC_CTL_NOBODY_HERE "no service of this host is reached at this address and port"
#define SC_CTL_NO_ADDRESS                                                                          \
    "this host has no address yet; is the service router running where --router says?"

#endif
