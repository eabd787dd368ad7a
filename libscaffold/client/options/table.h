/* What becomes of each socket option of Linux on a service's socket: one verdict per option, the
 * same before and after the socket has become one. tests/client/options/test_table.py holds the
 * table to the kernel's headers. */
#ifndef SC_CLIENT_OPTIONS_TABLE_H
#define SC_CLIENT_OPTIONS_TABLE_H

#include <stdbool.h>

#include "client/options/shadow.h"
#include "local/ctl.h"

enum sc_verdict {
    SC_OPTION_CARRIED,    /* AF_UNIX keeps it, with the effect that TCP has */
    SC_OPTION_SHADOWED,   /* remembered and reported; the effect, if any, is the flow's */
    SC_OPTION_REFUSED,    /* a service has no such thing; whether it is on can be read */
    SC_OPTION_UNREADABLE, /* likewise; what was set can only be remembered */
    SC_OPTION_PASSING,    /* leaves nothing behind on a socket: a question, or an act */
};

/* Where an option does what it says. All others do nothing there, which --explain reports. What a
 * flow does in any case counts: nothing has to wait for SO_REUSEADDR. */
enum sc_effect {
    SC_EFFECT_NONE = 0,
    SC_EFFECT_STREAM = 1,
    SC_EFFECT_DATAGRAM = 2,
    SC_EFFECT_LOOPBACK = 4, /* on loopback services of both kinds */
    SC_EFFECT_ALL = 7,
};

struct sc_option {
    int level;
    int name;
    const char *text;
    enum sc_verdict verdict;
    enum sc_effect effect;
    int initial; /* reported when it was never set; of REFUSED: the value that means off */
    int least;   /* smaller values are EINVAL */
    enum sc_ctl_option tell; /* what scaffoldd acts on; 0: nothing, and it is not told */
};

/* The option's key, for shadow.h; -1: not in the table, and refused like those that are: an option
 * that is reported as set and is not can be a hole (TCP_ULP "tls" would send plain text). */
int sc_option_key(int level, int name);

/* The key of an option that a service's socket keeps; -1 for all others. */
int sc_option_kept_key(int level, int name);

/* The errno of one that is refused. */
int sc_option_refusal(int level, int name);

/* SO_SNDBUF and SO_RCVBUF: the kernel doubles what it is given, and says so. */
bool sc_option_is_buffer(const struct sc_option *o);

/* NULL: no option has this key. */
const struct sc_option *sc_option_at(unsigned key);

#endif
