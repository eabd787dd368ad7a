/* Numbers that make abstract names unique, and that no other user can guess: whoever knew the next
 * one could bind the name before its owner. */
#ifndef SC_DAEMON_SERIALS_H
#define SC_DAEMON_SERIALS_H

#include <stddef.h>
#include <stdint.h>

struct sc_serials {
    uint64_t drawn[64]; /* from the kernel, many at once: a call costs more than a number */
    size_t left;
};

/* Never 0, which stands for none. */
uint64_t sc_serial(struct sc_serials *s);

#endif
