/* What a packet of a flow begins with: CONFIRM until the peer has acknowledged something of ours,
 * DATA from then on. */
#ifndef SC_TRANSPORT_HEAD_H
#define SC_TRANSPORT_HEAD_H

#include "transport/flow.h"

/* Bytes before the first frame. */
size_t sc_head_len(bool confirm);

/* Everything before the first frame. */
void sc_head_write(const struct sc_flow *f, struct sc_writer *w, uint64_t number);

#endif
