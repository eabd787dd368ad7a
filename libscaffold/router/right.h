/* An operator's word of what a host may serve: plain data, which the configuration reads. */
#ifndef SC_ROUTER_RIGHT_H
#define SC_ROUTER_RIGHT_H

#include "base/limits.h"

/* That a host may serve names of one of the network's aliases. */
struct sc_right {
    char host[SC_HOST_NAME_MAX + 1];
    char alias[SC_HOST_NAME_MAX + 1]; /* a part of a name, like a host's */
    char pattern[SC_NAME_MAX + 1];    /* naming/scope.h */
};

#endif
