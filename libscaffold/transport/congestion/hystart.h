/* HyStart++ (RFC 9406): leaves slow start when the round trip grows, before packets are lost. */
#ifndef SC_TRANSPORT_CONGESTION_HYSTART_H
#define SC_TRANSPORT_CONGESTION_HYSTART_H

#include "transport/congestion/congestion.h"

void sc_hystart_init(struct sc_hystart *h);

/* Bytes by which the window grows for these bytes acknowledged in slow start. *leave: slow start is
 * over. */
uint64_t sc_hystart_on_acked(struct sc_hystart *h, const struct sc_acked *a, bool *leave);

#endif
