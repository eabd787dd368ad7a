/* Congestion controls by the names that programs have for them (TCP_CONGESTION), which are Linux's,
 * and by the numbers that stand for these in control messages. */
#ifndef SC_LOCAL_TCP_CONGESTION_H
#define SC_LOCAL_TCP_CONGESTION_H

#include <stddef.h>
#include <stdint.h>

/* Room for a name, as Linux gives it: zeros behind it. */
#define SC_TCP_CONGESTION_LEN 16

/* The number of a name of `len` bytes, which end at a zero among them; 0: there is no such control.
 */
uint32_t sc_tcp_congestion_find(const char *name, size_t len);

/* NULL: no control has this number. */
const char *sc_tcp_congestion_name(uint32_t number);

#endif
