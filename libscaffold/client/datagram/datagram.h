/* Datagram sockets that are ours: AF_UNIX SOCK_SEQPACKET below, UDP to the program. In front of
 * every datagram stands a head (local/datagram.h), which the calls here add and take away.
 *
 * Which descriptors these are is remembered as a mark (client/process/marks.h), so that a
 * test costs one load. No call allocates or takes a lock; all are signal-safe. What is said of UDP
 * in udp(7), ip(7) and ipv6(7) holds unless said otherwise. */
#ifndef SC_CLIENT_DATAGRAM_DATAGRAM_H
#define SC_CLIENT_DATAGRAM_DATAGRAM_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "client/names/target.h"
#include "client/process/marks.h"
#include "local/datagram.h"
#include "local/socket_name.h"

/* --- becoming ours (join.c) ------------------------------------------------------------------- */

int sc_datagram_connect(int fd, const struct sc_target *to);
int sc_datagram_bind(int fd, const struct sc_target *to);

/* True for addresses at which a UDP socket is ours when it is bound there. Pure. */
bool sc_datagram_binds(const struct sc_target *to);

enum sc_route {
    SC_ROUTE_IP,      /* libc's call is right */
    SC_ROUTE_SERVICE, /* the socket is ours now */
    SC_ROUTE_NONE,    /* errno says why */
};

/* True when a socket that was bound to a wildcard, and is nobody's correspondent yet, has become
 * plain IP again since that is where it sends to. errno is kept. */
bool sc_datagram_leave(int fd, const struct sc_target *to);

/* Where a plain socket's datagram to `to` goes. No system call but for UDP sockets that name a
 * service or this host. */
enum sc_route sc_datagram_route(int fd, const struct sc_target *to);

/* A plain socket sends to plain IP. */
void sc_datagram_note_ip(int fd);

/* --- data ------------------------------------------------------------------------------------- */

/* `to` is the name of the message. */
ssize_t sc_datagram_send(int fd, const struct msghdr *msg, const struct sc_target *to, int flags);
ssize_t sc_datagram_receive(int fd, struct msghdr *msg, int flags);
int sc_datagram_receive_many(int fd, struct mmsghdr *list, unsigned count, int flags,
                             const struct timespec *timeout);

/* What was gathered (client/datagram/gather.h) goes out. Returns 0. */
int sc_datagram_uncork(int fd);

/* Length of the next datagram, 0 without one: what FIONREAD says. */
int sc_datagram_next_length(int fd);

/* True when a packet waits to be read. errno is kept. */
bool sc_datagram_waits(int fd);

/* --- the rest --------------------------------------------------------------------------------- */

int sc_datagram_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int sc_datagram_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int sc_datagram_shutdown(int fd, int how);
bool sc_datagram_is_shut(int fd, int how);

#endif
