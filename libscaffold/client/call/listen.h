/* listen of a stream: the kernel's, on a real AF_UNIX listener that scaffoldd connects to. */
#ifndef SC_CLIENT_CALL_LISTEN_H
#define SC_CLIENT_CALL_LISTEN_H

/* As listen(2); scaffoldd is told. */
int sc_listen_stream(int fd, int backlog);

#endif
