/* Another socket under the application's number. */
#ifndef SC_CLIENT_SOCKET_SWAP_H
#define SC_CLIENT_SOCKET_SWAP_H

#include <stdbool.h>

/* Puts socket `fresh` in the place of `fd`: under its number and those of its duplicates in this
 * process, with their descriptor flags, O_NONBLOCK and their epoll registrations. Closes `fresh`.
 * Returns 0, or a negative errno; then `fd` is as it was. */
int sc_swap(int fd, int fresh);

#endif
