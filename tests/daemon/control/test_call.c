/* Control calls, on real connections: what is answered, and what is left when the caller goes
 * first, whatever the call waits for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/control/lookup.h"
#include "daemon/control/server.h"
#include "daemon/control/wait.h"
#include "daemon/scaffoldd.h"
#include "daemon/stream/client_port.h"
#include "daemon/stream/connecting.h"
#include "daemon/stream/session_parts.h"

#define LOOPBACK 0x7f000001u
/* Longer than any test, however slow the machine. */
#define LONG (3600 * SC_SECOND)
/* A moment that passes. */
#define SHORT (1 * SC_MS)

/* --- a plane that opens when the test says so ------------------------------------------------- */

static struct sc_session *opening;

static int prepare(struct sc_session *s)
{
    (void)s;
    return 0;
}

static int begin(struct sc_session *s)
{
    opening = s;
    return 0;
}

static int run(struct sc_session *s)
{
    (void)s;
    return SC_TURN_WAITS;
}

static void describe(const struct sc_session *s, struct sc_plane_status *out)
{
    (void)s;
    (void)out;
}

static void freeze(struct sc_session *s)
{
    (void)s;
}

static const struct sc_plane_ops patient_plane = {.name = "patient",
                                                  .prepare = prepare,
                                                  .connect = begin,
                                                  .run = run,
                                                  .describe = describe,
                                                  .freeze = freeze};
static const struct sc_plane_ops *const planes[] = {&patient_plane, NULL};

/* --- a caller --------------------------------------------------------------------------------- */

static struct sc_daemon *start(bool is_router)
{
    char why[512] = "";
    struct sc_daemon *d = scaffoldd_start(planes, is_router);
    if (sc_ctl_open(d, why, sizeof why) < 0)
        fail_msg("%s", why);
    d->ctl->hold = d->ctl->patience = LONG;
    return d;
}

static void stop(struct sc_daemon *d)
{
    sc_ctl_see_off(d->ctl, SC_CTL_LEAVES, SIZE_MAX);
    for (int i = 0; i <= SC_CTL_OUTSTAYS; i++)
        assert_true(sc_list_empty(&d->ctl->calls[i]));
    assert_int_equal(d->ctl->waiting.count, 0);
    sc_ctl_close(d);
    scaffoldd_stop(d);
}

static int calls(const struct sc_daemon *d)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    memcpy(sun.sun_path, d->ctl->file, strlen(d->ctl->file));
    assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    return fd;
}

static struct sc_ctl_request request(enum sc_ctl_op op)
{
    return (struct sc_ctl_request){
        .magic = SC_CTL_MAGIC, .version = SC_CTL_VERSION, .op = (uint16_t)op};
}

static void asks(struct sc_daemon *d, int fd, const struct sc_ctl_request *q)
{
    assert_int_equal(send(fd, q, sizeof *q, 0), sizeof *q);
    scaffoldd_settle(d);
}

/* The reply, and the descriptor that came with it; -1: none. */
static struct sc_ctl_reply reads(int fd, int *passed)
{
    struct sc_ctl_reply r = {0};
    struct iovec iov = {&r, sizeof r};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    assert_int_equal(recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), sizeof r);
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    *passed = -1;
    if (h)
        memcpy(passed, CMSG_DATA(h), sizeof *passed);
    return r;
}

/* A reply without a descriptor. */
static struct sc_ctl_reply reads_alone(int fd)
{
    int passed;
    struct sc_ctl_reply r = reads(fd, &passed);
    assert_int_equal(passed, -1);
    return r;
}

