/* The plug: unread bytes that keep a connecting socket not writable until the flow is open (D2). */
#ifndef SC_CLIENT_PLUG_H
#define SC_CLIENT_PLUG_H

#include <stdint.h>

/* Enlarges the buffers of a pair and fills `fd`'s side. Returns the number of bytes written. */
uint32_t sc_plug(int fd, int other);

#endif
