/* Why a flow died. The kernel says ECONNRESET; scaffoldd knows better, once. */
#ifndef SC_CLIENT_CALL_FLOW_ERROR_H
#define SC_CLIENT_CALL_FLOW_ERROR_H

#include <stdbool.h>

/* The errno that the program should see where the kernel gave `error` on a service socket:
 * ECONNRESET becomes what the opening or the flow failed with, if that is known. errno is kept. */
int sc_flow_error(int fd, int error);

/* The errno of a flow that died and has told nobody so far; 0 when there is none. errno is kept. */
int sc_flow_untold(int fd);

/* True for a flow of which scaffoldd knows no more, because it was reset or both ends closed: TCP's
 * calls then say ENOTCONN. One system call while the flow lives. errno is kept. */
bool sc_flow_is_over(int fd);

#endif
