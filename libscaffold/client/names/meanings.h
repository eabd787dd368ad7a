/* What this process means by an IPv4 address of the pool: the service that its own look-up got it
 * for. The service router may give an address that nobody used to another name, and a program may
 * keep an address for hours: with it goes what the program means, and scaffoldd refuses what it
 * does not stand for any more.
 *
 * A table of a fixed size, which forgets; whoever says nothing is refused only where an address did
 * change. Inherited by fork. Any thread and any signal handler may use it: it never waits. */
#ifndef SC_CLIENT_NAMES_MEANINGS_H
#define SC_CLIENT_NAMES_MEANINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "local/address.h"
#include "local/ctl.h"

/* Remembers that the address was looked up for this service. Another service than before: the
 * address means both, which is nothing that can be reached, until it is looked up once more. */
void sc_meanings_learn(const struct sc_address *address, const uint8_t service[32]);

/* Fills in what is meant by the address; zeros: nothing. */
void sc_meanings_of(const struct sc_address *address, uint8_t meaning[SC_MEANING_LEN]);

/* This process looks up and connects for others: who asked is not who connects, so that an address
 * that meant two services never means one again. */
void sc_meanings_of_many(void);

#endif
