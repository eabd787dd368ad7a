#include "trap/relay.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "client/names.h"
#include "trap/dns.h"

/* Resolvers that ask at once; each has a thread while it does. */
#define RELAYS_MAX 128
/* Resolvers wait 5 s and ask again; after this nobody waits for anything. */
#define IDLE_MS 30000
#define DATAGRAM_MAX 65535

struct relay {
    bool used;
    int own;      /* towards the program */
    int upstream; /* towards the name server */
    struct sockaddr_storage at, server, program;
    socklen_t at_len, server_len, program_len;
};

static struct relay relays[RELAYS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- questions -------------------------------------------------------------------------------- */

/* The answer about a service; 0: not a question about one. */
static size_t answer(const uint8_t *bytes, size_t len, uint8_t out[SC_DNS_ANSWER_MAX])
{
    struct sc_dns_question q;
    struct sc_ctl_reply r;
    if (!sc_dns_read(bytes, len, &q) || !sc_is_scaffold_name(q.name))
        return 0;
    int err = sc_resolve(q.name, &r);
    if (err)
        return sc_dns_answer(bytes, &q, err == EAI_NONAME ? SC_DNS_NXDOMAIN : SC_DNS_SERVFAIL, NULL,
                             0, out);
    if (q.type == SC_DNS_A)
        return sc_dns_answer(bytes, &q, SC_DNS_NOERROR, r.address.ip + 12, 4, out);
    if (q.type == SC_DNS_AAAA)
        return sc_dns_answer(bytes, &q, SC_DNS_NOERROR, r.address6.ip, 16, out);
    return sc_dns_answer(bytes, &q, SC_DNS_NOERROR, NULL, 0, out);
}

static void from_program(struct relay *r, uint8_t *bytes)
{
    uint8_t out[SC_DNS_ANSWER_MAX];
    r->program_len = sizeof r->program;
    ssize_t n = recvfrom(r->own, bytes, DATAGRAM_MAX, MSG_DONTWAIT, (struct sockaddr *)&r->program,
                         &r->program_len);
    size_t len = n > 0 ? answer(bytes, (size_t)n, out) : 0;
    if (len > 0)
        sendto(r->own, out, len, MSG_DONTWAIT, (struct sockaddr *)&r->program, r->program_len);
    else if (n > 0)
        send(r->upstream, bytes, (size_t)n,
             MSG_DONTWAIT); /* lost or refused: the program asks again */
}

static void from_server(const struct relay *r, uint8_t *bytes)
{
    ssize_t n = recv(r->upstream, bytes, DATAGRAM_MAX, MSG_DONTWAIT);
    if (n > 0)
        sendto(r->own, bytes, (size_t)n, MSG_DONTWAIT, (const struct sockaddr *)&r->program,
               r->program_len);
}

/* --- one relay -------------------------------------------------------------------------------- */

static void forget(struct relay *r)
{
    pthread_mutex_lock(&lock);
    if (r->own >= 0)
        close(r->own);
    if (r->upstream >= 0)
        close(r->upstream);
    r->used = false;
    pthread_mutex_unlock(&lock);
}

static void *run(void *arg)
{
    struct relay *r = arg;
    uint8_t bytes[DATAGRAM_MAX];
    struct pollfd p[] = {{.fd = r->own, .events = POLLIN}, {.fd = r->upstream, .events = POLLIN}};
    while (poll(p, 2, IDLE_MS) > 0) {
        if (p[0].revents)
            from_program(r, bytes);
        if (p[1].revents)
            from_server(r, bytes);
    }
    forget(r);
    return NULL;
}

/* The loopback address of this family, any port. */
static socklen_t loopback(int family, struct sockaddr_storage *ss)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = family == AF_INET6 ? sizeof v6 : sizeof v4;
    memcpy(ss, family == AF_INET6 ? (void *)&v6 : (void *)&v4, len);
    return len;
}

static int open_sockets(struct relay *r)
{
    int family = r->server.ss_family;
    r->own = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    r->upstream = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    r->at_len = loopback(family, &r->at);
    if (r->own < 0 || r->upstream < 0 || bind(r->own, (struct sockaddr *)&r->at, r->at_len) < 0 ||
        getsockname(r->own, (struct sockaddr *)&r->at, &r->at_len) < 0 ||
        connect(r->upstream, (struct sockaddr *)&r->server, r->server_len) < 0)
        return -errno;
    return 0;
}

static struct relay *claim(void)
{
    struct relay *found = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < RELAYS_MAX && !found; i++)
        if (!relays[i].used)
            found = &relays[i];
    if (found)
        *found = (struct relay){.used = true, .own = -1, .upstream = -1};
    pthread_mutex_unlock(&lock);
    return found;
}

int sc_trap_relay_open(const struct sockaddr_storage *server, socklen_t len,
                       struct sockaddr_storage *at, socklen_t *at_len)
{
    pthread_t thread;
    struct relay *r = claim();
    if (!r)
        return -EAGAIN;
    memcpy(&r->server, server, len);
    r->server_len = len;
    int err = open_sockets(r);
    *at = r->at;
    *at_len = r->at_len;
    if (!err)
        err = -pthread_create(&thread, NULL, run, r);
    if (err)
        forget(r);
    else
        pthread_detach(thread);
    return err;
}

bool sc_trap_relay_server(const struct sockaddr_storage *at, struct sockaddr_storage *server,
                          socklen_t *len)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < RELAYS_MAX && !found; i++) {
        const struct relay *r = &relays[i];
        found = r->used && r->at_len > 0 && memcmp(at, &r->at, r->at_len) == 0;
        if (found) {
            *server = r->server;
            *len = r->server_len;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}