/* scaffoldd has hung up. */
static void was_the_last_word(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

/* ... or has not. */
static void is_not_over(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

/* What scaffoldd does when nobody has called for so long. */
static void time_passes(struct sc_daemon *d, sc_time span)
{
    sc_time end = d->loop.now + span;
    while (d->loop.now < end)
        sc_loop_turn(&d->loop, end);
    scaffoldd_settle(d);
}

static void hangs_up(struct sc_daemon *d, int fd)
{
    close(fd);
    scaffoldd_settle(d);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void hello(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    int fd = calls(d);
    asks(d, fd, &q);
    struct sc_ctl_reply r = reads_alone(fd);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.value, getpid());
    assert_string_equal(r.name, "here");
    was_the_last_word(fd);
    hangs_up(d, fd);
    stop(d);
}

static void is_refused(struct sc_daemon *d, const struct sc_ctl_request *q, int error)
{
    int fd = calls(d);
    asks(d, fd, q);
    assert_int_equal(reads_alone(fd).error, error);
    was_the_last_word(fd);
    hangs_up(d, fd);
}

static void what_is_not_acceptable(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    d->netns = 1;
    q.netns = 2;
    is_refused(d, &q, EXDEV);
    assert_int_equal(d->refused_peers, 1);
    q = request(SC_CTL_STATUS); /* unlike HELLO, not of every version */
    q.version = SC_CTL_VERSION + 1;
    is_refused(d, &q, EPROTO);
    q = request(SC_CTL_OPS);
    is_refused(d, &q, EINVAL);
    stop(d);
}

/* Whoever asks later than it connects, or never. */
static void asks_late(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    int fd = calls(d), silent = calls(d);
    scaffoldd_settle(d);
    asks(d, fd, &q);
    assert_int_equal(reads_alone(fd).error, 0);
    was_the_last_word(fd);
    hangs_up(d, fd);
    is_not_over(silent);
    hangs_up(d, silent);
    stop(d);
}

/* Linux 6.16 and later let nobody pass any; tests/e2e/test_lingering.py has the others. */
static void a_descriptor_that_nobody_wants(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    int fd = calls(d), passed = fd;
    char byte = 0;
    struct iovec iov = {&byte, 1};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof passed)];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    *h = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof passed)};
    memcpy(CMSG_DATA(h), &passed, sizeof passed);
    if (sendmsg(fd, &msg, 0) < 0)
        assert_int_equal(errno, EPERM);
    hangs_up(d, fd);
    stop(d);
}

/* The caller goes while the router is asked: its answer finds nobody. */
static void a_look_up_that_nobody_waits_for(void **state)
{
    (void)state;
    struct sc_daemon *d = start(false);
    struct sc_ctl_request q = request(SC_CTL_RESOLVE);
    int fd = calls(d);
    snprintf(q.resolve.name, sizeof q.resolve.name, "web.acme.scaffold");
    asks(d, fd, &q);
    assert_int_equal(d->ctl->waiting.count, 1);
    assert_false(scaffoldd_readable(fd));
    struct sc_event event = {.type = SC_EVENT_MAPPED, .ticket = (void *)(uintptr_t)d->ctl->tickets};
    hangs_up(d, fd);
    assert_int_equal(d->ctl->waiting.count, 0);
    sc_ctl_on_mapped(d, &event);
    stop(d);
}

static void a_look_up_that_fails(void **state)
{
    (void)state;
    struct sc_daemon *d = start(false);
    struct sc_ctl_request q = request(SC_CTL_REVERSE);
    int fd = calls(d);
    q.reverse.address = sc_address_v4(0xc6120005, 0);
    asks(d, fd, &q);
    struct sc_event event = {.type = SC_EVENT_MAPPED,
                             .ticket = (void *)(uintptr_t)d->ctl->tickets,
                             .mapping = {.error = ENOENT}};
    sc_ctl_on_mapped(d, &event);
    assert_int_equal(reads_alone(fd).error, ENOENT);
    was_the_last_word(fd);
    sc_ctl_on_mapped(d, &event); /* nobody waits for that any more */
    hangs_up(d, fd);
    stop(d);
}

/* --- connecting ------------------------------------------------------------------------------- */

/* PREPARE, for loopback: the flow is being opened. */
static void asks_for_a_flow(struct sc_daemon *d, int fd, bool wait)
{
    struct sc_ctl_request q = request(SC_CTL_PREPARE);
    q.prepare.waits = wait;
    q.prepare.family = SC_FAMILY_INET;
    q.prepare.address = sc_address_v4(LOOPBACK, 80);
    opening = NULL;
    asks(d, fd, &q);
    assert_non_null(opening);
    assert_int_equal(opening->waiter.other != NULL, wait);
}

/* The program's socket, and its port. */
static int takes(struct sc_daemon *d, int fd, uint16_t *port)
{
    int program;
    struct sc_ctl_reply r = reads(fd, &program);
    assert_int_equal(r.error, 0);
    assert_true(program >= 0);
    assert_true(sc_client_port_is_used(d, r.address.port));
    *port = r.address.port;
    return program;
}

