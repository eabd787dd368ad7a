/* One flow: a reliable, ordered byte stream in both directions between two sockets, late-bound to a
 * service. Pure: packets and `now` in, trains of packets and a deadline out. No allocation outside
 * the blocks of send.h and recv.h. Not thread-safe.
 *
 *   client   OPENING --ANSWER--> OPEN --both FINs done--> LINGER --timer--> DEAD
 *   server   ANSWERED --CONFIRM--> OPEN ...
 *   any      --ABORT, reset, timeout, sc_flow_abort--> FAILED --timer--> DEAD
 *
 * All that a client sends is CONFIRM until something of it is acknowledged; DATA for an ANSWERED
 * flow is dropped. FAILED: `error` is set; our ABORT is repeated until it is acknowledged, and for
 * each packet that still arrives.
 *
 * Every transition is made by sc_flow_change_state in flow.c; the table of allowed ones stands
 * there. */
#ifndef SC_TRANSPORT_FLOW_H
#define SC_TRANSPORT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/rng.h"
#include "base/time.h"
#include "base/trace.h"
#include "transport/ack.h"
#include "transport/blocks.h"
#include "transport/path.h"
#include "transport/recovery.h"
#include "transport/recv.h"
#include "transport/send.h"
#include "wire/frame.h"
#include "wire/packet.h"

struct sc_train;

enum sc_flow_state {
    SC_FLOW_OPENING,  /* client: OPEN sent, waiting for an ANSWER */
    SC_FLOW_ANSWERED, /* server: ANSWER sent, waiting for the third packet; nobody sees it yet */
    SC_FLOW_OPEN,
    SC_FLOW_LINGER, /* both directions finished; answers retransmissions */
    SC_FLOW_FAILED, /* over with an error; answers with ABORT */
    SC_FLOW_DEAD,   /* to be freed by the stack */
};

/* What has changed since the stack last looked; see sc_stack_next_event. */
#define SC_FLOW_ESTABLISHED 0x01u /* client: an instance answered; server: confirmed */
#define SC_FLOW_READABLE 0x02u    /* bytes, the end of the stream, or an urgent mark */
#define SC_FLOW_WRITABLE 0x04u    /* sc_flow_send_room() became positive again */
#define SC_FLOW_SENT 0x08u        /* everything written, FIN included, is acknowledged */
#define SC_FLOW_ENDED 0x10u       /* FAILED (see error) or LINGER */

struct sc_flow_stats {
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t packets_lost;          /* declared lost */
    uint64_t packets_retransmitted; /* packets that carried bytes sent before */
    uint64_t packets_duplicate;
    uint64_t packets_dropped; /* no memory, too many holes: not acknowledged, so sent again */
    uint64_t bytes_sent;      /* stream bytes, first transmission */
    uint64_t bytes_received;  /* stream bytes delivered in order */
    uint64_t probe_timeouts;
};

/* What the stack provides to all of its flows. */
struct sc_flow_env {
    struct sc_rng *rng;
    struct sc_block_pool *blocks;
    const struct sc_congestion_ops *congestion;
    uint64_t address;      /* own network address */
    uint32_t pool;         /* own pool address, IPv4, host order */
    uint64_t epoch;        /* own incarnation */
    size_t datagram_limit; /* largest UDP payload to try; 0: SC_DATAGRAM_MAX */
    struct sc_trace trace; /* zeros: nobody watches */
};

struct sc_flow {
    const struct sc_flow_env *env;
    enum sc_flow_state state;
    bool is_client;
    int error;       /* positive errno once FAILED */
    unsigned events; /* SC_FLOW_... not yet taken by the stack's owner */
    void *app;       /* the owner's, who looks at no other field of a flow */

    uint32_t id; /* own flow id */

    uint64_t peer_address; /* network address; 0 until answered */
    uint32_t peer_id;
    uint32_t peer_pool; /* how the peer's host appears to the application */
    uint16_t peer_port; /* server: the client's port */
    uint16_t own_port;  /* client: port shown to the server's program */
    uint64_t peer_epoch;
    uint64_t open_id;
    uint8_t own_token[SC_TOKEN_LEN];
    uint8_t peer_token[SC_TOKEN_LEN];
    struct sc_service_id service;
    struct sc_underlay via; /* family != 0: reply through this underlay (relayed), not by address */
    bool relayed;

