/* SCAFFOLD_SHIM_LOG=FILE: one line of JSON for every socket that the program puts to use and one
 * for its end (docs/schemas/explain.schema.json). `scaffold run --explain` reads them.
 *
 * The calls of client/ tell what they did, each with `if (sc_log_on())` before it: without a log
 * that is one branch. What a socket is, and why, is then read from the socket itself, so that it
 * does not matter how it became what it is. With a log every call here costs a few system calls,
 * and one question to scaffoldd for names and byte counts.
 *
 * Signal-safe, without memory or locks; errno is kept. */
#ifndef SC_CLIENT_EXPLAIN_LOG_H
#define SC_CLIENT_EXPLAIN_LOG_H

#include "client/names/target.h"
#include "client/process/log_file.h"

/* --- a socket is put to use: after the call, `result` being what it returned -------------------*/

void sc_log_made(int fd); /* no line yet */
void sc_log_connected(int fd, const struct sc_target *to, int result);
void sc_log_bound(int fd, const struct sc_target *to, int result);
void sc_log_listening(int fd, int result);
void sc_log_accepted(int fd);

/* A datagram to a service was not sent, and the socket did not become the service's: errno. A line
 * for the first. */
void sc_log_unsent(int fd, const struct sc_target *to);

/* A datagram was sent to `to` (no address: where the socket is connected to). A line for the first.
 */
void sc_log_sent(int fd, const struct sc_target *to);

/* --- a socket ends ---------------------------------------------------------------------------- */

/* The socket behind `fd` is about to give way to that of `fresh`. Whether another process may have
 * the old one still, which cannot be repaired, stands in the lines of the new one. */
void sc_log_replaced(int fd, int fresh);

/* `fd` is about to be closed: a line, unless another number stands for the same socket. */
void sc_log_closing(int fd);

/* All of first to last are. */
void sc_log_closing_range(unsigned first, unsigned last);

/* The process is about to end. Also run by a destructor. */
void sc_log_ending(void);

#endif
