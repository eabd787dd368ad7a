/* What comes in on the connection of a control call: it is read, checked, and given to its handler.
 */
#ifndef SC_DAEMON_CONTROL_REQUEST_H
#define SC_DAEMON_CONTROL_REQUEST_H

#include <stdint.h>

struct sc_watch;

/* Of a call's `watch`. The call may be over when this returns. */
void sc_ctl_on_request(struct sc_watch *w, uint32_t events);

#endif
