/* The trapped calls of UDP sockets: they stay the kernel's, and what goes to or comes from a
 * service or a name server goes through the relay (trap/relay/relay.h). */
#ifndef SC_TRAP_DATAGRAM_CALLS_H
#define SC_TRAP_DATAGRAM_CALLS_H

#include "trap/arguments.h"

/* Each with the call's socket taken, a UDP socket. */
enum sc_trap_verdict sc_trap_datagram_connect(int notify, struct sc_trap_call *c,
                                              const struct sockaddr_storage *far, socklen_t len);
enum sc_trap_verdict sc_trap_datagram_bind(int notify, struct sc_trap_call *c,
                                           const struct sockaddr_storage *to, socklen_t len);

/* getsockname and getpeername: the name to answer with. False: the kernel's is right. */
bool sc_trap_datagram_name(const struct sc_trap_call *c, struct sockaddr_storage *ss,
                           socklen_t *len);

/* sendto, sendmsg, sendmmsg; recvfrom, recvmsg, recvmmsg. */
enum sc_trap_verdict sc_trap_datagram_send(int notify, struct sc_trap_call *c);
enum sc_trap_verdict sc_trap_datagram_receive(int notify, struct sc_trap_call *c);

#endif
