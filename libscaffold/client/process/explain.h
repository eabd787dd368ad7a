/* What scaffold_strerror says: one line for the last failure of a call in this thread. Signal-safe.
 */
#ifndef SC_CLIENT_PROCESS_EXPLAIN_H
#define SC_CLIENT_PROCESS_EXPLAIN_H

/* A call begins: what failed before says nothing about it. errno is kept. */
void sc_explain_forget(void);

/* The line for `error`, an errno or a negative EAI_ code; an empty one stands for what the error
 * means on a service's socket. */
void sc_explain(int error, const char *text);

/* The last line is about these two codes: one call looks names up, another one calls sockets. */
void sc_explain_both(int error, int eai);

#endif
