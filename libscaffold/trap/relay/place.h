/* Where a UDP socket of the kernel's stands: its own address, and its peer's. */
#ifndef SC_TRAP_RELAY_PLACE_H
#define SC_TRAP_RELAY_PLACE_H

#include "local/address.h"

/* Its name, and AF_INET or AF_INET6. 0 or a negative errno, as for the others. */
int sc_place_read(int fd, struct sc_address *a, int *family);

int sc_place_bind(int fd, const struct sc_address *a, enum sc_family family);
int sc_place_connect(int fd, const struct sc_address *a, enum sc_family family);

/* To nobody: a port that the kernel chose goes, an address that was bound stays. The shim's sockets
 * do the same. */
int sc_place_disconnect(int fd);

bool sc_place_is_v6_only(int fd);

/* Of IPv4 or of IPv6. */
struct sc_address sc_place_loopback(bool v4, uint16_t port);

#endif
