/* What a trapped call says about one message: its address, its pieces, its control messages, all of
 * them the program's addresses. */
#ifndef SC_TRAP_MESSAGE_H
#define SC_TRAP_MESSAGE_H

#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "trap/arguments.h"

/* As much as anybody asks of control messages: a few of IP's, or 253 descriptors. */
#define SC_TRAP_CONTROL_MAX 2048

struct sc_trap_message {
    struct msghdr head;
    uint64_t at; /* where `head` is; 0: nowhere, for sendto and recvfrom */
    struct iovec pieces[IOV_MAX];
};

/* The msghdr at `at`. 0, -EFAULT or -EMSGSIZE (too many pieces). */
int sc_trap_message_read(int notify, const struct sc_trap_call *c, uint64_t at,
                         struct sc_trap_message *m);

/* sendto and recvfrom as a message. */
void sc_trap_message_make(const struct sc_trap_call *c, struct sc_trap_message *m,
                          socklen_t name_len);

/* Bytes in all, counted to `most` at least. */
size_t sc_trap_message_length(const struct sc_trap_message *m, size_t most);

/* Between `bytes` and the program's pieces, from `skip` bytes behind their start. False: EFAULT. */
bool sc_trap_message_take(const struct sc_trap_call *c, const struct sc_trap_message *m,
                          size_t skip, void *bytes, size_t len);
bool sc_trap_message_give(const struct sc_trap_call *c, const struct sc_trap_message *m,
                          size_t skip, const void *bytes, size_t len);

#endif
