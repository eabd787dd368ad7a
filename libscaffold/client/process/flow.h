/* What scaffoldd does for, and knows of, the flow behind a descriptor: of one of the local plane
 * nothing, for which nobody asks it. Signal-safe. */
#ifndef SC_CLIENT_PROCESS_FLOW_H
#define SC_CLIENT_PROCESS_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "local/ctl.h"

/* The flow is told. scaffoldd may be gone, or know better: the option then has no effect, which is
 * no error. errno is kept. */
void sc_flow_set(int fd, enum sc_ctl_option option, uint32_t value);

/* The flow is asked. False when scaffoldd does not know it. errno is kept. */
bool sc_flow_get(int fd, enum sc_ctl_option option, struct sc_ctl_reply *r);

/* The errno that the program should see where the kernel gave `error` on a service socket:
 * ECONNRESET becomes what the opening or the flow failed with, which scaffoldd knows better than
 * the kernel, and tells once. errno is kept. */
int sc_flow_error(int fd, int error);

/* The errno of a flow that died and has told nobody so far; 0 when there is none. errno is kept. */
int sc_flow_untold(int fd);

/* True for a flow that was reset, or that both ends have closed: TCP's calls then say ENOTCONN. One
 * system call while the flow lives. errno is kept. */
bool sc_flow_is_over(int fd);

#endif
