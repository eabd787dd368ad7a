/* A network of stacks in one process, under a virtual clock.
 *
 *   sim      the clock, the event heap, the random source, the log        sim.c
 *   link     one direction of a wire: delay, rate, queue, loss ...        link.c
 *   host     one sc_stack behind an `out` and an `in` link                host.c
 *   talk     an application's conversation: two ends of one flow          app.c
 *   disk     what a router has stored                                     disk.c
 *   audit    a tap on every sender that checks what may never happen      audit.c
 *   keys     who hosts are, whom they trust, whose services are           keys.c
 *   world    topologies and helpers for tests                             world.c
 *
 *   host --out--> [core, when the two hosts are on different sides] --in--> host
 *
 * Everything follows from the seed: the same program with the same seed yields the same trace hash.
 * Environment: SCAFFOLD_SIM_SEED=n replaces the tests' seeds, SCAFFOLD_SIM_LOG=1 prints every
 * record as it happens, SCAFFOLD_SIM_FULL=1 selects the long forms.
 *
 * What breaks a rule (bytes wrong, an end of stream too early, a flow accepted twice, a window
 * exceeded, a packet number reused, a deadline that is never over) is a violation: it stops the
 * run, and SIM_CHECK shows it with the last records of the log. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "stack/stack.h"

struct sim;
struct sim_host;
struct sim_link;
struct sim_talk;
struct sim_packet;

/* Bytes that IPv4 and UDP add to a packet on a link. */
#define SIM_IP_UDP 28
/* The time of day when a simulation begins, in seconds since 1970. */
#define SIM_WALL 1800000000u

/* --- sim.c: clock, events, log ---------------------------------------------------------------- */

typedef void sim_fn(struct sim *sim, void *arg, uint64_t value);

/* An event; `seq` keeps the order of events of the same moment. */
struct sim_event {
    sc_time at;
    uint64_t seq;
    sim_fn *fn;
    void *arg;
    uint64_t value;
};

enum sim_verdict {
    SIM_SENT,
    SIM_DELIVERED,
    SIM_LOST,
    SIM_QUEUE_FULL,
    SIM_TOO_LARGE,
    SIM_CUT,
    SIM_BLOCKED,
    SIM_CORRUPTED,
    SIM_NO_HOST,
    SIM_DUPLICATED,
    SIM_VERDICTS,
};

/* One line of the log, formatted only when it is printed. */
struct sim_record {
    sc_time at;
    char what[24]; /* an application's event; empty for a packet */
    uint64_t a, b; /* its numbers */
    uint16_t from, to;
    uint8_t verdict;
    uint8_t type;
    uint32_t flow;
    uint32_t len;
    uint64_t number;
};

#define SIM_LOG 1024
#define SIM_HOSTS 1024

struct sim {
    uint64_t seed;
    struct sc_rng rng;
    sc_time now;
    struct sim_event *event;
    size_t event_count, event_room;
    uint64_t next_seq;
    uint64_t steps;
    uint64_t trace; /* hash of all that happened */
    bool verbose;
    char violation[256]; /* empty: none */
    struct sim_record log[SIM_LOG];
    uint64_t log_count;
    uint64_t verdicts[SIM_VERDICTS];

    struct sim_host *host[SIM_HOSTS];
    size_t host_count;
    struct sim_link *links;             /* all, for freeing */
    struct sim_link *core[2];           /* from side 0 to side 1, and back; NULL: none */
    bool blocked[SIM_HOSTS][SIM_HOSTS]; /* from, to: packets vanish */
    bool ipv6;
    bool one_address; /* hosts that are made differ by their ports, as behind a NAT */
    bool plain; /* hosts that are started have no keys: for tests that forge what is said plainly */

