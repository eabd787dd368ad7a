#include "client/call/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "client/call/calls.h"
#include "client/options/protocol.h"
#include "client/options/shadow.h"
#include "client/process/cookies.h"
#include "client/process/explain.h"
#include "client/process/marks.h"
#include "client/process/real.h"
#include "client/socket/adopt.h"
#include "scaffold/scaffold.h"

static int refuse(int error, const char *line)
{
    sc_explain(error, line);
    errno = error;
    return -1;
}

int sc_socket_make(int domain, int type, int protocol)
{
    if (domain != AF_SCAFFOLD) {
        int plain = sc_next.socket(domain, type, protocol);
        sc_protocol_note(protocol);
        bool ip = domain == AF_INET || domain == AF_INET6;
        sc_marks_begin(plain, ip);
        if (ip)
            sc_touched_begin(plain);
        return plain;
    }
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return refuse(ESOCKTNOSUPPORT, "AF_SCAFFOLD has SOCK_STREAM and SOCK_DGRAM");
    int own_protocol = kind == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
    if (protocol != 0 && protocol != own_protocol)
        return refuse(EPROTONOSUPPORT, "AF_SCAFFOLD has IPPROTO_TCP for SOCK_STREAM and "
                                       "IPPROTO_UDP for SOCK_DGRAM; 0 stands for either");
    int fd = sc_real.socket(AF_INET, type, own_protocol);
    if (fd < 0)
        return fd;
    sc_marks_forget(fd);
    sc_touched_begin(fd);
    sc_shadow_set(sc_cookie(fd), SC_SHADOW_FAMILY, SC_FAMILY_SCAFFOLD);
    sc_note_service_socket();
    return fd;
}

/* Numbers that were closed behind our back are another's now. */
int sc_socketpair(int domain, int type, int protocol, int pair[2])
{
    int result = sc_next.socketpair(domain, type, protocol, pair);
    if (result == 0) {
        sc_marks_forget(pair[0]);
        sc_marks_forget(pair[1]);
    }
    return result;
}

/* Another process's socket may be a service's. */
int sc_pidfd_getfd(int pidfd, int target, unsigned flags)
{
    int fd = sc_next.pidfd_getfd(pidfd, target, flags);
    if (fd >= 0)
        sc_note_passed(fd);
    return fd;
}
