/* A program's datagram socket: who has which address, what reaches whom, and what is left when the
 * program closes, whatever waits for it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/datagram/endpoint.h"
#include "daemon/datagram/inbox.h"
#include "daemon/datagram/question.h"
#include "daemon/scaffoldd.h"

#define UID 1000
#define LOOPBACK 0x7f000001u
#define IN_THE_POOL 0xc6120005u

struct packet {
    struct sc_datagram_head head;
    char data[64];
};

static const struct sc_plane_ops *const no_planes[] = {NULL};

/* Opens one at a port of loopback, 0: any; `program` gets the program's socket. */
static int open_at(struct sc_daemon *d, uint16_t port, struct sc_endpoint **e, int *program)
{
    struct sc_endpoint_request r = {.service = d->datagrams.loopback,
                                    .address = sc_address_v4(LOOPBACK, port),
                                    .family = SC_FAMILY_INET,
                                    .uid = UID,
                                    .pid = 7,
                                    .loopback = true};
    return sc_endpoint_open(d, &r, e, program);
}

static void writes(struct sc_daemon *d, int program, struct sc_datagram_head head, const char *data)
{
    struct packet p = {.head = head};
    size_t len = strlen(data);
    memcpy(p.data, data, len);
    assert_int_equal(send(program, &p, sizeof p.head + len, 0), sizeof p.head + len);
    scaffoldd_settle(d);
}

static void sends(struct sc_daemon *d, int program, const struct sc_address *to, const char *data)
{
    writes(d, program, (struct sc_datagram_head){.kind = SC_DATAGRAM_DATA, .peer = *to}, data);
}

/* The next packet for a program; its data ends with a zero. */
static struct packet reads(int program)
{
    struct packet p = {0};
    ssize_t n = recv(program, &p, sizeof p, MSG_DONTWAIT);
    assert_in_range(n, sizeof p.head, sizeof p - 1);
    return p;
}

static void program_closes(struct sc_daemon *d, int program)
{
    close(program);
    scaffoldd_settle(d);
}

static void from_one_to_the_other(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_endpoint *a, *b;
    int to_a, to_b;
    assert_int_equal(open_at(d, 0, &a, &to_a), 0);
    assert_int_equal(open_at(d, 5300, &b, &to_b), 0);
    assert_in_range(a->own.port, 32768, 60999);
    sends(d, to_a, &b->own, "question");
    struct packet p = reads(to_b);
    assert_string_equal(p.data, "question");
    assert_int_equal(p.head.kind, SC_DATAGRAM_DATA);
    assert_true(sc_address_equal(&p.head.peer, &a->own));
    sends(d, to_b, &p.head.peer, "answer");
    p = reads(to_a);
    assert_string_equal(p.data, "answer");
    assert_true(sc_address_equal(&p.head.peer, &b->own));
    assert_int_equal(d->datagrams.counters.to_programs, 2);
    assert_int_equal(a->rx, strlen("question"));
    assert_int_equal(a->tx, strlen("answer"));
    program_closes(d, to_a);
    program_closes(d, to_b);
    assert_int_equal(d->endpoints.by_serial.count, 0);
    scaffoldd_stop(d);
}

static void an_address_is_taken_while_its_program_lives(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_endpoint *a, *b;
    int to_a, to_b;
    assert_int_equal(open_at(d, 5300, &a, &to_a), 0);
    assert_int_equal(open_at(d, 5300, &b, &to_b), EADDRINUSE);
    assert_int_equal(to_b, -1);
    assert_int_equal(d->endpoints.by_serial.count, 1);
    close(to_a); /* its event has not come yet */
    assert_int_equal(open_at(d, 5300, &b, &to_b), 0);
    assert_int_equal(d->endpoints.by_serial.count, 1);
    scaffoldd_settle(d);
    assert_int_equal(d->endpoints.by_serial.count, 1);
    program_closes(d, to_b);
    scaffoldd_stop(d);
}

