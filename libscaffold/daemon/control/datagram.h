/* PREPARE and BIND of datagram sockets, and what programs ask about them. */
#ifndef SC_DAEMON_CONTROL_DATAGRAM_H
#define SC_DAEMON_CONTROL_DATAGRAM_H

#include "daemon/control/call.h"

void sc_ctl_prepare_datagram(struct sc_ctl_call *c);

/* Once the address of the service is known. */
void sc_ctl_bind_datagram(struct sc_ctl_call *c, struct sc_service_id service,
                          struct sc_address address);

/* FLOW_SET and FLOW_GET; false when the name is another kind of socket's. */
bool sc_ctl_on_datagram_option(struct sc_ctl_call *c);

#endif
