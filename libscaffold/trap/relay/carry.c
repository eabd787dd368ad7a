/* Datagrams from the program's sockets to services and name servers, and back. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/process/clock.h"
#include "trap/relay/names.h"
#include "trap/relay/parts.h"

#define DATAGRAM_MAX 65535
/* Datagrams of one sender in a row: more than any burst that its order is asked of; the others wait
 * for them. */
#define BATCH 256

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

/* False: nothing waits, or the program's socket is closed, which the next look finds out. */
static bool from_program(const struct sc_relay *r, const struct sc_far_end *e)
{
    uint8_t out[SC_DNS_ANSWER_MAX];
    ssize_t n = recv(e->own, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0)
        return false;
    size_t answer = e->upstream >= 0 ? sc_trap_names_answer(bytes, (size_t)n, out) : 0;
    if (answer)
        send(e->own, out, answer, MSG_DONTWAIT);
    else
        send_far(r, e, (size_t)n);
    return true;
}

void sc_relay_from_program(const struct sc_relay *r, struct sc_far_end *e)
{
    e->used = sc_clock_ms();
    for (int i = 0; i < BATCH && from_program(r, e); i++)
        ;
}

/* --- to the program --------------------------------------------------------------------------- */

void sc_relay_from_name_server(const struct sc_far_end *e)
{
    ssize_t n = recv(e->upstream, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        send(e->own, bytes, (size_t)n, MSG_DONTWAIT);
}

/* The kernel tells a UDP socket that nobody is at a port, if it is connected there or has asked for
 * errors: so for a moment nobody is, and a datagram finds that out. */
static void refuse(const struct sc_relay *r, struct sc_far_end *e)
{
    struct sockaddr_storage at;
    int fd = sc_relay_reach(r);
    if (fd < 0)
        return;
    socklen_t len = sc_address_to_sockaddr(&e->at, r->family, &at);
    sc_far_end_close(e);
    sendto(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&at, len);
    close(fd);
    sc_far_end_open(r, e); /* a place that is taken by now is opened anew when it is needed */
}

static void leave(struct sc_relay *r)
{
    if (r->service >= 0)
        sc_close(r->service);
    r->service = -1;
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

void sc_relay_from_service(struct sc_relay *r)
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

/* --- the end ---------------------------------------------------------------------------------- */

void sc_relay_close(struct sc_relay *r)
{
    for (size_t i = 0; i < SC_FAR_ENDS_MAX; i++) {
        if (r->ends[i].own >= 0)
            sc_relay_from_program(r, &r->ends[i]);
        sc_far_end_forget(&r->ends[i]);
    }
    leave(r);
    r->inode = 0;
}
