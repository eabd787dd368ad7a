/* What programs ask name servers, answered for the names of services. */
#ifndef SC_TRAP_RELAY_NAMES_H
#define SC_TRAP_RELAY_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "naming/dns.h"

/* The answer to a query about the name of a service, its address asked from scaffoldd. Returns its
 * length; 0: the query is about something else. One exchange with scaffoldd. */
size_t sc_trap_names_answer(const uint8_t *query, size_t len, uint8_t out[SC_DNS_ANSWER_MAX]);

#endif
