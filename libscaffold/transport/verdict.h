/* What became of packets sent: acknowledged or lost, their contents are told so. */
#ifndef SC_TRANSPORT_VERDICT_H
#define SC_TRANSPORT_VERDICT_H

#include "transport/flow.h"

struct sc_verdicts {
    struct sc_flow *flow;
    sc_time now;
};

/* The owner is a struct sc_verdicts. */
extern const struct sc_recovery_ops sc_verdict_ops;

#endif
