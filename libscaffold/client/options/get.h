/* getsockopt: what is remembered, what is the flow's, and what AF_UNIX answers otherwise than TCP.
 */
#ifndef SC_CLIENT_OPTIONS_GET_H
#define SC_CLIENT_OPTIONS_GET_H

#include <sys/socket.h>

/* As getsockopt(2), but for SO_ERROR. */
int sc_options_get(int fd, int level, int name, void *value, socklen_t *len);

/* An answer to it: 0, or -1 with EFAULT or EINVAL. */
int sc_options_give_int(int v, void *value, socklen_t *len);

#endif
