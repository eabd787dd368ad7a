/* How the bytes of a session travel. A plane is a const struct of functions with a name: a session
 * goes by one of them at a time, and knows nothing of what is behind it. What a plane keeps of a
 * session lies within it (daemon/stream/session_parts.h), and is let go by `freeze`.
 *
 *   join    two ends on this host, bytes handed over directly
 *   carry   an end here and a flow of the stack
 *
 * A new one is a file of its own and a line in plane.c. */
#ifndef SC_DAEMON_STREAM_PLANE_H
#define SC_DAEMON_STREAM_PLANE_H

#include <stdbool.h>
#include <stdint.h>

struct sc_ctl_info;
struct sc_session;

/* What `run` has done. */
enum sc_turn {
    SC_TURN_WAITS, /* nothing can be moved until there is an event */
    SC_TURN_MORE,  /* there may be more, for which no event will come: in its next turn */
    SC_TURN_OVER,  /* all bytes and both ends of the stream are passed on: a clean end */
};

enum sc_cut {
    SC_CUT_RESET,
    SC_CUT_TIMEOUT,
    SC_CUT_REFUSED,   /* nobody accepts it */
    SC_CUT_FORGOTTEN, /* in silence: a peer that does not write never learns of it */
};

/* What there is to say of a session by its plane. Zeros: nothing yet. */
struct sc_plane_status {
    uint64_t moved;  /* grows with bytes that move beyond the ends */
    bool delivered;  /* everything that a program had written is where it should be */
    bool same_host;  /* both ends are on this host */
    uint64_t host;   /* network address of the peer's; 0: this one, or not known */
    uint64_t rtt_us; /* 0: none was measured */
    uint64_t lost;   /* packets */
    bool relayed;
};

struct sc_plane_ops {
    const char *name; /* as status prints it */

    /* Whether a client's session can be opened by this plane; takes what it needs for that. Returns
     * 0, ENOENT (another plane is to be asked), or a positive errno, with which the opening fails.
     */
    int (*prepare)(struct sc_session *s);

    /* Begins to open what was prepared. Returns 0 or a positive errno. How it ended is told to
     * connecting.c, perhaps before this returns. */
    int (*connect)(struct sc_session *s);

    /* Moves what can be moved now; what is taken from a program to be sent is the session's share
     * (daemon/stream/turns.h), and none when it is not its turn. Returns an sc_turn, or a negative
     * errno: the session failed. */
    int (*run)(struct sc_session *s);

    /* Cuts what is behind the program's ends; those are aborted by the session. NULL: there is
     * nothing that could be cut. */
    void (*abort)(struct sc_session *s, enum sc_cut why, int error);

    /* SC_OPT_*, of which only those come that are allowed. `set` returns 0 or a positive errno;
     * `get` fills what it knows into zeros, or what the end has of it. NULL: they mean nothing to
     * it. */
    int (*set)(struct sc_session *s, uint32_t option, uint32_t value);
    void (*get)(const struct sc_session *s, uint32_t option, uint32_t *value,
                struct sc_ctl_info *info);

    /* Fills what it knows into zeros. */
    void (*describe)(const struct sc_session *s, struct sc_plane_status *out);

    /* The session leaves this plane, for another one or for good: nothing moves any more, and what
     * the plane holds of it is let go. */
    void (*freeze)(struct sc_session *s);
};

/* In the order in which an opening asks them; NULL is the last. */
extern const struct sc_plane_ops *const sc_planes[];

extern const struct sc_plane_ops sc_join;
extern const struct sc_plane_ops sc_carry;

#endif
