#include "local/ctl.h"

#include <errno.h>
#include <string.h>

#include "local/tcp_congestion.h"

/* Magic, version and op stand at the same place in every version of the protocol. */
#define HEAD_LEN 8

static const char *const names[SC_CTL_OPS] = {
    [SC_CTL_HELLO] = "HELLO",       [SC_CTL_RESOLVE] = "RESOLVE",
    [SC_CTL_REVERSE] = "REVERSE",   [SC_CTL_PREPARE] = "PREPARE",
    [SC_CTL_BIND] = "BIND",         [SC_CTL_LISTEN] = "LISTEN",
    [SC_CTL_UNLISTEN] = "UNLISTEN", [SC_CTL_FLOW_ERROR] = "FLOW_ERROR",
    [SC_CTL_FLOW_SET] = "FLOW_SET", [SC_CTL_FLOW_GET] = "FLOW_GET",
    [SC_CTL_STATUS] = "STATUS",     [SC_CTL_STOP] = "STOP",
    [SC_CTL_INVITE] = "INVITE",     [SC_CTL_FORGET_HOST] = "FORGET_HOST",
    [SC_CTL_TRUST] = "TRUST",       [SC_CTL_NEW_PROVIDER] = "NEW_PROVIDER",
    [SC_CTL_GRANT] = "GRANT",       [SC_CTL_INSTALL] = "INSTALL",
};

static bool is_op(uint16_t op)
{
    return op < SC_CTL_OPS && names[op];
}

static bool ends(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

static bool is_family(uint8_t family)
{
    return family == SC_FAMILY_INET || family == SC_FAMILY_INET6 || family == SC_FAMILY_SCAFFOLD;
}

static bool is_congestion(uint8_t number)
{
    return number == 0 || sc_tcp_congestion_name(number);
}

static bool fields_fit(const struct sc_ctl_request *q)
{
    switch (q->op) {
    case SC_CTL_PREPARE:
        return is_family(q->prepare.family) && is_congestion(q->prepare.congestion);
    case SC_CTL_RESOLVE:
        return ends(q->resolve.name, sizeof q->resolve.name);
    case SC_CTL_BIND:
        return ends(q->bind.service, sizeof q->bind.service) && is_family(q->bind.family);
    case SC_CTL_LISTEN:
    case SC_CTL_UNLISTEN:
        return ends(q->listen.own, sizeof q->listen.own);
    case SC_CTL_FLOW_ERROR:
    case SC_CTL_FLOW_SET:
    case SC_CTL_FLOW_GET:
        return ends(q->flow.flow.own, sizeof q->flow.flow.own) &&
               ends(q->flow.flow.peer, sizeof q->flow.flow.peer);
    case SC_CTL_FORGET_HOST:
        return ends(q->host.name, sizeof q->host.name);
    case SC_CTL_TRUST:
        return ends(q->trust.alias, sizeof q->trust.alias);
    case SC_CTL_GRANT:
        return ends(q->grant.name, sizeof q->grant.name) &&
               q->grant.first_port <= q->grant.last_port && q->grant.days > 0 &&
               q->grant.flags > 0 && q->grant.flags <= 3;
    case SC_CTL_INSTALL:
        return q->install.len <= sizeof q->install.grant;
    default:
        return true;
    }
}

int sc_ctl_request_check(const struct sc_ctl_request *q, size_t len)
{
    if (len < HEAD_LEN || q->magic != SC_CTL_MAGIC)
        return -EBADMSG;
    if (q->version != SC_CTL_VERSION)
        return -EPROTO;
    if (len != sizeof *q || !is_op(q->op) || !fields_fit(q))
        return -EINVAL;
    return 0;
}

int sc_ctl_reply_check(const struct sc_ctl_reply *p, size_t len, uint16_t op)
{
    if (len < HEAD_LEN || p->magic != SC_CTL_MAGIC)
        return -EBADMSG;
    if (p->version != SC_CTL_VERSION)
        return -EPROTO;
    bool turned_away = p->op == SC_CTL_ANY && p->error;
    if (len != sizeof *p || (p->op != op && !turned_away) || !ends(p->name, sizeof p->name) ||
        !ends(p->text, sizeof p->text))
        return -EINVAL;
    return 0;
}

bool sc_ctl_op_of_every_version(uint16_t op)
{
    return op == SC_CTL_HELLO || op == SC_CTL_STOP;
}

const char *sc_ctl_op_name(uint16_t op)
{
    return is_op(op) ? names[op] : "?";
}
