/* What became of datagrams: ERROR packets, which stand in the queue among the datagrams. */
#ifndef SC_CLIENT_DATAGRAM_ERROR_H
#define SC_CLIENT_DATAGRAM_ERROR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "local/datagram.h"

/* An ERROR packet was read. Returns the errno that the program's call fails with; 0 when this
 * socket does not hear of errors: not connected, and without IP_RECVERR. */
int sc_datagram_on_error(int fd, const struct sc_datagram_head *head);

/* The errno at the head of the queue, once, or 0. One system call when there is none. */
int sc_datagram_take_error(int fd);

/* recvmsg with MSG_ERRQUEUE. */
ssize_t sc_datagram_read_error(int fd, struct msghdr *msg);

#endif
