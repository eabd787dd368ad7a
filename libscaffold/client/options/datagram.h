/* Options that the calls on a datagram socket have to look at. Signal-safe. */
#ifndef SC_CLIENT_OPTIONS_DATAGRAM_H
#define SC_CLIENT_OPTIONS_DATAGRAM_H

#include <stdint.h>

/* What is remembered of an option of the socket with this cookie, or its default; 0 for options
 * that nobody remembers. */
int sc_option_remembered(uint64_t cookie, int level, int name);

/* A datagram socket has just got the options of the program's: marks what its calls must look at.
 */
void sc_options_mark_datagram(int fd);
/* ... and tells scaffoldd of those that it must know. */
void sc_options_tell_datagram(int fd);

/* It is given this option. */
void sc_options_mark(int fd, int level, int name);

#endif
