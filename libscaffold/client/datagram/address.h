/* Addresses of datagrams between the program's shape and scaffoldd's. */
#ifndef SC_CLIENT_DATAGRAM_ADDRESS_H
#define SC_CLIENT_DATAGRAM_ADDRESS_H

#include "client/names/target.h"
#include "local/address.h"

/* The destination that a program gave to a socket of `family`. 0, or -1 with errno as UDP sets it:
 * EINVAL (too short, port 0), EAFNOSUPPORT, ENETUNREACH (plain IP). */
int sc_datagram_read_address(enum sc_family family, const struct sc_target *to,
                             struct sc_address *out);

/* The same for connect, which takes port 0: a peer that nothing comes from. */
int sc_datagram_read_peer(enum sc_family family, const struct sc_target *to,
                          struct sc_address *out);

/* To the program: never more than *len bytes, *len becoming the true length. 0, or -1 with EFAULT.
 */
int sc_datagram_give_address(const struct sc_address *a, enum sc_family family,
                             struct sockaddr *addr, socklen_t *len);

#endif
