/* The sockets of the underlay: two that share a port, one of which takes all that comes. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_takes_all),
        cmocka_unit_test(the_port_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