    struct sim_talk **talk; /* by port - SIM_PORT_FIRST */
    size_t talk_count, talk_room;
    size_t talks_open;
    bool strangers; /* flows that arrive without a talk are aborted; else a violation */
    bool hostile;   /* packets are forged: breaches of flow rules are expected, see sim_breach */
    /* Sees each packet before its first link; true drops it. May inject others. */
    bool (*filter)(struct sim *sim, const struct sim_packet *p, void *user);
    void *filter_user;
    /* Sees each packet that a stack sends; what is sealed, as it was before. */
    void (*tap)(struct sim_host *from, const uint8_t *packet, size_t len, void *user);
    void *tap_user;
    /* Takes datagrams, and what did not reach anybody; NULL: either is a violation. */
    void (*on_datagram)(struct sim_host *h, const struct sc_datagram *d, bool undelivered);
    struct sim_audit *audit;
    struct sc_train *train; /* scratch for draining */
};

/* A new simulation. Prints `name` and the seed in force. */
struct sim *sim_new(const char *name, uint64_t seed);
void sim_free(struct sim *sim);

/* Calls fn(sim, arg, value) at `at` (now, when that is past). */
void sim_at(struct sim *sim, sc_time at, sim_fn *fn, void *arg, uint64_t value);

/* Runs until `until` or a violation; then now == until. */
void sim_run(struct sim *sim, sc_time until);

/* sim_run(now + time). */
void sim_run_for(struct sim *sim, sc_time time);

/* Runs until every talk is over, `limit` has come or a rule is broken. True when all are over. */
bool sim_run_talks(struct sim *sim, sc_time limit);

/* Runs until done(arg); false at `limit` or on a violation. */
bool sim_run_until(struct sim *sim, bool (*done)(void *arg), void *arg, sc_time limit);

