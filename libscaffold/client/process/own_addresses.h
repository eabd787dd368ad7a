/* The addresses of this host's interfaces. Under --all-local a program reaches its neighbours there
 * as on loopback. */
#ifndef SC_CLIENT_PROCESS_OWN_ADDRESSES_H
#define SC_CLIENT_PROCESS_OWN_ADDRESSES_H

#include <stdbool.h>

#include "local/address.h"

/* True for one of them that is not loopback. Compares with a list that is at most a second old: an
 * address that comes or goes is noticed by then. The first call, and one after each second, asks
 * the kernel in a handful of system calls. No memory, no lock, signal-safe; errno is kept. */
bool sc_is_own_address(const struct sc_address *a);

#endif
