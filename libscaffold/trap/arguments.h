/* What a trapped call was given, and what it gives back: the socket, addresses and buffers of the
 * program, each read with the call's validity checked afterwards. */
#ifndef SC_TRAP_ARGUMENTS_H
#define SC_TRAP_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "trap/loop.h"

/* --- answers ----------------------------------------------------------------------------------
 *
 * Each gives the call's socket back before the program goes on: what it closes then is closed. */

enum sc_trap_verdict sc_trap_answer(int notify, struct sc_trap_call *c, int64_t value, int error);

/* What a call of libc's style returned. */
enum sc_trap_verdict sc_trap_answer_result(int notify, struct sc_trap_call *c, int64_t result);

enum sc_trap_verdict sc_trap_leave_to_kernel(int notify, struct sc_trap_call *c);

/* The call goes on when one of `events` comes, or the time of socket option `timeout`
 * (SO_RCVTIMEO, SO_SNDTIMEO) is over, counted from the first wait. */
enum sc_trap_verdict sc_trap_wait_for(struct sc_trap_call *c, uint32_t events, int timeout);

/* --- arguments -------------------------------------------------------------------------------- */

static inline int sc_trap_number(const struct sc_trap_call *c)
{
    return (int)c->args[0];
}

/* The socket, kept in the call until it is given back. */
bool sc_trap_take_socket(int notify, struct sc_trap_call *c);
void sc_trap_give_back(struct sc_trap_call *c);

/* The second and third argument of connect and bind. */
bool sc_trap_read_address(int notify, const struct sc_trap_call *c, struct sockaddr_storage *ss,
                          socklen_t *len);

/* A buffer and the place of its length, in the program. */
struct sc_trap_out {
    uint64_t buffer;
    uint64_t length;
    socklen_t room;
};

/* From arguments `buffer` and the one after it. 0, or -EFAULT, or -EINVAL for a negative length. */
int sc_trap_read_out(int notify, const struct sc_trap_call *c, int buffer, struct sc_trap_out *o);

/* As much as there is room for, and the whole length. */
bool sc_trap_write_out(const struct sc_trap_call *c, const struct sc_trap_out *o, const void *from,
                       socklen_t len);

#endif