    /* Opening (client), see open.c. */
    struct {
        sc_time started, deadline;
        sc_time attempt_at; /* this attempt began */
        sc_time retransmit_at;
        sc_time interval;
        uint8_t attempt;
        bool want_send;
        size_t exclude_count;
        uint64_t exclude[SC_OPEN_EXCLUDE];
        uint8_t cookie[32];
        size_t cookie_len;
        bool refused_any;  /* at least one instance refused: ECONNREFUSED rather than ETIMEDOUT */
        bool confirming;   /* nothing of ours is acknowledged yet: packets go as CONFIRM */
        bool want_confirm; /* one is due, with data or at `confirm_at` without */
        sc_time confirm_at;
        unsigned sent;    /* OPENs; server: ANSWERs */
        sc_time sent_at;  /* the last of them */
        unsigned retries; /* RETRYs obeyed in this attempt */
    } opening;
    /* Server: the ANSWER to repeat. */
    sc_time answered_at; /* the last OPEN came then */
    bool want_answer;

    struct sc_send send;
    struct sc_recv recv;
    struct sc_ack_state ack;
    struct sc_recovery recovery;
    struct sc_path path;
    struct sc_flow_stats stats;

    sc_time last_heard;
    sc_time progress_at;  /* bytes became outstanding, or were acknowledged, then */
    sc_time linger_until; /* LINGER and FAILED: DEAD from then on */
    sc_time user_timeout; /* RFC 5482: unacknowledged data older than this ends it; 0: none */
    sc_time memory_at;    /* starved for want of blocks: look again then */
    unsigned probes;      /* packets that may leave beyond the window (RFC 9002 6.2.4) */
    bool want_ping;
    bool sent_reported;   /* SC_FLOW_SENT was raised */
    struct {              /* our ABORT, see close.c */
        uint64_t number;  /* of the first packet that carried it */
        sc_time again_at; /* SC_NEVER: acknowledged, or given up */
        unsigned sent;
        unsigned most; /* repetitions */
    } aborting;
    bool want_abort;
    bool want_ack;         /* FAILED by the peer's ABORT: tell it that we know */
    uint16_t abort_reason; /* 0: the peer needs not be told */
    bool urgent_sent;
    uint64_t urgent_offset; /* own urgent mark to announce, when !urgent_sent */
    bool peer_urgent;
    uint64_t peer_urgent_offset;
};

/* --- life ------------------------------------------------------------------------------------- */

/* A client flow towards a service: OPENING, first OPEN due at once. timeout 0 = SC_OPEN_TIMEOUT.
 * The caller sets own_token before the first sc_flow_produce. */
void sc_flow_init_client(struct sc_flow *f, const struct sc_flow_env *env, uint32_t id,
                         const struct sc_service_id *service, uint16_t own_port, sc_time timeout,
                         sc_time now);

/* A server flow for an OPEN: ANSWERED, ANSWER due at once. */
void sc_flow_init_server(struct sc_flow *f, const struct sc_flow_env *env, uint32_t id,
                         const struct sc_open *open, const uint8_t token[SC_TOKEN_LEN],
                         sc_time now);

void sc_flow_fini(struct sc_flow *f);

/* --- from the network ------------------------------------------------------------------------- */

/* The flow's packets, header already read and the flow found by id. Stream bytes may be borrowed
 * from the packet's buffer until sc_flow_settle. Malformed input ends the flow with
 * SC_ABORT_PROTOCOL. Each returns nothing: effects are events, state and deadlines. */
void sc_flow_on_open(struct sc_flow *f, const struct sc_open *p, sc_time now); /* a repeated OPEN */
void sc_flow_on_answer(struct sc_flow *f, const struct sc_answer *a, sc_time now);
void sc_flow_on_refuse(struct sc_flow *f, const struct sc_refuse *p, sc_time now);
void sc_flow_on_retry(struct sc_flow *f, const struct sc_retry *p, sc_time now);
void sc_flow_on_confirm(struct sc_flow *f, const struct sc_header *h, const struct sc_confirm *c,
                        sc_time now);
void sc_flow_on_data(struct sc_flow *f, const struct sc_header *h, struct sc_reader *frames,
                     unsigned ecn, sc_time now);
void sc_flow_on_reset(struct sc_flow *f, const struct sc_reset *p, sc_time now);

/* True for an ANSWER to this flow's OPEN from another instance than the one it belongs to (or when
 * it failed meanwhile): sc_flow_on_answer ignores it; its half-open flow there dies by itself. */
bool sc_flow_answer_is_stray(const struct sc_flow *f, const struct sc_answer *a);

/* The peer is gone: the flow fails with this errno. After silence (ETIMEDOUT) the peer is told, for
 * it may hear us though we do not hear it; else (restarted) nothing is sent. */
void sc_flow_on_peer_gone(struct sc_flow *f, int error, sc_time now);

