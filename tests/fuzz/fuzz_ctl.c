/* What strangers may send over the local interface: requests, replies, abstract names, a pool. */
#include <string.h>

#include "fuzz.h"
#include "local/ctl.h"

/* Strings that passed the check end within their field. */
static void read_strings(const struct sc_ctl_request *q)
{
    if (q->op == SC_CTL_RESOLVE)
        require(strlen(q->resolve.name) < sizeof q->resolve.name);
    if (q->op == SC_CTL_BIND)
        require(strlen(q->bind.service) < sizeof q->bind.service);
    if (q->op == SC_CTL_LISTEN || q->op == SC_CTL_UNLISTEN)
        require(strlen(q->listen.own) < sizeof q->listen.own);
    if (q->op == SC_CTL_FLOW_ERROR || q->op == SC_CTL_FLOW_SET || q->op == SC_CTL_FLOW_GET)
        require(strlen(q->flow.flow.own) < sizeof q->flow.flow.own &&
                strlen(q->flow.flow.peer) < sizeof q->flow.flow.peer);
}

/* The input as a struct: cut off, or padded with zeros. */
static void fill(void *out, size_t room, const uint8_t *data, size_t size)
{
    memset(out, 0, room);
    if (size > 0)
        memcpy(out, data, size < room ? size : room);
}

static void try_request(const uint8_t *data, size_t size)
{
    struct sc_ctl_request q;
    fill(&q, sizeof q, data, size);
    if (sc_ctl_request_check(&q, size) == 0)
        read_strings(&q);
    if (size < sizeof q) { /* the same, as if all of it had arrived */
        q.magic = SC_CTL_MAGIC;
        q.version = SC_CTL_VERSION;
        if (sc_ctl_request_check(&q, sizeof q) == 0)
            read_strings(&q);
    }
    require(sc_ctl_op_name(q.op));
}

static void try_reply(const uint8_t *data, size_t size)
{
    struct sc_ctl_reply r;
    fill(&r, sizeof r, data, size);
    if (sc_ctl_reply_check(&r, size, r.op) == 0)
        require(strlen(r.name) < sizeof r.name && strlen(r.text) < sizeof r.text);
}

/* What is understood is written again, and read again, as the same. */
static void try_name(const uint8_t *data, size_t size)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX}, again;
    struct sc_socket_name n, back;
    if (size > sizeof sun.sun_path)
        return;
    fill(sun.sun_path, sizeof sun.sun_path, data, size);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (!sc_socket_name_parse(&sun, len, &n))
        return;
    socklen_t written = sc_socket_name_format(&n, &again);
    require(written <= sizeof again);
    require(sc_socket_name_parse(&again, written, &back));
    require(back.serial == n.serial && back.kind == n.kind && back.family == n.family &&
            back.wildcard == n.wildcard && back.daemon.uid == n.daemon.uid &&
            back.daemon.instance == n.daemon.instance &&
            memcmp(back.address.ip, n.address.ip, sizeof n.address.ip) == 0 &&
            back.address.port == n.address.port);
}

static void try_pool(const uint8_t *data, size_t size)
{
    char text[32] = {0};
    struct sc_pool4 pool;
    fill(text, sizeof text - 1, data, size);
    sc_pool4_parse(text, &pool);
    require(pool.bits >= 8 && pool.bits <= 30);
    struct sc_address first = sc_address_v4(pool.base, 0);
    require(sc_address_in_pool(&first, &pool));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_request(data, size);
    try_reply(data, size);
    try_name(data, size);
    try_pool(data, size);
    return 0;
}
