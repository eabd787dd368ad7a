/* Descriptors that come from elsewhere: inherited, passed, or ours now. What is remembered of them
 * by number begins here. Signal-safe. */
#ifndef SC_CLIENT_SOCKET_ADOPT_H
#define SC_CLIENT_SOCKET_ADOPT_H

#include <stdbool.h>

/* The process has a socket of a service: with the first, those that were passed to it before are
 * looked at. */
void sc_note_service_socket(void);

/* Marks `fd` if it is a datagram socket of ours, and returns that; every socket of a service is
 * noted. One system call; errno is kept. */
bool sc_datagram_mark(int fd);

/* The same for descriptors that came from elsewhere, of whose options scaffoldd is told. */
void sc_datagram_adopt(int fd);

/* A descriptor has come from another process. */
void sc_note_passed(int fd);

/* The program asks what a descriptor is that was passed to it when the process had no service: then
 * we do, once. True if it is ours. errno is kept. */
bool sc_meet_passed(int fd);

#endif
