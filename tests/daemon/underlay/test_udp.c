/* The sockets of the underlay: two that share a port, one of which takes all that comes; and what
 * becomes of trains that the kernel does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/underlay/udp.h"
#include "stack/parts.h"

#define PACKETS 200

static void on_received(struct sc_udp *u)
{
    (void)u;
}

static void open_udp(struct sc_udp *u, struct sc_loop *loop, uint16_t port)
{
    char why[80] = "";
    memset(u, 0, sizeof *u);
    assert_int_equal(sc_udp_open(u, loop, "127.0.0.1", "", port, why, sizeof why), 0);
    u->received = on_received;
}

/* From many ports, each of which the kernel might choose another socket for. */
static void send_from_everywhere(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    for (int i = 0; i < PACKETS; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
        close(fd);
    }
}

static int waiting(int fd)
{
    char byte;
    int n = 0;
    while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
        n++;
    return n;
}

static void one_takes_all(void **state)
{
    (void)state;
    struct sc_loop loop;
    struct sc_udp u;
    assert_int_equal(sc_loop_init(&loop), 0);
    open_udp(&u, &loop, 0);
    assert_true(u.v4.aside >= 0);
    send_from_everywhere(u.port);
    assert_int_equal(waiting(u.v4.aside), 0);
    assert_int_equal(waiting(u.v4.watch.fd), PACKETS);
    sc_udp_close(&u);
    sc_loop_fini(&loop);
}

/* That our two share the port does not make it anybody's. */
static void the_port_is_taken(void **state)
{
    (void)state;
    struct sc_loop loop;
    struct sc_udp u, other = {0};
    char why[80];
    assert_int_equal(sc_loop_init(&loop), 0);
    open_udp(&u, &loop, 0);
    assert_int_equal(sc_udp_open(&other, &loop, "127.0.0.1", "", u.port, why, sizeof why),
                     -EADDRINUSE);
    sc_udp_close(&other);
    sc_udp_close(&u);
    sc_loop_fini(&loop);
}

/* --- trains that are refused ------------------------------------------------------------------ */

#define LEN 100
#define TRAIN 5

/* The kernel, as far as sending goes: call n fails with error[n]. */
static struct {
    int error[16];
    size_t calls;
    char sent[64]; /* the first byte of each packet that left */
    size_t sent_count;
} kernel;

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    (void)fd;
    (void)flags;
    size_t n = kernel.calls++, len = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++)
        len += m->msg_iov[i].iov_len;
    assert_true(len == LEN || m->msg_controllen > 0); /* a train asks for segmentation */
    if (n < 16 && kernel.error[n]) {
        errno = kernel.error[n];
        return -1;
    }
    for (size_t i = 0; i < m->msg_iovlen; i++)
        for (size_t at = 0; at < m->msg_iov[i].iov_len; at += LEN)
            kernel.sent[kernel.sent_count++] = ((const char *)m->msg_iov[i].iov_base)[at];
    return (ssize_t)len;
}

struct sending {
    struct sc_loop loop;
    struct sc_udp u;
    struct sc_stack *stack;
};

static int set_up(void **state)
{
    static struct sending s;
    static const struct sc_stack_config config = {.host_name = "a", .domain = 1, .epoch = 1};
    memset(&kernel, 0, sizeof kernel);
    assert_int_equal(sc_loop_init(&s.loop), 0);
    open_udp(&s.u, &s.loop, 0);
    s.stack = sc_stack_new(&config, 1);
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct sending *s = *state;
    sc_stack_free(s->stack);
    sc_udp_close(&s->u);
    sc_loop_fini(&s->loop);
    return 0;
}

/* Sends a train of five packets, and whatever waited before it. */
static void send_train(struct sending *s, enum sc_queue queue)
{
    struct sc_underlay to = {.family = 4, .port = 9, .ip = {127, 0, 0, 1}};
    uint8_t packet[LEN] = {0};
    for (size_t i = 0; i < TRAIN; i++) {
        packet[0] = (uint8_t)('a' + i);
        sc_outbox_put(&s->stack->node.outbox, queue, &to, packet, sizeof packet);
    }
    sc_udp_send(&s->u, s->stack, 16, 1);
}

