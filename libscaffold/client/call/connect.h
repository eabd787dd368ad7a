/* connect of a stream: scaffoldd makes a pair of sockets, keeps one end, and gives the other to the
 * program, under its own number. Order matters: named and plugged before the program can see
 * it, swapped before anybody can answer (A4). */
#ifndef SC_CLIENT_CALL_CONNECT_H
#define SC_CLIENT_CALL_CONNECT_H

#include "client/names/target.h"

/* As connect(2). Towards plain IP it is libc's; a socket of ours becomes a plain one first. */
int sc_connect_stream(int fd, const struct sc_target *to);

#endif
