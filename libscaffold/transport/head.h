/* What a packet of a flow begins with: CONFIRM until the peer has acknowledged something of ours,
 * DATA from then on. */
#ifndef SC_TRANSPORT_HEAD_H
#define SC_TRANSPORT_HEAD_H

#include "transport/flow.h"
#include "transport/train.h"

/* Bytes before the first frame. */
static inline size_t sc_head_len(bool confirm)
{
    return confirm ? SC_CONFIRM_LEN_MIN : SC_HEADER_LEN;
}

/* The flow's next packet in a train, with everything before the first frame; frames go to `w`. */
struct sc_packet *sc_head_begin(struct sc_flow *f, struct sc_train *t, struct sc_writer *w);

#endif