static void go_on(struct sending *s)
{
    assert_true(s->u.blocked);
    s->u.v4.watch.ready(&s->u.v4.watch, EPOLLOUT);
    sc_udp_send(&s->u, s->stack, 16, 1);
}

static size_t dropped(const struct sending *s)
{
    return sc_stack_counters(s->stack)->dropped_send;
}

static void a_train_is_one_call(void **state)
{
    struct sending *s = *state;
    send_train(s, SC_QUEUE_ANSWERS);
    assert_int_equal(kernel.calls, 1);
    assert_string_equal(kernel.sent, "abcde");
}

static void a_train_waits_whole(void **state)
{
    struct sending *s = *state;
    kernel.error[0] = kernel.error[1] = EAGAIN;
    send_train(s, SC_QUEUE_ANSWERS);
    assert_int_equal(kernel.sent_count, 0);
    go_on(s); /* not yet */
    send_train(s, SC_QUEUE_ANSWERS);
    assert_int_equal(kernel.calls, 2); /* nothing overtakes it */
    go_on(s);
    assert_int_equal(kernel.calls, 4);
    assert_string_equal(kernel.sent, "abcdeabcde");
    assert_int_equal(dropped(s), 0);
}

static void what_may_be_dropped_does_not_wait(void **state)
{
    struct sending *s = *state;
    kernel.error[0] = EAGAIN;
    send_train(s, SC_QUEUE_STRANGERS);
    assert_false(s->u.blocked);
    assert_int_equal(s->u.expended, 1);
    assert_int_equal(kernel.sent_count, 0);
}

static void without_segmentation_packets_go_one_by_one(void **state)
{
    struct sending *s = *state;
    kernel.error[0] = EIO;
    send_train(s, SC_QUEUE_ANSWERS);
    assert_false(s->u.gso);
    assert_true(s->stack->batch.one_by_one);
    kernel.error[8] = EAGAIN;
    send_train(s, SC_QUEUE_ANSWERS);
    assert_string_equal(kernel.sent, "abcdeab");
    go_on(s);
    assert_string_equal(kernel.sent, "abcdeabcde");
    assert_int_equal(dropped(s), 0);
}

/* The rest of the train passes, and the next one is a train again. */
static void only_the_packet_that_was_too_large_is_lost(void **state)
{
    struct sending *s = *state;
    kernel.error[0] = kernel.error[1] = kernel.error[3] = EMSGSIZE;
    send_train(s, SC_QUEUE_ANSWERS);
    assert_string_equal(kernel.sent, "bde");
    assert_int_equal(dropped(s), 2);
    assert_int_equal(s->u.too_large, 2);
    assert_true(s->u.gso);
    send_train(s, SC_QUEUE_ANSWERS);
    assert_string_equal(kernel.sent, "bdeabcde");
    assert_int_equal(kernel.calls, 1 + TRAIN + 1);
}

static void what_fails_after_it_has_waited_is_counted(void **state)
{
    struct sending *s = *state;
    kernel.error[0] = EAGAIN;
    kernel.error[1] = kernel.error[2] = EMSGSIZE;
    kernel.error[4] = ENETUNREACH;
    send_train(s, SC_QUEUE_ANSWERS);
    go_on(s);
    assert_string_equal(kernel.sent, "bde");
    assert_int_equal(s->u.too_large, 1);
    assert_int_equal(s->u.send_errors, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_takes_all),
        cmocka_unit_test(the_port_is_taken),
        TEST(a_train_is_one_call),
        TEST(a_train_waits_whole),
        TEST(what_may_be_dropped_does_not_wait),
        TEST(without_segmentation_packets_go_one_by_one),
        TEST(only_the_packet_that_was_too_large_is_lost),
        TEST(what_fails_after_it_has_waited_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
