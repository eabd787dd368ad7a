/* Between a program's UDP socket, which stays the kernel's, and whom it talks to. Each far end (a
 * service, a host of one, a name server) has a socket of ours on loopback that stands for it: the
 * program's socket sends to that one and receives from it, and the relay carries on. So that what
 * is read and written without an address needs no trap, poll is the kernel's, and sockets that
 * speak to plain IP as well go on doing so.
 *
 * One thread carries; every function may be called from any thread. */
#ifndef SC_TRAP_RELAY_RELAY_H
#define SC_TRAP_RELAY_RELAY_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

/* A program's socket: our descriptor of it, and where the program has it. */
struct sc_relay_socket {
    int fd;
    pid_t tid;
    int number;
};

/* Whether datagrams to this address are the relay's: to services, and to port 53. Pure. */
bool sc_relay_serves(const struct sockaddr *far, socklen_t len);

/* The address on loopback that stands for `far` towards this socket, in the shape that the socket
 * expects. 0 or a negative errno: -ENOBUFS when too many are open. */
int sc_relay_towards(const struct sc_relay_socket *s, const struct sockaddr *far, socklen_t len,
                     struct sockaddr_storage *at, socklen_t *at_len);

/* What the calls below say of a socket that nothing is relayed for, or not any longer: the kernel's
 * call is right. */
#define SC_RELAY_NOT_OURS 1

/* connect to an address that the relay serves, and connect to nobody (AF_UNSPEC). 0, a negative
 * errno, or SC_RELAY_NOT_OURS. */
int sc_relay_connect(const struct sc_relay_socket *s, const struct sockaddr *far, socklen_t len);
int sc_relay_disconnect(const struct sc_relay_socket *s);

/* The kernel is about to connect the socket to somebody else: no service is its peer any longer.
 * SC_RELAY_NOT_OURS, or a negative errno. */
int sc_relay_leave_peer(const struct sc_relay_socket *s);

/* Binds the socket to a service, or to an address of the pool, as sc_bind does; with `plain_too` to
 * the address itself as well. 0 or a negative errno. */
int sc_relay_bind(const struct sc_relay_socket *s, const struct sockaddr *addr, socklen_t len,
                  bool plain_too);

/* True when anything of this socket is relayed. */
bool sc_relay_has(int fd);

/* Whom an address on loopback stands for. False: for itself. */
bool sc_relay_far(int fd, const struct sockaddr *at, socklen_t at_len, struct sockaddr_storage *far,
                  socklen_t *len);

/* The name that the socket has among services, or towards the name server that it is connected to.
 * False when it has none: the kernel's is right. */
bool sc_relay_own(int fd, struct sockaddr_storage *own, socklen_t *len);

#endif
