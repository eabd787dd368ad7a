/* What the parts of scaffoldd share: one of it per process, passed around by pointer. */
#ifndef SC_DAEMON_DAEMON_H
#define SC_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/map.h"
#include "daemon/closer.h"
#include "daemon/config.h"
#include "daemon/control/status.h"
#include "daemon/datagram/datagrams.h"
#include "daemon/datagram/endpoint_table.h"
#include "daemon/journal.h"
#include "daemon/log_file.h"
#include "daemon/loop.h"
#include "daemon/serials.h"
#include "daemon/shares.h"
#include "daemon/state/keeper.h"
#include "daemon/state/state.h"
#include "daemon/stream/bound.h"
#include "daemon/stream/calm.h"
#include "daemon/stream/folder.h"
#include "daemon/stream/local.h"
#include "daemon/stream/survivors.h"
#include "daemon/stream/turns.h"
#include "daemon/ula.h"
#include "daemon/underlay/udp.h"
#include "local/socket_name.h"
#include "stack/stack.h"

/* Errors of ended flows that programs can still ask for. */
#define SC_ERRORS_KEPT 4096
#define SC_ERRORS_LIFETIME (60 * SC_SECOND)

struct sc_kept_error {
    uint64_t own_serial;
    uint64_t peer_serial;
    int error;
    uint32_t uid; /* who may take it away */
    sc_time until;
};

/* Byte counts of ended flows, for programs that still hold the socket: as many. */
#define SC_COUNTS_KEPT 4096

struct sc_kept_counts {
    uint64_t own_serial;
    uint64_t peer_serial;
    uint32_t uid; /* who may ask */
    uint64_t tx;  /* of the program */
    uint64_t rx;
};

/* What the kernel said last of an address (daemon/underlay/host_address.h). */
struct sc_host_address {
    uint8_t ip[16];
    bool own;
    sc_time until;
};

struct sc_daemon {
    struct sc_config config;
    struct sc_underlay router; /* family 0: this is the router */
    struct sc_log_file log;
    struct sc_journal journal;
    struct sc_daemon_id id;
    struct sc_loop loop;
    struct sc_closer closer;
    struct sc_watch signals;
    struct sc_udp udp;
    struct sc_stack *stack;
    struct sc_state state; /* the keeper's once it is started */
    struct sc_keeper keeper;
    struct sc_ula_table ula;
    uint64_t netns; /* inode */
    struct sc_serials serials;
    struct sc_host_address host_address;
    struct sc_shares shares;
    uint16_t next_port;       /* for clients */
    uint16_t next_bound_port; /* for servers that bind port 0 */

    struct sc_map ends_by_own;
    struct sc_map ends_by_peer;
    struct sc_kept_error errors[SC_ERRORS_KEPT];
    size_t errors_at;
    struct sc_calm calm;
    struct sc_kept_counts counts[SC_COUNTS_KEPT];
    size_t counts_at;

    struct sc_map ports; /* local ports of this host's clients */
    struct sc_folder folder;
    struct sc_bound_table bound;
    struct sc_survivors survivors;
    struct sc_local_table locals;
    const struct sc_plane_ops *const *planes;
    struct sc_list session_list; /* the oldest first */
    struct sc_map sessions;      /* the same by id */
    uint64_t session_ids;        /* last one given */
    struct sc_turns turns;
    struct sc_endpoint_table endpoints;
    struct sc_datagrams datagrams;
    struct sc_status status;
    bool activity; /* in this turn */
    struct sc_alarm sweep;
    struct sc_alarm idle;
    sc_time started;
    struct sc_ctl_server *ctl;

    uint64_t refused_peers;        /* control connections of the wrong uid or namespace */
    uint64_t unwanted_descriptors; /* something passed some along with a request */
};

/* After anything that may have made packets due or sockets idle: idle.h looks at it once a turn. */
static inline void sc_daemon_on_activity(struct sc_daemon *d)
{
    d->activity = true;
}

/* Program name of a process, for status; "?" when it cannot be read. */
void sc_program_name(pid_t pid, char *buf, size_t size);

#endif
