/* One control call under way, as ctl.c hands it to who answers it: names.c, serve.c,
 * connect.c, datagram.c, tools.c. */
#ifndef SC_DAEMON_CONTROL_CALL_H
#define SC_DAEMON_CONTROL_CALL_H

#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/daemon.h"
#include "daemon/stream/session.h"
#include "daemon/shares.h"
#include "local/ctl.h"
#include "naming/name.h"

struct sc_ctl_server {
    struct sc_daemon *daemon;
    struct sc_watch abstract;
    struct sc_watch path;
    char file[sizeof(struct sockaddr_un) - sizeof(sa_family_t)];
    struct sc_list idle; /* that no reply is owed to: cut off, oldest first, to make room */
    struct sc_list busy;
    struct sc_map waiting; /* for a look-up, by ticket */
    uint64_t tickets;      /* last one given */
    int spare;             /* a descriptor to turn callers away with when there are no others */
};

/* A connection lives for one call (two for PREPARE and HANDOVER). */
struct sc_ctl_call {
    struct sc_watch watch;
    struct sc_ctl_server *server;
    struct sc_list link; /* the server's idle or busy ones */
    struct sc_share share;
    struct sc_share name; /* of the name that is looked up, when it is new here */
    struct ucred peer;
    struct sc_ctl_request request; /* the call under way */
    struct sc_request open;        /* what PREPARE or a datagram's BIND found out */
    bool port_taken;
    int prepared;             /* PREPARE: scaffoldd's end of the pair, until HANDOVER; -1: none */
    int offered;              /* BIND: goes along with the reply that is waited for; -1: none */
    int passed;               /* a descriptor that came with the request; -1: none */
    bool passed_too_many;     /* ... and no room for it here */
    bool gave;                /* a descriptor went along with a reply */
    bool over;                /* ... and was not taken when the call was: see ctl.c */
    bool emptied;             /* ... and nothing of the caller's waits to be read */
    struct sc_map_node waits; /* linked while a look-up is waited for */
    uint64_t ticket;          /* of that look-up */
    struct sc_alarm registration; /* LISTEN, BIND: set while the router is waited for */
    struct sc_alarm address;      /* PREPARE: set while this host has none, see address.c */
    struct sc_waiter waiter;      /* HANDOVER: tied while the opening is waited for */
};

/* An empty reply to this call; then fill it in and send it. */
struct sc_ctl_reply sc_ctl_reply_to(const struct sc_ctl_call *c);
void sc_ctl_send(struct sc_ctl_call *c, const struct sc_ctl_reply *r);

/* The same with a descriptor, which is closed here. False: the kernel takes no more of them, and an
 * error was sent that says so. */
bool sc_ctl_give(struct sc_ctl_call *c, const struct sc_ctl_reply *r, int fd);
void sc_ctl_send_error(struct sc_ctl_call *c, int error, const char *text);

/* The descriptor that came with the request is the caller's from now on; -1: there was none. */
int sc_ctl_take_passed(struct sc_ctl_call *c);
void sc_ctl_drop_passed(struct sc_ctl_call *c);

/* True when one of this many more is not granted: an error was sent that says so. */
bool sc_ctl_refuse_share(struct sc_ctl_call *c, struct sc_share *share, enum sc_share_kind kind);

/* Looks up; the call goes on in sc_ctl_on_mapped. */
void sc_ctl_look_up(struct sc_ctl_call *c, enum sc_lookup_by by, const char *name, uint32_t pool);

/* The same by a name without port; one that is new here counts in the user's share of names. */
void sc_ctl_look_up_name(struct sc_ctl_call *c, const char *base);

/* Reads a service's name; `base` gets it without its port. False: an error was sent, with what is
 * wrong. */
bool sc_ctl_read_name(struct sc_ctl_call *c, const char *text, struct sc_service_name *out,
                      char base[SC_NAME_MAX + 1]);

/* True when require_verified forbids the call: an error was sent. */
bool sc_ctl_refuse_unverified(struct sc_ctl_call *c, bool loopback);

/* The rest of BIND and of PREPARE, once the service is known. */
void sc_ctl_bind_at(struct sc_ctl_call *c, struct sc_service_id service, struct sc_address address);
void sc_ctl_prepare_for(struct sc_ctl_call *c, const struct sc_service_id *service);

/* What PREPARE holds is given up. */
void sc_ctl_drop_prepared(struct sc_ctl_call *c);

/* Of a program that connects to an address of this host: what it sees as its own. */
struct sc_address sc_ctl_near(const struct sc_address *to, uint16_t port);
#define SC_CTL_NOBODY_HERE "no service of this host is reached at this address and port"

/* Datagram sockets' part of PREPARE, BIND and FLOW_*; the latter returns false when the name is
 * another kind of socket's. */
void sc_ctl_prepare_datagram(struct sc_ctl_call *c);
void sc_ctl_bind_datagram(struct sc_ctl_call *c, struct sc_service_id service,
                          struct sc_address address);
void sc_ctl_give_offered(struct sc_ctl_call *c);
bool sc_ctl_on_datagram_option(struct sc_ctl_call *c);

/* LISTEN, and BIND of a datagram socket, need not wait for the router any more. */
void sc_ctl_answer_registered(struct sc_ctl_call *c);

/* What is said when there will be none soon. */
#define SC_CTL_NO_ADDRESS                                                                          \
    "this host has no address yet; is the service router running where --router says?"

/* True when this host has no address yet and may get one any moment: the call, a PREPARE, goes on
 * by itself when it has, or when it waited long enough. */
bool sc_ctl_awaits_address(struct sc_ctl_call *c);
void sc_ctl_on_address_wait(struct sc_alarm *a);

/* They waited long enough for it. */
void sc_ctl_on_registration_wait(struct sc_alarm *a);

/* The calls. */
void sc_ctl_on_resolve(struct sc_ctl_call *c);
void sc_ctl_on_reverse(struct sc_ctl_call *c);
void sc_ctl_on_bind(struct sc_ctl_call *c);
void sc_ctl_on_listen(struct sc_ctl_call *c);
void sc_ctl_on_unlisten(struct sc_ctl_call *c);
void sc_ctl_on_prepare(struct sc_ctl_call *c);
void sc_ctl_on_handover(struct sc_ctl_call *c);
void sc_ctl_on_flow_error(struct sc_ctl_call *c);
void sc_ctl_on_flow_option(struct sc_ctl_call *c);
void sc_ctl_on_status(struct sc_ctl_call *c);
void sc_ctl_on_stop(struct sc_ctl_call *c);
void sc_ctl_on_hello(struct sc_ctl_call *c);

#endif
