/* The relay's thread: datagrams from the program's sockets to services and name servers, and back;
 * and the end of relays whose sockets are closed. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "trap/clock.h"
#include "trap/names.h"
#include "trap/relay_parts.h"
#include "trap/tracee.h"

#define DATAGRAM_MAX 65535
/* How late it is noticed that a program has closed a socket; nothing announces it. */
#define LOOK_MS 1000
#define WATCHED_MAX (SC_RELAYS_MAX * (2 * SC_FAR_ENDS_MAX + 1) + 1)

/* What a watched descriptor is. */
struct watched {
    struct sc_relay *relay;
    struct sc_far_end *end; /* NULL: the relay's service socket */
    bool upstream;
};

static struct pollfd polled[WATCHED_MAX];
static struct watched watched[WATCHED_MAX];
static uint8_t bytes[DATAGRAM_MAX];

/* --- from the program ------------------------------------------------------------------------- */

static void send_far(const struct sc_relay *r, const struct sc_far_end *e, size_t len)
{
    struct sockaddr_storage ss;
    if (e->upstream >= 0) {
        send(e->upstream, bytes, len, MSG_DONTWAIT); /* lost or refused: resolvers ask again */
        return;
    }
    if (r->service < 0)
        return;
    socklen_t far_len = sc_address_to_sockaddr(&e->far, r->family, &ss);
    sc_sendto(r->service, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&ss, far_len);
}

static void from_program(const struct sc_relay *r, struct sc_far_end *e)
{
    uint8_t out[SC_DNS_ANSWER_MAX];
    ssize_t n = recv(e->own, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0)
        return; /* the program's socket is closed: the next look finds that out */
    size_t answer = e->upstream >= 0 ? sc_trap_names_answer(bytes, (size_t)n, out) : 0;
    if (answer)
        send(e->own, out, answer, MSG_DONTWAIT);
    else
        send_far(r, e, (size_t)n);
}

/* --- to the program --------------------------------------------------------------------------- */

static void from_name_server(const struct sc_far_end *e)
{
    ssize_t n = recv(e->upstream, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        send(e->own, bytes, (size_t)n, MSG_DONTWAIT);
}

/* The kernel tells a connected UDP socket that nobody is at its peer's port: so for a moment nobody
 * is, and a datagram finds that out. */
static void refuse(const struct sc_relay *r, struct sc_far_end *e)
{
    struct sockaddr_storage peer;
    struct sc_address a;
    socklen_t len = sizeof peer;
    int fd = sc_tracee_fd(r->holder.tid, r->holder.number);
    if (fd >= 0 && getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
        sc_address_from_sockaddr((struct sockaddr *)&peer, len, &a) == 0 && a.port == e->at.port) {
        sc_far_end_close(e);
        send(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
        sc_far_end_open(r, e); /* a place that is taken by now is opened anew when it is needed */
        sc_relays.version++;
    }
    if (fd >= 0)
        close(fd);
}

static void leave(struct sc_relay *r)
{
    if (r->service >= 0)
        sc_close(r->service);
    r->service = -1;
    sc_relays.version++;
}

/* Whom a datagram did not reach. */
static void read_error(struct sc_relay *r)
{
    struct sockaddr_storage ss;
    struct sc_address far;
    struct msghdr msg = {.msg_name = &ss, .msg_namelen = sizeof ss};
    if (sc_recvmsg(r->service, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 ||
        sc_address_from_sockaddr((struct sockaddr *)&ss, msg.msg_namelen, &far) < 0)
        return;
    struct sc_far_end *e = sc_relay_end(r, &far);
    if (e)
        refuse(r, e);
}

static void from_service(struct sc_relay *r)
{
    struct sockaddr_storage ss;
    struct sc_address far;
    socklen_t len = sizeof ss;
    ssize_t n =
        sc_recvfrom(r->service, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&ss, &len);
    if (n < 0) {
        if (errno == ENETDOWN) /* scaffoldd has ended; what is sent next looks for another */
            leave(r);
        else if (errno != EAGAIN)
            read_error(r);
        return;
    }
    if (sc_address_from_sockaddr((struct sockaddr *)&ss, len, &far) < 0)
        return;
    struct sc_far_end *e = sc_relay_end(r, &far);
    if (e && send(e->own, bytes, (size_t)n, MSG_DONTWAIT) >= 0)
        e->used = sc_clock_ms();
}

/* --- closed sockets --------------------------------------------------------------------------- */

static bool is_listed(const char *path, uint64_t inode)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        uint64_t one = 0; /* the tenth column */
        found =
            sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64, &one) == 1 && one == inode;
    }
    if (file)
        fclose(file);
    return found;
}

static void close_relay(struct sc_relay *r)
{
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++)
        sc_far_end_forget(&r->ends[i]);
    leave(r);
    r->inode = 0;
}

void sc_relay_sweep(void)
{
    for (size_t i = 0; i < SC_RELAYS_MAX; i++) {
        struct sc_relay *r = &sc_relays.list[i];
        const char *path = r->family == SC_FAMILY_INET6 ? "/proc/net/udp6" : "/proc/net/udp";
        if (r->inode && !is_listed(path, r->inode))
            close_relay(r);
    }
}

/* --- the rounds ------------------------------------------------------------------------------- */

static size_t watch(size_t n, int fd, struct watched what)
{
    if (fd < 0)
        return n;
    polled[n] = (struct pollfd){.fd = fd, .events = POLLIN};
    watched[n] = what;
    return n + 1;
}

static size_t watch_all(void)
{
    size_t n = watch(0, sc_relays.wake, (struct watched){0});
    for (size_t i = 0; i < SC_RELAYS_MAX; i++) {
        struct sc_relay *r = &sc_relays.list[i];
        if (!r->inode)
            continue;
        n = watch(n, r->service, (struct watched){.relay = r});
        for (size_t j = 0; j < SC_FAR_ENDS_MAX; j++) {
            struct sc_far_end *e = &r->ends[j];
            if (e->own < 0)
                continue;
            n = watch(n, e->own, (struct watched){.relay = r, .end = e});
            n = watch(n, e->upstream, (struct watched){.relay = r, .end = e, .upstream = true});
        }
    }
    return n;
}

static void carry(const struct watched *w)
{
    uint64_t count;
    if (!w->relay) {
        if (read(sc_relays.wake, &count, sizeof count) < 0)
            return;
    } else if (!w->end) {
        from_service(w->relay);
    } else if (w->upstream) {
        from_name_server(w->end);
    } else {
        w->end->used = sc_clock_ms();
        from_program(w->relay, w->end);
    }
}

static void *run(void *unused)
{
    (void)unused;
    int64_t next_look = sc_clock_ms() + LOOK_MS;
    pthread_mutex_lock(&sc_relays.lock);
    for (;;) {
        unsigned version = sc_relays.version;
        size_t n = watch_all();
        pthread_mutex_unlock(&sc_relays.lock);
        poll(polled, n, LOOK_MS);
        pthread_mutex_lock(&sc_relays.lock);
        /* Once anything was closed, the numbers may be others'. */
        for (size_t i = 0; i < n && sc_relays.version == version; i++)
            if (polled[i].revents)
                carry(&watched[i]);
        if (sc_clock_ms() >= next_look) {
            sc_relay_sweep();
            next_look = sc_clock_ms() + LOOK_MS;
        }
    }
    return NULL;
}

int sc_relay_carry(void)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, run, NULL);
    if (!err)
        pthread_detach(thread);
    return -err;
}