void sim_violation(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A violation unless the simulation is hostile: without encryption, forged packets can break the
 * rules of a flow (its bytes, its window), but neither crash a stack nor make it spin. */
void sim_breach(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Notes what an application did. `what` is a constant text. */
void sim_note(struct sim *sim, const struct sim_host *host, const char *what, uint64_t a,
              uint64_t b);

/* Notes the fate of a packet and folds it into the trace hash. */
void sim_note_packet(struct sim *sim, const struct sim_packet *p, enum sim_verdict verdict);

/* The message of a CONTROL packet; 0: it is none. */
uint8_t sim_message_of(const uint8_t *packet, size_t len);
#define SIM_MESSAGES 32 /* more than there are */

/* Seed, violation and the last records, to stderr. */
void sim_dump(const struct sim *sim);

bool sim_full(void);

/* Inside a cmocka test: shows and frees the simulation, and fails. The message is what a test knows
 * about the failure, in the manner of printf. */
#define SIM_CHECK(sim, condition, ...)                                                             \
    do {                                                                                           \
        if ((sim)->violation[0] || !(condition)) {                                                 \
            char broken[256];                                                                      \
            snprintf(broken, sizeof broken, "%s",                                                  \
                     (sim)->violation[0] ? (sim)->violation : #condition);                         \
            sim_dump(sim);                                                                         \
            print_error(__VA_ARGS__);                                                              \
            print_error("\n");                                                                     \
            sim_free(sim);                                                                         \
            fail_msg("%s:%d: %s", __FILE__, __LINE__, broken);                                     \
        }                                                                                          \
    } while (0)

/* --- link.c ----------------------------------------------------------------------------------- */

struct sim_link_config {
    sc_time delay;
    sc_time jitter;     /* uniform in [0, jitter], order kept */
    uint64_t rate;      /* bits per second at the IP layer; 0: infinite */
    size_t queue;       /* bytes that wait at most, tail drop; 0: no limit */
    size_t mark;        /* ECN: queued bytes above which ECT packets are marked; 0: never */
    double loss;        /* independent */
    double burst;       /* a packet starts a burst of losses with this probability... */
    double burst_len;   /* ...of this mean length */
    double reorder;     /* share of packets held back... */
    sc_time reorder_by; /* ...by up to this long */
    double duplicate;
    double corrupt;        /* share hit by a bit error: the UDP checksum drops them... */
    double corrupt_header; /* ...but this share of them, changed within the common header */
    size_t mtu;            /* of IP; larger packets vanish; 0: no limit */
    bool refuse_large;     /* a host's out link: larger packets are EMSGSIZE to the sender */
    bool cut;
};

struct sim_link {
    struct sim *sim;
    struct sim_link *all;          /* next of all links */
    struct sim_link_config config; /* may be changed at any time */
    struct sc_rng rng;
    uint64_t free_ns; /* the wire is busy until then */
    sc_time last_arrival;
    bool in_burst;
    uint64_t packets, bytes; /* offered; bytes at the IP layer */
    uint64_t dropped;        /* by loss, queue, MTU or cut */
    size_t largest;          /* UDP payload that got through */
    size_t max_queued;
};

#define SIM_ROUTE 4

/* One UDP payload under way. Its bytes end where the allocation ends, so that a sanitizer sees a
 * read beyond them. */
struct sim_packet {
    struct sim_packet *next;
    struct sc_underlay from;
    struct sim_host *source; /* the host that sent it, whatever `from` claims */
    struct sim_host *target; /* NULL: nobody has this address */
    struct sim_link *route[SIM_ROUTE];
    size_t hop;
    unsigned ecn;
    size_t len;
    uint8_t data[];
};

struct sim_link *sim_link_new(struct sim *sim, const struct sim_link_config *config);

/* Takes the packet. It goes on along its route, or to its target's inbox. */
void sim_link_send(struct sim_link *link, struct sim_packet *p);

/* --- host.c ----------------------------------------------------------------------------------- */

struct sim_service {
    struct sim_service *next;
    struct sim_host *host;
    struct sc_service_id id;
    struct sc_instance *instance; /* NULL after unserve or death */
    bool refuse;                  /* sc_instance_set_accepting(false) */
    bool no_program;              /* arrived flows are aborted with SC_ABORT_REFUSED */
    unsigned accepted;
};

/* A name that an address had, and the one before it. */
struct sim_record_of_name {
    struct sim_record_of_name *before;
    struct sc_mapping mapping;
};

/* All zero: stores at once. */
struct sim_disk {
    sc_time delay; /* of each write, after the one before */
    int error;     /* what it fails with... */
    unsigned fail_percent;
    sc_time busy_until;
    struct sim_record_of_name **names; /* by host part of the pool address; the newest first */
};

struct sim_host {
    struct sim *sim;
    size_t index;
    struct sc_underlay underlay;
    struct sim_host *router; /* NULL: stand-alone or router */
    struct sc_stack_config config;
    uint8_t key_hash[SC_KEY_HASH_LEN]; /* by which its hosts know a router that has been started */
    int64_t wall_error;                /* seconds that its wall clock is ahead */
    struct sc_rng rng;                 /* its entropy */
    struct sc_stack *stack;            /* NULL: dead, or a raw host */
    struct sim_link *out, *in;
    int side;
    bool firewall; /* lets in only from hosts that were sent to before */
    bool allowed[SIM_HOSTS];
    bool lazy;       /* takes events after settle instead of before */
    sc_time gathers; /* what arrives within this time arrives at once, as from a network card */
    bool gathering;
    unsigned incarnation;

    struct sim_packet *inbox, **inbox_end;
    bool turn_pending;
    sc_time wake_at;
    sc_time spin_at;
    unsigned spin;

    struct sim_service *services;
    struct sim_disk disk;
    uint64_t packets_in, bytes_in, packets_out, bytes_out; /* UDP payloads */
    uint64_t trains, shared; /* shared: packets in company of others' */
    uint64_t turns;
    size_t max_memory; /* most that sc_stack_memory said */
    void (*on_packet)(struct sim_host *h, struct sim_packet *p); /* raw host: sees what comes */
    void *user;
};

/* A host with a stack. router NULL: its own service router. out and in: NULL for a perfect wire. */
struct sim_host *sim_host_new(struct sim *sim, const char *name, struct sim_host *router,
                              const struct sim_link_config *out, const struct sim_link_config *in);

/* As above, but the stack starts with sim_host_start; h->config may be changed before. */
struct sim_host *sim_host_prepare(struct sim *sim, const char *name, struct sim_host *router,
                                  const struct sim_link_config *out,
                                  const struct sim_link_config *in);
void sim_host_start(struct sim_host *h);

/* A host without a stack: a sink, or an attacker. */
struct sim_host *sim_host_raw(struct sim *sim, const char *name);

/* Dies without a word: ends on it are gone. */
void sim_host_kill(struct sim_host *h);

/* Starts again with a new epoch; a router gets its persisted mappings back, services are served
 * again. */
void sim_host_restart(struct sim_host *h);

/* Has another address from now on: what is sent to the old one gets lost. */
void sim_host_move(struct sim_host *h);

void sim_host_kill_at(struct sim_host *h, sc_time at);
void sim_host_restart_at(struct sim_host *h, sc_time at);

/* Gives the host a turn at this moment, after what is under way. */
void sim_host_kick(struct sim_host *h);

/* Sends one datagram as `h`, from a claimed source. */
void sim_host_inject(struct sim_host *h, const struct sc_underlay *from,
                     const struct sc_underlay *to, const void *data, size_t len);

void sim_host_deliver(struct sim_host *h, struct sim_packet *p);

/* Serves `name` ("web.demo.scaffold:80"). */
struct sim_service *sim_serve(struct sim_host *h, const char *name);
void sim_unserve(struct sim_service *s);

struct sim_host *sim_host_of(struct sim *sim, const struct sc_underlay *u);

/* --- app.c ------------------------------------------------------------------------------------ */

#define SIM_PORT_FIRST 1024

/* What one end of a talk does. All zero: sends nothing, half-closes at once, reads everything. */
struct sim_end_plan {
    uint64_t send_len;      /* bytes to send in all */
    bool hold_fin;          /* does not half-close after them */
    uint64_t reply_every;   /* request and response: after each so many bytes received... */
    uint64_t reply_len;     /* ...so many more may be sent... */
    uint64_t reply_first;   /* ...and so many at first */
    uint64_t send_rate;     /* bytes per second; 0: as fast as it goes */
    uint64_t read_rate;     /* bytes per second; 0: as fast as it goes */
    uint64_t read_max;      /* stops reading after so many bytes; 0: never */
    sc_time read_after;     /* does not read before so long after it was established */
    sc_time abort_after;    /* aborts so long after it was established; 0: never */
    sc_time close_after;    /* half-closes early, whatever was sent by then; 0: never */
    const char *congestion; /* its flow's control once established; NULL: the host's */
};

struct sim_plan {
    struct sim_end_plan client, server;
    sc_time timeout; /* of opening */
};

struct sim_end {
    struct sim_talk *talk;
    struct sim_host *host;
    struct sc_flow *flow; /* NULL before it is established (server) and after it is over */
    struct sim_end_plan plan;
    uint64_t key; /* of the bytes that this end sends */
    uint64_t sent, received;
    bool established, fin_sent, sent_all, eof, aborted, over, gone;
    bool ticking;
    int error;
    sc_time established_at, first_byte_at, last_byte_at, eof_at, sent_all_at, error_at, over_at;
    struct sc_flow_stats stats; /* when it was over */
    bool relayed;
    uint64_t max_buffered;             /* most bytes the flow held for this reader */
    void (*on_end)(struct sim_end *e); /* told when over; may be NULL */
};

struct sim_talk {
    struct sim *sim;
    uint16_t port;
    struct sc_service_id service;
    sc_time opened_at;
    struct sim_end client, server;
    unsigned accepted;
    struct sim_service *accepted_by;
    bool over;
};

/* Opens a talk from `h`. The plan is copied. */
struct sim_talk *sim_connect(struct sim_host *h, const char *name, const struct sim_plan *plan);

/* Ends this side of the talk now: both directions, without being asked. */
void sim_end_abort(struct sim_end *e);

/* Lets an end that holds its FIN send more. */
void sim_end_send(struct sim_end *e, uint64_t len);

/* Ends a held direction. */
void sim_end_close(struct sim_end *e);

/* Bytes of both directions, for tests: a talk that is over with all bytes and both ends. */
bool sim_talk_complete(const struct sim_talk *t);

/* The host's events, to the talks; called by host.c. True when there was one. */
bool sim_app_take_events(struct sim_host *h);

/* The host died: its ends are gone. */
void sim_app_host_died(struct sim_host *h);
void sim_app_free(struct sim *sim);

/* An answer to sim_lookup. */
struct sim_answer {
    bool done;
    struct sc_mapping mapping;
    sc_time at;
};

void sim_lookup(struct sim_host *h, const char *name, struct sim_answer *out);
void sim_lookup_pool(struct sim_host *h, uint32_t pool, struct sim_answer *out);

/* --- disk.c ----------------------------------------------------------------------------------- */

/* SC_EVENT_STORE. */
void sim_disk_store(struct sim_host *h, const struct sc_event *e);

/* Whether the router's disk has this name for the address, or had it. */
bool sim_disk_ever_held(struct sim_host *router, uint32_t pool, const char *name);

void sim_disk_restore(struct sim_host *h);
void sim_disk_free(struct sim_host *h);

/* --- audit.c ---------------------------------------------------------------------------------- */

struct sim_audit *sim_audit_new(struct sim *sim);
void sim_audit_free(struct sim_audit *a);

/* A packet that a stack has just sent; one that is sealed is looked into. */
void sim_audit_packet(struct sim_audit *a, struct sim_host *from, const uint8_t *data, size_t len);

/* --- keys.c ----------------------------------------------------------------------------------- */

/* What the next stack of this host is made with: the same host key as the one before and, unless it
 * has joined already, an invitation. */
void sim_keys_give(struct sim_host *h);

/* The host has a stack: a router hears of the invitation, and of the tests' providers. */
void sim_keys_teach(struct sim_host *h);

/* The host is about to die: it keeps an invitation that it did not need yet. */
void sim_keys_keep(struct sim_host *h);

/* Hosts that the router will still let in by the invitation. */
uint32_t sim_invitation_left(const struct sim_host *router);

struct sc_service_id sim_service_id(const char *name);

/* --- world.c ---------------------------------------------------------------------------------- */

/* A router, clients on side 0 and servers on side 1, with the core between the sides. */
struct sim_world {
    struct sim *sim;
    struct sim_host *router;
    struct sim_host *client[8];
    struct sim_host *server[8];
    struct sim_link *forth, *back; /* the core */
};

/* `core` holds for both directions; the router is on the servers' side. All hosts have joined when
 * it returns (a violation otherwise), over a perfect core; `core` is in force from then on. */
struct sim_world sim_world_new(const char *name, uint64_t seed, size_t clients, size_t servers,
                               const struct sim_link_config *core);

/* The same, of hosts without keys (sim->plain). */
struct sim_world sim_world_plain(const char *name, uint64_t seed, size_t clients, size_t servers,
                                 const struct sim_link_config *core);

/* The core of a dumbbell: half of `rtt` each way, rate in Mbit/s, queue of `bdps` BDP. */
struct sim_link_config sim_path(double mbit, sc_time rtt, double bdps);

/* True when every host knows its address and every instance is known to the router. */
bool sim_joined(void *sim);

/* Instances of a service that the router knows. */
size_t sim_instances_known(const struct sim_host *router, const char *name);

/* Heap bytes in use in this process. */
size_t sim_heap_used(void);

#endif
