/* What client/ remembers of a socket by its number (client/supervise.h). A program's socket has
 * another number of ours in every call, so that it is kept by its cookie in between. Any thread. */
#ifndef SC_TRAP_MEMORY_H
#define SC_TRAP_MEMORY_H

/* `fd` is our number of a program's socket from here on. errno is kept. */
void sc_trap_memory_recall(int fd);

/* And from here on no longer: keeps what was learnt of the socket that has the number now. errno is
 * kept. */
void sc_trap_memory_keep(int fd);

#endif