static void connected_to_nobody(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_address nobody = sc_address_v4(LOOPBACK, 9);
    struct sc_endpoint *a;
    int to_a;
    assert_int_equal(open_at(d, 0, &a, &to_a), 0);
    sends(d, to_a, &nobody, "lost"); /* who is not connected is not told */
    assert_false(scaffoldd_readable(to_a));
    writes(d, to_a, (struct sc_datagram_head){.kind = SC_DATAGRAM_CONNECT, .peer = nobody}, "");
    writes(d, to_a, (struct sc_datagram_head){.kind = SC_DATAGRAM_DATA}, "lost");
    struct packet p = reads(to_a);
    assert_int_equal(p.head.kind, SC_DATAGRAM_ERROR);
    assert_int_equal(p.head.error, ECONNREFUSED);
    assert_true(sc_address_equal(&p.head.peer, &nobody));
    assert_int_equal(d->datagrams.counters.refused, 2);
    program_closes(d, to_a);
    scaffoldd_stop(d);
}

static void delivers(struct sc_endpoint *e, const char *data)
{
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_DATA};
    sc_inbox_deliver(e, &head, (const uint8_t *)data, strlen(data));
}

/* What goes to a program together stays in order, beside what goes to others, and what failed. */
static void together(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_endpoint *a, *b;
    int to_a, to_b;
    assert_int_equal(open_at(d, 0, &a, &to_a), 0);
    assert_int_equal(open_at(d, 0, &b, &to_b), 0);
    assert_int_equal(sc_endpoint_set(a, SC_OPT_RECVERR, 1), 0);
    delivers(a, "1");
    delivers(a, "");
    delivers(b, "2");
    delivers(a, "3");
    sc_inbox_tell(a, &b->own, EMSGSIZE);
    delivers(a, "4");
    assert_string_equal(reads(to_a).data, "1");
    assert_string_equal(reads(to_a).data, "");
    assert_string_equal(reads(to_a).data, "3");
    assert_int_equal(reads(to_a).head.error, EMSGSIZE);
    assert_false(scaffoldd_readable(to_a)); /* before the turn ends */
    sc_inbox_hand_over(&d->datagrams.inbox);
    assert_string_equal(reads(to_a).data, "4");
    assert_string_equal(reads(to_b).data, "2");
    assert_int_equal(d->datagrams.counters.to_programs, 5);
    delivers(a, "5");
    program_closes(d, to_a); /* nobody reads it */
    assert_int_equal(d->datagrams.counters.dropped_queue, 1);
    program_closes(d, to_b);
    scaffoldd_stop(d);
}

/* Each is handed over or counted, whatever became of those beside it. */
static void a_queue_without_room(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    const struct sc_datagram_counters *c = &d->datagrams.counters;
    const size_t all = 5 * SC_INBOX_MAX / 2;
    struct sc_endpoint *e;
    int program;
    size_t read = 0;
    assert_int_equal(open_at(d, 0, &e, &program), 0);
    assert_int_equal(sc_endpoint_set(e, SC_OPT_RCVBUF, 16384), 0);
    for (size_t i = 0; i < all; i++)
        delivers(e, i % 2 ? "short" : "as long as a packet of a test may be, or nearly so");
    sc_inbox_hand_over(&d->datagrams.inbox);
    assert_int_equal(c->to_programs + c->dropped_queue, all);
    assert_int_equal(e->dropped, c->dropped_queue);
    assert_in_range(c->dropped_queue, 1, all - 1);
    for (; scaffoldd_readable(program); read++)
        reads(program);
    assert_int_equal(read, c->to_programs);
    program_closes(d, program);
    scaffoldd_stop(d);
}

/* Pieces are one datagram; those of a program that closes before the last are none. */
static void in_pieces(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_endpoint *a, *b;
    int to_a, to_b;
    assert_int_equal(open_at(d, 0, &a, &to_a), 0);
    assert_int_equal(open_at(d, 0, &b, &to_b), 0);
    struct sc_datagram_head head = {.kind = SC_DATAGRAM_MORE, .peer = b->own};
    writes(d, to_a, head, "one, ");
    assert_false(scaffoldd_readable(to_b));
    sends(d, to_a, &b->own, "two");
    assert_string_equal(reads(to_b).data, "one, two");
    writes(d, to_a, head, "three");
    program_closes(d, to_a);
    assert_false(scaffoldd_readable(to_b));
    program_closes(d, to_b);
    scaffoldd_stop(d); /* the memory's share was given back */
}

