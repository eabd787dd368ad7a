/* Identity in the socket: the AF_UNIX names that both ends of a local flow carry, so that
 * getsockname and getpeername are answered by the kernel, after fork, exec, dup and descriptor
 * passing alike. Most are abstract:
 *
 *   \0scaffold/<uid>/<instance>/<kind>/<family><flag>/<ip>:<port>/<serial>
 *
 * A server's socket, and hence what it accepts, is bound to a file in a folder that only
 * scaffoldd's user and root can enter (daemon/stream/folder.h); its name is that file's, without
 * the folder:
 *
 *   scaffold.<uid>.<instance>.b.<family><flag>.<ip>:<port>.<serial>.<owner>
 *
 * A client's socket that is connected to a server's own, without scaffoldd between them, is the
 * peer that the server sees, too, so that its name says both of what each end shows:
 *
 *   \0scaffold/<uid>/<instance>/l/<family><family>/<ip>:<port>/<ip>:<port>/<serial>
 *
 * uid and instance: the scaffoldd that the name belongs to. ip: 8 hex digits (v4) or 32 (v6); the
 * second of two is "=" when it is the first. port: 4 hex digits. serial: hex; scaffoldd draws it at
 * random, so that another user cannot have taken the name. owner: the uid that bound the socket. An
 * abstract name is a claim, not a permission. Values only; signal-safe, thread-safe. */
#ifndef SC_LOCAL_SOCKET_NAME_H
#define SC_LOCAL_SOCKET_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "local/address.h"

/* Which scaffoldd: its uid, and the hash of its runtime directory's path. Several may share a
 * machine and a network namespace. */
struct sc_daemon_id {
    uint32_t uid;
    uint32_t instance;
};

enum sc_socket_name_kind {
    SC_SOCKET_BOUND = 'b',  /* an application's bound, perhaps listening, socket; hence also the own
                             name of every socket accepted from it. Never abstract */
    SC_SOCKET_CLIENT = 'c', /* an application's connecting or connected socket */
    SC_SOCKET_LOCAL = 'l',  /* a client's socket whose other end is the server's program */
    SC_SOCKET_DATAGRAM = 'd', /* an application's datagram socket, bound or a reply endpoint */
    SC_SOCKET_PEER = 'p',     /* scaffoldd's end of an established flow: the peer's address */
    SC_SOCKET_ERROR =
        'e', /* scaffoldd's end of a flow that could not be opened: port is the errno */
};

struct sc_socket_name {
    struct sc_daemon_id daemon;
    enum sc_socket_name_kind kind;
    enum sc_family family;
    bool wildcard; /* BOUND: the application bound 0.0.0.0 or ::; shown until connected */
    struct sc_address address;
    struct sc_address reached;    /* LOCAL: the server's, as the client named it */
    enum sc_family server_family; /* LOCAL: of the server's socket, to which `address` is shown */
    uint64_t serial;
    uint32_t owner; /* BOUND: whose program bound it, for a scaffoldd after this one */
};

/* Room for a name's text and a final zero. */
#define SC_SOCKET_NAME_TEXT 108

/* FNV-1a of the path's text, folded to 32 bits: stable across restarts of the same scaffoldd. */
uint32_t sc_instance_of(const char *runtime_dir);

/* Writes the address; returns its length for bind and connect, or 0 when the name is too long: one
 * with two different IPv6 addresses. */
socklen_t sc_socket_name_format(const struct sc_socket_name *n, struct sockaddr_un *out);

/* Its text, less the zero in front of an abstract one; zeros behind it, so that it can be a key. */
void sc_socket_name_key(const struct sc_socket_name *n, char out[SC_SOCKET_NAME_TEXT]);

/* The same of whatever the kernel says; empty for an unnamed socket. Returns its length. */
size_t sc_socket_name_text(const struct sockaddr_un *sun, socklen_t len,
                           char out[SC_SOCKET_NAME_TEXT]);

/* Understands what sc_socket_name_key wrote. */
bool sc_socket_name_read_key(const char *text, struct sc_socket_name *out);

/* Understands what sc_socket_name_format wrote. False for anything else, including unnamed sockets.
 */
bool sc_socket_name_parse(const struct sockaddr_un *sun, socklen_t len, struct sc_socket_name *out);

/* The abstract name of the control socket: \0scaffold/<uid>/<instance>/ctl. */
socklen_t sc_socket_name_control(struct sc_daemon_id id, struct sockaddr_un *out);

#endif
