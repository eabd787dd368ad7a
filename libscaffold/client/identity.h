/* Who a descriptor is: read from the names that its socket and its counterpart carry. Nothing is
 * remembered, so the answers hold after fork, exec, dup and descriptor passing (D2). */
#ifndef SC_CLIENT_IDENTITY_H
#define SC_CLIENT_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "local/ctl.h"
#include "local/names.h"

enum sc_state {
    SC_STATE_PLAIN, /* not a socket of ours */
    SC_STATE_BOUND, /* bound to a service, neither listening nor connected */
    SC_STATE_LISTENING,
    SC_STATE_CONNECTING,
    SC_STATE_OPEN,   /* established, or it was */
    SC_STATE_FAILED, /* the opening failed: peer.address.port is the errno (ECONNRESET when
                        scaffoldd died meanwhile) */
};

struct sc_identity {
    enum sc_state state;
    struct sc_name own;  /* valid unless PLAIN */
    struct sc_name peer; /* valid when OPEN or FAILED */
};

/* Two system calls for a flow, one for a plain socket. errno is kept. Signal-safe. */
enum sc_state sc_identify(int fd, struct sc_identity *id);

/* True when the other end is closed. errno is kept. Signal-safe. */
bool sc_is_hung_up(int fd);

/* Descriptor in the words of FLOW_ERROR, FLOW_SET and FLOW_GET. */
void sc_flow_name(int fd, struct sc_ctl_flow *out);

/* Gives an address to the program in the shape of `family`: never more than *len bytes, *len
 * becoming the true length. */
void sc_give_address(const struct sc_address *a, enum sc_family family, struct sockaddr *addr,
                     socklen_t *len);

/* True once the process has had a service socket: a cheap reason not to look. */
bool sc_any_service_socket(void);
void sc_note_service_socket(void);

#endif