/* What is no datagram is counted, and does no harm. */
static void malformed(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_endpoint *a;
    int to_a;
    assert_int_equal(open_at(d, 0, &a, &to_a), 0);
    assert_int_equal(send(to_a, "x", 1, 0), 1);
    writes(d, to_a, (struct sc_datagram_head){.kind = 99}, "x");
    assert_int_equal(d->datagrams.counters.dropped_malformed, 2);
    program_closes(d, to_a);
    scaffoldd_stop(d);
}

/* A datagram waits for the router's word, and its program closes: the word finds nobody. */
static void an_answer_that_comes_too_late(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, false);
    struct sc_endpoint_request r = {
        .family = SC_FAMILY_INET, .uid = UID, .wildcard = true, .shows_wildcard = true};
    struct sc_address to = sc_address_v4(IN_THE_POOL, 53);
    struct sc_endpoint *e;
    int program;
    assert_int_equal(sc_endpoint_open(d, &r, &e, &program), 0);
    sends(d, program, &to, "waits");
    sends(d, program, &to, "as well");
    assert_int_equal(d->datagrams.question_count, 1);
    struct sc_list *first = sc_list_first(&d->datagrams.questions);
    struct sc_question *q = sc_container(first, struct sc_question, link);
    assert_int_equal(q->count, 2);
    program_closes(d, program);
    assert_int_equal(d->endpoints.by_serial.count, 0);
    assert_int_equal(q->count, 0);
    struct sc_event event = {.type = SC_EVENT_MAPPED, .ticket = q, .mapping = {.error = ENOENT}};
    assert_true(sc_datagrams_on_mapped(d, &event));
    assert_int_equal(d->datagrams.question_count, 0);
    assert_false(sc_datagrams_on_mapped(d, &event));
    scaffoldd_stop(d);
}

/* The same, and the program is there: it is told, once for each. */
static void an_answer_that_says_no(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, false);
    struct sc_endpoint_request r = {.family = SC_FAMILY_INET, .uid = UID, .wildcard = true};
    struct sc_address to = sc_address_v4(IN_THE_POOL, 53);
    struct sc_endpoint *e;
    int program;
    assert_int_equal(sc_endpoint_open(d, &r, &e, &program), 0);
    assert_int_equal(sc_endpoint_set(e, SC_OPT_RECVERR, 1), 0);
    sends(d, program, &to, "waits");
    struct sc_list *first = sc_list_first(&d->datagrams.questions);
    struct sc_event event = {.type = SC_EVENT_MAPPED,
                             .ticket = sc_container(first, struct sc_question, link),
                             .mapping = {.error = ENOENT}};
    assert_true(sc_datagrams_on_mapped(d, &event));
    assert_int_equal(reads(program).head.error, ENETUNREACH);
    assert_false(scaffoldd_readable(program));
    program_closes(d, program);
    scaffoldd_stop(d);
}

/* scaffoldd ends first: the program reads the end. */
static void scaffoldd_goes_first(void **state)
{
    (void)state;
    struct sc_daemon *d = scaffoldd_start(no_planes, true);
    struct sc_endpoint *e;
    int program;
    char byte;
    assert_int_equal(open_at(d, 0, &e, &program), 0);
    scaffoldd_stop(d);
    assert_int_equal(recv(program, &byte, 1, MSG_DONTWAIT), 0);
    close(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_one_to_the_other),
        cmocka_unit_test(an_address_is_taken_while_its_program_lives),
        cmocka_unit_test(connected_to_nobody),
        cmocka_unit_test(together),
        cmocka_unit_test(a_queue_without_room),
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(malformed),
        cmocka_unit_test(an_answer_that_comes_too_late),
        cmocka_unit_test(an_answer_that_says_no),
        cmocka_unit_test(scaffoldd_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
