/* What the handshake of a channel carries: who each end is, and the first request. Layouts:
 *
 *   second message, of the router   4 channel id | proof | string host name
 *   third message, of the host      proof | 16 invitation (zeros: none) | 8 transaction | request
 *   proof                           32 host key | 108 statement (crypto/statement.h)
 *
 * The request is a CONTROL message as it stands behind the header, without the zeros at its end. */
#ifndef SC_CHANNEL_PROOF_H
#define SC_CHANNEL_PROOF_H

#include "node/node.h"

#define SC_PROLOGUE_MAX 64

struct sc_proof {
    uint32_t channel; /* second message */
    uint8_t host[SC_KEY_LEN];
    struct sc_field statement;
    char name[SC_HOST_NAME_MAX + 1];       /* second message */
    uint8_t invitation[SC_INVITATION_LEN]; /* third message */
    struct sc_control request;             /* third message */
};

/* What both ends of a handshake agree upon beforehand: `channel` and `suite` are GREET's. Returns
 * its length. */
size_t sc_proof_prologue(uint32_t channel, uint8_t suite, uint8_t out[SC_PROLOGUE_MAX]);

/* Our own, with `channel`, or with an invitation and a request. */
void sc_proof_write_router(struct sc_writer *w, const struct sc_node *node, uint32_t channel);
void sc_proof_write_host(struct sc_writer *w, const struct sc_node *node,
                         const struct sc_control *request);

/* False when it is malformed, or its host key has not signed `handshake`, the key that the peer has
 * shown in the handshake. When that ends is not looked at: a channel needs no clock, and who holds
 * the key of an old statement would have had to take it out of a host's memory. */
bool sc_proof_read_router(struct sc_proof *p, struct sc_crypto *crypto, struct sc_field payload,
                          const uint8_t handshake[SC_X25519_LEN]);
bool sc_proof_read_host(struct sc_proof *p, struct sc_crypto *crypto, struct sc_field payload,
                        const uint8_t handshake[SC_X25519_LEN]);

#endif
