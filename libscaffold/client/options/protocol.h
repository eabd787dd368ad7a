/* The protocol that a program asked a stream socket for: TCP, or MPTCP, which a service's socket
 * answers with when it is asked (SO_PROTOCOL), and is again when it goes back to plain IP. What is
 * forgotten, or came by exec, is TCP. Signal-safe; errno is kept. */
#ifndef SC_CLIENT_OPTIONS_PROTOCOL_H
#define SC_CLIENT_OPTIONS_PROTOCOL_H

#include <netinet/in.h>

/* Newer than the oldest libc headers that build this. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* The program makes a socket of this protocol. */
void sc_protocol_note(int protocol);

/* `to` takes the place of `from`. */
void sc_protocol_carry(int from, int to);

/* Of a stream of ours, or a plain one: IPPROTO_TCP or IPPROTO_MPTCP. */
int sc_protocol_of(int fd);

#endif
