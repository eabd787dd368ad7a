/* Control messages of datagrams: in heads, and as the program has them. */
#ifndef SC_CLIENT_DATAGRAM_CONTROL_H
#define SC_CLIENT_DATAGRAM_CONTROL_H

#include <sys/socket.h>

#include "local/datagram.h"

/* What the program's control messages ask for one datagram: source, TTL, TOS, segments. 0, or -1
 * with EINVAL for what UDP does not know or a service cannot have. */
int sc_datagram_read_control(const struct msghdr *msg, struct sc_datagram_head *head);

/* TTL and TOS that the program set for all of the socket's datagrams. */
void sc_datagram_shape(int fd, struct sc_datagram_head *head);

/* Adds what the program wants to hear of a datagram behind what the kernel wrote (timestamps):
 * msg_controllen of it is used, of `room`. Sets MSG_CTRUNC as the kernel does. */
void sc_datagram_write_control(int fd, const struct sc_datagram_head *head, struct msghdr *msg,
                               size_t room);

/* One control message, cut off where the room ends. */
void sc_datagram_put(struct msghdr *msg, size_t room, int level, int type, const void *data,
                     size_t len);

#endif