static bool is_writable(int program)
{
    struct pollfd p = {.fd = program, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

static void ends_session(struct sc_daemon *d, int program)
{
    close(program);
    sc_sessions_end(d);
    scaffoldd_settle(d);
}

/* PREPARE of a program whose connect waits, for longer than a moment. */
static int connects(struct sc_daemon *d, int fd, uint16_t *port)
{
    d->ctl->hold = SHORT;
    asks_for_a_flow(d, fd, true);
    time_passes(d, 2 * SHORT);
    return takes(d, fd, port);
}

/* One reply says all, and whoever is connected has his socket. */
static void opens_at_once(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    struct sc_ctl_reply r;
    int fd = calls(d), program;
    char byte;
    asks_for_a_flow(d, fd, true);
    sc_connecting_done(opening, 0);
    r = reads(fd, &program);
    assert_int_equal(r.error, 0);
    assert_int_equal(r.connected, SC_CTL_CONNECTED);
    assert_true(is_writable(program));
    assert_int_equal(recv(program, &byte, 1, MSG_DONTWAIT), -1);
    hangs_up(d, fd);
    sc_end_abort(&opening->client);
    assert_int_equal(recv(program, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, ECONNRESET); /* something has been unread from the beginning */
    ends_session(d, program);
    stop(d);
}

static void fails_at_once(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    int fd = calls(d);
    asks_for_a_flow(d, fd, true);
    sc_connecting_done(opening, ECONNREFUSED);
    assert_int_equal(reads_alone(fd).error, ECONNREFUSED);
    was_the_last_word(fd);
    hangs_up(d, fd);
    assert_int_equal(d->sessions.count, 0);
    stop(d);
}

/* It dies within that moment: nobody gets the socket. */
static void dies_at_once(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    int fd = calls(d);
    d->ctl->hold = SHORT;
    asks_for_a_flow(d, fd, true);
    hangs_up(d, fd);
    time_passes(d, 2 * SHORT);
    assert_int_equal(d->sessions.count, 0);
    stop(d);
}

static void waits_for_the_opening(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d), program = connects(d, fd, &port);
    is_not_over(fd);
    sc_connecting_done(opening, 0);
    assert_int_equal(reads_alone(fd).error, 0);
    was_the_last_word(fd);
    hangs_up(d, fd);
    assert_true(sc_client_port_is_used(d, port)); /* the session's */
    ends_session(d, program);
    assert_false(sc_client_port_is_used(d, port));
    stop(d);
}

/* What it writes early waits in the socket, behind the plug. */
static void does_not_wait(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    char bytes[8];
    struct iovec iov = {bytes, sizeof bytes};
    int fd = calls(d);
    asks_for_a_flow(d, fd, false);
    int program = takes(d, fd, &port);
    assert_false(is_writable(program));
    assert_int_equal(send(program, "hello", 5, 0), 5);
    hangs_up(d, fd);
    sc_connecting_done(opening, 0);
    assert_true(is_writable(program));
    assert_int_equal(sc_end_read(&opening->client, &iov, 1), 5);
    assert_memory_equal(bytes, "hello", 5);
    ends_session(d, program);
    stop(d);
}

/* scaffoldd hangs up by itself, when the next one calls or after a while. */
static void is_seen_off(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    struct sc_ctl_request q = request(SC_CTL_HELLO);
    uint16_t port;
    for (int called = 0; called <= 1; called++) {
        int fd = calls(d), another;
        d->ctl->patience = LONG;
        asks_for_a_flow(d, fd, false);
        sc_connecting_done(opening, 0);
        int program = takes(d, fd, &port);
        is_not_over(fd);
        if (called) {
            another = calls(d);
            asks(d, another, &q);
            hangs_up(d, another);
        } else {
            d->ctl->patience = 0;
            sc_ctl_on_parting(&d->ctl->parting);
        }
        was_the_last_word(fd);
        hangs_up(d, fd);
        ends_session(d, program);
    }
    stop(d);
}

/* The connection is charged to the caller as long as a descriptor waits for him. */
static void takes_his_time(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d);
    d->ctl->patience = SHORT;
    asks_for_a_flow(d, fd, false);
    time_passes(d, 2 * SHORT);
    sc_ctl_see_off(d->ctl, SC_CTL_OUTSTAYS, 2);
    assert_false(sc_list_empty(&d->ctl->calls[SC_CTL_OUTSTAYS]));
    int program = takes(d, fd, &port);
    is_not_over(fd);
    sc_ctl_see_off(d->ctl, SC_CTL_OUTSTAYS, 2); /* when there is no room for another one */
    was_the_last_word(fd);
    hangs_up(d, fd);
    ends_session(d, program);
    stop(d);
}

/* Another thread of the program does not see it open before. */
static void waits_from_the_beginning(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d), program = connects(d, fd, &port);
    assert_false(is_writable(program));
    sc_connecting_done(opening, 0);
    assert_true(is_writable(program));
    assert_int_equal(reads_alone(fd).error, 0);
    was_the_last_word(fd);
    assert_int_equal(sc_end_unread(&opening->client), 0);
    hangs_up(d, fd);
    ends_session(d, program);
    stop(d);
}

