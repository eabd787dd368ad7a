#include "client/call/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "client/call/bind.h"
#include "client/names/meanings.h"
#include "client/process/control.h"
#include "client/process/explain.h"
#include "client/process/fail.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/owner.h"
#include "client/process/policy.h"
#include "client/process/real.h"
#include "client/socket/fresh.h"
#include "local/ctl.h"

/* Queue of a listener; its program's own backlog is enforced by scaffoldd. */
#define BACKLOG_MAX 4096

/* Read once: as large as the kernel allows, at most BACKLOG_MAX. */
static int queue_length(void)
{
    static int known;
    int length = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (length > 0)
        return length;
    char text[16] = "";
    int file = sc_kernel_open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? 0 : sc_real.read(file, text, sizeof text - 1);
    if (file >= 0)
        sc_real.close(file);
    for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9' && length < BACKLOG_MAX; i++)
        length = length * 10 + (text[i] - '0');
    if (length <= 0 || length > BACKLOG_MAX)
        length = BACKLOG_MAX;
    __atomic_store_n(&known, length, __ATOMIC_RELAXED);
    return length;
}

/* Linux's reading of the argument: unsigned, at most somaxconn. */
static uint32_t backlog_of(int backlog)
{
    int most = queue_length();
    return (uint32_t)(backlog < 0 || backlog > most ? most : backlog);
}

/* Shows that this process holds the listener; zeros where a sandbox does not let it ask. */
static uint64_t proof_of(int fd)
{
    uint64_t proof = 0;
    socklen_t len = sizeof proof;
    sc_real.getsockopt(fd, SOL_SOCKET, SC_CTL_PROOF, &proof, &len);
    return proof;
}

static int announce(int fd, int backlog)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_LISTEN);
    struct sc_ctl_reply r;
    struct sc_ctl_flow name;
    struct sc_socket_name bound;
    sc_flow_name(fd, &name);
    memcpy(q.listen.own, name.own, sizeof q.listen.own);
    q.listen.backlog = backlog_of(backlog);
    q.listen.proof = proof_of(fd);
    if (sc_socket_name_read_key(name.own, &bound))
        sc_meanings_of(&bound.address, q.listen.meaning);
    return sc_control_call(&q, &r, false);
}

/* A socket for services that has none: it must not come to serve plain IP. */
static bool is_nobodys(int fd)
{
    struct sc_candidate c;
    return sc_any_service_socket() && sc_candidate_read(fd, &c) && c.state == SC_STATE_PLAIN &&
           c.family == SC_FAMILY_SCAFFOLD && c.local_port == 0;
}

int sc_listen_stream(int fd, int backlog)
{
    struct sc_socket_name own;
    const struct sc_policy *p = sc_policy();
    if ((p->capture_count > 0 || p->all_local) && sc_bind_any(fd) < 0)
        return -1;
    if (is_nobodys(fd)) {
        sc_explain(EDESTADDRREQ, "the socket is bound to no service; bind it first");
        return sc_fail(EDESTADDRREQ);
    }
    if (!sc_is_service_socket(fd, &own) || own.kind != SC_SOCKET_BOUND)
        return sc_next.listen(fd, backlog);
    if (sc_next.listen(fd, queue_length()) < 0 || announce(fd, backlog) < 0)
        return -1;
    sc_mark_set(fd, SC_MARK_LISTENING);
    return 0;
}