/* The host of a peer that is gone says to be elsewhere, which is to be proven yet: a flow that has
 * FAILED goes on saying so for some more seconds. */
void sc_flow_on_peer_sought(struct sc_flow *f);

/* End of a batch of datagrams: borrowed bytes that the application has not taken are copied, and
 * acknowledgements become due. */
void sc_flow_settle(struct sc_flow *f, sc_time now);

/* --- to the network --------------------------------------------------------------------------- */

/* True when sc_flow_produce would yield something now. */
bool sc_flow_wants_send(const struct sc_flow *f, sc_time now);

/* Adds the flow's next packets to an open train for its peer's address. False when there is nothing
 * to send (or not yet: see the deadline), or what there is does not go with what the train has.
 * Once per train, so that flows share the link train by train. */
bool sc_flow_produce(struct sc_flow *f, struct sc_train *t, sc_time now);

sc_time sc_flow_deadline(const struct sc_flow *f);
void sc_flow_on_timer(struct sc_flow *f, sc_time now);

/* A datagram of this size was refused by the host's own network (EMSGSIZE). */
void sc_flow_on_too_large(struct sc_flow *f, size_t size, sc_time now);

/* --- for the application ---------------------------------------------------------------------- */

/* Bytes that the flow takes now (0: wait for SC_FLOW_WRITABLE, which follows for certain). */
size_t sc_flow_send_room(struct sc_flow *f);

/* Of `most` bytes more, as many as fill a train to its end, behind those that wait to be sent: what
 * is left over would soon be a short train of its own. */
size_t sc_flow_send_share(const struct sc_flow *f, size_t most);

/* Room to read into, at most `want` bytes, in up to `max` pieces; returns the number of pieces (0:
 * no room or no memory). Then say how many bytes were written there. */
size_t sc_flow_send_space(struct sc_flow *f, size_t want, struct iovec *iov, size_t max);
void sc_flow_send_commit(struct sc_flow *f, size_t len, sc_time now);

/* No more bytes will come (half-close). */
void sc_flow_send_fin(struct sc_flow *f, sc_time now);

/* The last byte written so far is urgent (MSG_OOB). */
void sc_flow_send_urgent(struct sc_flow *f, sc_time now);

/* In-order bytes, in place: fills up to `max` pieces, returns their number. Valid until the next
 * call into the flow. Consume what was delivered; this opens the window. */
size_t sc_flow_recv_peek(const struct sc_flow *f, struct iovec *iov, size_t max);
void sc_flow_recv_consume(struct sc_flow *f, size_t len, sc_time now);

/* Everything up to the peer's FIN was consumed. */
bool sc_flow_recv_eof(const struct sc_flow *f);

/* The application reads no more (SHUT_RD, or closed for reading): bytes are dropped. */
void sc_flow_recv_discard(struct sc_flow *f, sc_time now);

/* Ends the flow at once in both directions; the peer is told why. */
void sc_flow_abort(struct sc_flow *f, enum sc_abort_reason reason, int error, sc_time now);

/* Bytes written and not yet acknowledged. */
uint64_t sc_flow_unacknowledged(const struct sc_flow *f);

/* All that was written is acknowledged, the end included: SC_FLOW_SENT was raised. */
bool sc_flow_send_finished(const struct sc_flow *f);

/* True while the peer's urgent mark is ahead: `before` bytes, then the urgent one. */
bool sc_flow_urgent(const struct sc_flow *f, uint64_t *before);

/* RFC 5482: unacknowledged data older than this ends the flow; 0: none. */
void sc_flow_set_user_timeout(struct sc_flow *f, sc_time timeout);

/* By another congestion control from here on; it begins with the window as it is. */
void sc_flow_set_congestion(struct sc_flow *f, const struct sc_congestion_ops *ops, sc_time now);

/* Why it failed, a positive errno; 0: it has not. */
int sc_flow_error(const struct sc_flow *f);

/* Who is at its two ends, and how it fares: for status and for options. */
struct sc_flow_info {
    struct sc_service_id service;
    uint64_t peer_address; /* network address; 0 until answered */
    uint32_t peer_pool;    /* how the peer's host appears to the application */
    uint16_t peer_port;    /* server: the client's port */
    bool relayed;
    sc_time rtt, rtt_variation;
    size_t mss;             /* datagram size */
    const char *congestion; /* the control's name */
    uint64_t cwnd;          /* bytes */
    uint64_t moved; /* bytes acknowledged, the end being one, and bytes that the application took */
    uint64_t packets_lost, packets_retransmitted;
};

void sc_flow_info(const struct sc_flow *f, struct sc_flow_info *info);

#endif