static void the_outcome_comes_before_the_socket_is_taken(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d);
    d->ctl->hold = SHORT;
    asks_for_a_flow(d, fd, true);
    time_passes(d, 2 * SHORT);
    sc_connecting_done(opening, 0);
    int program = takes(d, fd, &port);
    assert_true(is_writable(program));
    assert_int_equal(reads_alone(fd).error, 0);
    is_not_over(fd);
    hangs_up(d, fd);
    ends_session(d, program);
    stop(d);
}

static void the_opening_of_one_who_waits_fails(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d), program = connects(d, fd, &port);
    sc_connecting_done(opening, ECONNREFUSED);
    assert_int_equal(reads_alone(fd).error, ECONNREFUSED);
    hangs_up(d, fd);
    close(program);
    stop(d);
}

/* A signal, a limit of time: the connect goes on without the program. */
static void waits_no_more(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    char bytes[8];
    struct iovec iov = {bytes, sizeof bytes};
    uint16_t port;
    int fd = calls(d), program = connects(d, fd, &port);
    hangs_up(d, fd);
    assert_false(is_writable(program));
    sc_connecting_done(opening, 0);
    assert_true(is_writable(program));
    assert_int_equal(send(program, "hello", 5, 0), 5);
    assert_int_equal(sc_end_read(&opening->client, &iov, 1), 5);
    assert_memory_equal(bytes, "hello", 5);
    ends_session(d, program);
    stop(d);
}

/* Nothing but its call tells of the death of a program that waits. */
static void a_program_that_waits_dies(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d), program = connects(d, fd, &port);
    close(program);
    hangs_up(d, fd);
    scaffoldd_settle(d);
    assert_int_equal(d->sessions.count, 0);
    stop(d);
}

/* The program closes what it opens. */
static void the_program_closes_during_the_opening(void **state)
{
    (void)state;
    struct sc_daemon *d = start(true);
    uint16_t port;
    int fd = calls(d);
    asks_for_a_flow(d, fd, false);
    close(takes(d, fd, &port));
    hangs_up(d, fd);
    assert_int_equal(d->sessions.count, 0);
    assert_false(sc_client_port_is_used(d, port));
    stop(d);
}

/* PREPARE of a host that has no address yet waits; the caller goes, and then there is one. */
static void hangs_up_before_there_is_an_address(void **state)
{
    (void)state;
    struct sc_daemon *d = start(false);
    struct sc_ctl_request q = request(SC_CTL_PREPARE);
    int fd = calls(d);
    q.prepare.by_service = 1;
    q.prepare.family = SC_FAMILY_INET;
    asks(d, fd, &q);
    assert_false(scaffoldd_readable(fd));
    hangs_up(d, fd);
    d->loop.now += 3600 * SC_SECOND; /* as late as it can be */
    sc_ctl_on_joined(d);
    stop(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello),
        cmocka_unit_test(what_is_not_acceptable),
        cmocka_unit_test(asks_late),
        cmocka_unit_test(a_descriptor_that_nobody_wants),
        cmocka_unit_test(a_look_up_that_nobody_waits_for),
        cmocka_unit_test(a_look_up_that_fails),
        cmocka_unit_test(waits_for_the_opening),
        cmocka_unit_test(opens_at_once),
        cmocka_unit_test(fails_at_once),
        cmocka_unit_test(dies_at_once),
        cmocka_unit_test(does_not_wait),
        cmocka_unit_test(is_seen_off),
        cmocka_unit_test(takes_his_time),
        cmocka_unit_test(waits_from_the_beginning),
        cmocka_unit_test(the_outcome_comes_before_the_socket_is_taken),
        cmocka_unit_test(the_opening_of_one_who_waits_fails),
        cmocka_unit_test(waits_no_more),
        cmocka_unit_test(a_program_that_waits_dies),
        cmocka_unit_test(the_program_closes_during_the_opening),
        cmocka_unit_test(hangs_up_before_there_is_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
