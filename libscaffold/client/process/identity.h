/* Who a descriptor is: read from the names that its socket and its counterpart carry. Nothing is
 * remembered, so the answers hold after fork, exec, dup and descriptor passing.
 *
 * A process that has no socket of a service makes no system call that its program did not make: it
 * may live in a sandbox that ends it for one. It learns that it has one from what the program does
 * (connect, bind), at its start (descriptors that were inherited), and from the answers to the
 * program's own questions; only then are descriptors looked at. */
#ifndef SC_CLIENT_PROCESS_IDENTITY_H
#define SC_CLIENT_PROCESS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "local/ctl.h"
#include "local/socket_name.h"

enum sc_identity_state {
    SC_STATE_PLAIN, /* not a socket of ours */
    SC_STATE_BOUND, /* bound to a service, neither listening nor connected */
    SC_STATE_LISTENING,
    SC_STATE_CONNECTING,
    SC_STATE_OPEN,   /* established, or it was */
    SC_STATE_FAILED, /* the opening failed: peer.address.port is the errno (ECONNRESET when
                        scaffoldd died meanwhile) */
};

struct sc_identity {
    enum sc_identity_state state;
    struct sc_socket_name own;  /* valid unless PLAIN */
    struct sc_socket_name peer; /* valid when OPEN or FAILED: what to show as the peer */
    bool local;                 /* OPEN: of the local plane */
};

/* The name of ours that a socket carries, of whatever kind; and, of streams, what is connected to
 * it: false when nothing is, kind 0 for a name that is none of ours. One system call; errno is
 * kept. Signal-safe. */
bool sc_read_own_name(int fd, struct sc_socket_name *own);
bool sc_read_peer_name(int fd, struct sc_socket_name *peer);

/* True for descriptors whose socket is a stream of ours, or a datagram socket; fills own name. One
 * system call; errno is kept. Signal-safe. */
bool sc_is_service_socket(int fd, struct sc_socket_name *own);
bool sc_is_datagram_socket(int fd, struct sc_socket_name *own);

/* Two system calls for a flow, one for a plain socket. errno is kept. Signal-safe. */
enum sc_identity_state sc_identify(int fd, struct sc_identity *id);

/* A UDP socket of the kernel's. One system call. Signal-safe. */
bool sc_is_udp(int fd);

/* Signal-safe. */
bool sc_is_nonblocking(int fd);

/* True when the other end is closed. errno is kept. Signal-safe. */
bool sc_is_hung_up(int fd);

/* True for a flow whose other end is a program of this host: of the local plane, about which
 * scaffoldd has nothing to say. Values only. */
static inline bool sc_identity_is_local(const struct sc_identity *id)
{
    return id->state == SC_STATE_OPEN && id->local;
}

/* The same of a descriptor. Two system calls for a flow, one for others. errno is kept. */
bool sc_is_local_flow(int fd);

/* Descriptor in the words of FLOW_ERROR, FLOW_SET and FLOW_GET. */
void sc_flow_name(int fd, struct sc_ctl_flow *out);

/* True when nothing but libc's call is wanted on this descriptor: no socket of a service, as far as
 * is known without asking. Costs two loads. */
bool sc_is_plain(int fd);

/* True when a call of the kernel's may have written the name of one of our sockets to `addr`, which
 * had `room` bytes and was told that the name has `len`. */
bool sc_may_be_ours(const struct sockaddr *addr, socklen_t room, socklen_t len);

#endif
