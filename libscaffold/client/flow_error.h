/* Why a flow died. The kernel says ECONNRESET; scaffoldd knows better, once. */
#ifndef SC_CLIENT_FLOW_ERROR_H
#define SC_CLIENT_FLOW_ERROR_H

/* The errno that the program should see where the kernel gave `error` on a service socket:
 * ECONNRESET becomes what the opening or the flow failed with, if that is known. errno is kept. */
int sc_flow_error(int fd, int error);

#endif
