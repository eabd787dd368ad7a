/* The kernel's random bytes, for keys, and for numbers that nobody may guess. */
#ifndef SC_DAEMON_ENTROPY_H
#define SC_DAEMON_ENTROPY_H

#include "crypto/entropy.h"

/* For who is given its entropy. */
extern const struct sc_entropy sc_entropy_kernel;

/* Fills all of it. At the machine's start it waits for the kernel's generator; a kernel that has
 * none ends the process. */
void sc_random(void *out, size_t len);

#endif
