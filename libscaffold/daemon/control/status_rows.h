/* What status says, as lines of JSON: `["KIND",{...}]`, one for each host, instance and flow, which
 * the tool puts together (docs/schemas/status.schema.json). Kinds: "scaffoldd" first, then "host",
 * "instance" and "flow", and "end" last. */
#ifndef SC_DAEMON_CONTROL_STATUS_ROWS_H
#define SC_DAEMON_CONTROL_STATUS_ROWS_H

#include "daemon/daemon.h"
#include "daemon/datagram/endpoint.h"
#include "daemon/stream/listener.h"
#include "daemon/stream/session.h"

/* A program's name as the kernel keeps it (TASK_COMM_LEN). */
#define SC_PROGRAM_NAME 16
/* Names of programs that are remembered while one status is written: reading one costs as much as
 * ten rows, and thousands of flows are usually those of a few programs. */
#define SC_PROGRAMS_KNOWN 64

struct sc_rows {
    struct sc_daemon *daemon;
    char *data; /* what was written and not taken away yet */
    size_t len, room;
    bool failed;     /* no memory: a row is missing */
    unsigned rows;   /* written so far */
    unsigned looked; /* programs' names read from /proc so far */
    struct {
        int32_t pid; /* 0: none */
        char name[SC_PROGRAM_NAME];
    } program[SC_PROGRAMS_KNOWN];
};

void sc_rows_init(struct sc_rows *r, struct sc_daemon *d);
void sc_rows_fini(struct sc_rows *r);

/* Everything that is there once: who we are, and the counters. */
void sc_rows_head(struct sc_rows *r);
void sc_rows_host(struct sc_rows *r, const struct sc_host_status *h);
/* An instance that the stack knows; nothing for those that the two calls below tell of. */
void sc_rows_instance(struct sc_rows *r, const struct sc_service_status *s);
/* A listener of --all-local, which the stack does not know; nothing for other sockets. */
void sc_rows_bound(struct sc_rows *r, const struct sc_bound *b);
/* A datagram socket: a flow, and an instance when it serves. */
void sc_rows_endpoint(struct sc_rows *r, const struct sc_endpoint *e);
void sc_rows_flow(struct sc_rows *r, const struct sc_session_status *s);
/* What an alias is known by. */
void sc_rows_pin(struct sc_rows *r, const struct sc_pin *p);
void sc_rows_grant(struct sc_rows *r, const struct sc_held *h);
void sc_rows_end(struct sc_rows *r);

#endif
