/* ioctl: how much is queued, and questions about interfaces. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "client/call/calls.h"
#include "client/datagram/datagram.h"
#include "client/process/descriptors.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"

/* Questions about interfaces: any socket of the family answers them. */
static int ask_interfaces(sa_family_t family, unsigned long request, void *arg)
{
    int fd = sc_real.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int r = sc_real.ioctl(fd, request, arg);
    int kept = errno;
    sc_real.close(fd);
    errno = kept;
    return r;
}

int sc_ioctl(int fd, unsigned long request, void *arg)
{
    struct sc_socket_name own;
    struct sc_ctl_reply r;
    if (request == FIONREAD && sc_is_datagram(fd) && sc_memory_writes(arg, sizeof(int))) {
        *(int *)arg = sc_datagram_next_length(fd);
        return 0;
    }
    if (request == SIOCOUTQ && sc_is_service_socket(fd, &own) &&
        sc_memory_writes(arg, sizeof(int))) {
        *(int *)arg = sc_flow_get(fd, SC_OPT_OUTQ, &r) ? (int)r.value : 0;
        return 0;
    }
    int result = sc_next.ioctl(fd, request, arg);
    if (request == FIOSETOWN || request == SIOCSPGRP)
        sc_note_signals();
    if (result < 0 && errno == ENOTTY && request >= SIOCGIFNAME && request <= SIOCGIFCOUNT &&
        sc_any_service_socket() &&
        (sc_is_datagram_socket(fd, &own) || sc_is_service_socket(fd, &own)))
        return ask_interfaces(own.family == SC_FAMILY_INET6 ? AF_INET6 : AF_INET, request, arg);
    return result;
}
