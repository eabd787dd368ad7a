/* Addresses, as a program sees them. */
#ifndef SC_CLIENT_NAMES_GIVE_H
#define SC_CLIENT_NAMES_GIVE_H

#include <sys/socket.h>

#include "local/address.h"

/* Gives an address to the program in the shape of `family`: never more than *len bytes, *len
 * becoming the true length. errno is kept. */
void sc_give_address(const struct sc_address *a, enum sc_family family, struct sockaddr *addr,
                     socklen_t *len);

#endif
