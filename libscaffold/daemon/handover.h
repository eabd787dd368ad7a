/* What a program hands over has to be one end of a connected pair whose other end the program
 * keeps: then its close, and its death, are seen here. Anything else could keep a descriptor of
 * ours for ever: a listening socket, one that is connected to ourselves, or one whose queue holds
 * its own peer. */
#ifndef SC_DAEMON_HANDOVER_H
#define SC_DAEMON_HANDOVER_H

#include <stdbool.h>

#include "base/map.h"
#include "local/names.h"

struct sc_daemon;

/* An end that scaffoldd holds, findable by its inode. In its owner; zeros: none. */
struct sc_held_end {
    struct sc_map_node node;
    uint32_t inode;
};

/* Whether `fd`, of SOCK_STREAM or SOCK_SEQPACKET as `type` says, is fit. The program's own end has
 * no name, or one of this kind with the serial that the program was told. What the queue holds is
 * left there; SCM_RIGHTS in it make it unfit, and later ones are refused where the kernel can
 * (SO_PASSRIGHTS, Linux 6.16). */
bool sc_handover_fits(struct sc_daemon *d, int fd, int type, enum sc_name_kind kind,
                      uint64_t serial);

/* Remembers the end, now that it is ours; false without memory. Forget it before it is closed. */
bool sc_handover_hold(struct sc_daemon *d, struct sc_held_end *e, int fd);
void sc_handover_forget(struct sc_daemon *d, struct sc_held_end *e);

/* From now on whoever sends descriptors to this end gets EPERM, where the kernel has it. */
void sc_handover_refuse_rights(int fd);

/* Inode of a socket; 0: none. */
uint32_t sc_socket_inode(int fd);

#endif
