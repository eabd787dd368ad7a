/* Why something could not be stored, as the wire says it in a byte, and as an errno. */
#ifndef SC_ROUTER_TROUBLE_H
#define SC_ROUTER_TROUBLE_H

#include <stdint.h>

uint8_t sc_trouble_of(int error);
int sc_trouble_error(uint8_t trouble);

#endif
