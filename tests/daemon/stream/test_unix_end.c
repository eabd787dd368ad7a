/* An application's socket as scaffoldd has it: no urgent byte is lost, whatever has not been told
 * of it yet when the bytes around it are read; and no descriptor that came with bytes stays. */
#include "daemon/stream/unix_end.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SOME 5000 /* read in bulk */

struct both {
    struct sc_loop loop;
    struct sc_end end;
    int app;
    uint8_t got[4 * SOME];
    size_t len;
};

static void nothing(struct sc_end *e)
{
    (void)e;
}

static int open_both(void **state)
{
    static struct both b;
    int fds[2];
    memset(&b, 0, sizeof b);
    assert_int_equal(sc_loop_init(&b.loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    b.app = fds[1];
    assert_int_equal(sc_unix_end_init(&b.end, &b.loop, fds[0], SC_END_FLOWING, nothing, NULL), 0);
    *state = &b;
    return 0;
}

static int close_both(void **state)
{
    struct both *b = *state;
    sc_end_close(&b->end);
    if (b->app >= 0)
        close(b->app);
    sc_loop_fini(&b->loop);
    return 0;
}

static void app_writes(struct both *b, char fill, size_t len, int flags)
{
    uint8_t data[SOME];
    memset(data, fill, sizeof data);
    assert_int_equal(send(b->app, data, len, flags), len);
}

/* One read of at most `room` bytes. */
static ssize_t reads(struct both *b, size_t room)
{
    struct iovec iov = {b->got + b->len, room};
    ssize_t n = sc_end_read(&b->end, &iov, 1);
    b->len += n > 0 ? (size_t)n : 0;
    return n;
}

/* Everything, urgent bytes in their places, up to the end of the stream. */
static void reads_to_the_end(struct both *b)
{
    for (int i = 0; i < 100; i++) {
        if (sc_end_at_urgent(&b->end)) {
            assert_true(sc_end_read_urgent(&b->end, b->got + b->len));
            b->len++;
        }
        if (reads(b, SOME) == -EPIPE)
            return;
        sc_loop_turn(&b->loop, b->loop.now);
    }
    fail_msg("no end of the stream after %zu bytes", b->len);
}

static void assert_got(const struct both *b, size_t before, size_t behind)
{
    uint8_t expected[4 * SOME];
    memset(expected, 'a', before);
    expected[before] = '!';
    memset(expected + before + 1, 'b', behind);
    assert_int_equal(b->len, before + 1 + behind);
    assert_memory_equal(b->got, expected, b->len);
}

/* The first bytes, which makes the next reads bulk ones: two reads leave one byte, forwarded. */
static void starts(struct both *b)
{
    app_writes(b, 'a', SOME, 0);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_true(reads(b, sizeof b->got) > 0);
    assert_int_equal(reads(b, sizeof b->got - b->len), SOME - (ssize_t)b->len);
    assert_int_equal(b->len, SOME);
}

static void app_ends(struct both *b)
{
    close(b->app);
    b->app = -1;
}

static void a_read_that_is_full_before_it(void **state)
{
    struct both *b = *state;
    starts(b);
    app_writes(b, 'a', 3000, 0);
    app_writes(b, '!', 1, MSG_OOB);
    app_writes(b, 'b', SOME, 0);
    assert_int_equal(reads(b, 3000), 3000);
    app_ends(b);
    reads_to_the_end(b);
    assert_got(b, SOME + 3000, SOME);
}

static void more_behind_it_after_its_turn(void **state)
{
    struct both *b = *state;
    starts(b);
    app_writes(b, 'a', 3000, 0);
    app_writes(b, '!', 1, MSG_OOB);
    assert_int_equal(reads(b, SOME), 3000);
    app_writes(b, 'b', SOME, 0);
    app_ends(b);
    reads_to_the_end(b);
    assert_got(b, SOME + 3000, SOME);
}

static void nothing_unread_before_it(void **state)
{
    struct both *b = *state;
    app_writes(b, '!', 1, MSG_OOB);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_true(sc_end_at_urgent(&b->end));
    assert_true(sc_end_read_urgent(&b->end, b->got));
    app_writes(b, '!', 1, MSG_OOB);
    app_writes(b, 'b', 10, 0);
    app_ends(b);
    reads_to_the_end(b);
    assert_got(b, 0, 10);
}

static void the_last_byte_of_all(void **state)
{
    struct both *b = *state;
    starts(b);
    app_writes(b, '!', 1, MSG_OOB);
    app_ends(b);
    reads_to_the_end(b);
    assert_got(b, SOME, 0);
}

/* --- descriptors in the stream ---------------------------------------------------------------- */

static void app_sends_several(struct both *b, const char *text, const int *passed, size_t count)
{
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(8 * sizeof *passed)];
    } rights = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = rights.room,
                         .msg_controllen = CMSG_SPACE(count * sizeof *passed)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(count * sizeof *passed);
    memcpy(CMSG_DATA(h), passed, count * sizeof *passed);
    assert_int_equal(sendmsg(b->app, &msg, 0), iov.iov_len);
}

static void app_sends_with(struct both *b, const char *text, int passed)
{
    app_sends_several(b, text, &passed, 1);
}

static void app_ends_and_is_seen(struct both *b)
{
    app_ends(b);
    for (int i = 0; i < 10 && !b->end.hup; i++) {
        sc_loop_turn(&b->loop, b->loop.now);
        reads(b, SOME);
    }
    assert_true(b->end.hup);
}

/* The program's own end in its own stream: the bytes arrive, and its close is seen. */
static void its_own_end_in_a_small_message(void **state)
{
    struct both *b = *state;
    app_sends_with(b, "small", b->app);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), 5);
    app_ends_and_is_seen(b);
    assert_memory_equal(b->got, "small", 5);
}

static void its_own_end_in_bulk(void **state)
{
    struct both *b = *state;
    starts(b);
    app_sends_with(b, "!", b->app);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), 1);
    app_ends_and_is_seen(b);
}

/* Nor as what an acceptor marks its socket with: that is an eventfd, or the byte is data. */
static void a_mark_is_no_socket(void **state)
{
    struct both *b = *state;
    b->end.stage = SC_END_QUEUED;
    app_sends_with(b, "m", b->app);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_false(b->end.own.mark_head);
    assert_int_equal(reads(b, SOME), 1);
    app_ends_and_is_seen(b);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Where one descriptor has room, the kernel delivers two. */
static void a_mark_of_several(void **state)
{
    struct both *b = *state;
    int several[] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
    b->end.stage = SC_END_QUEUED;
    app_sends_several(b, "m", several, 3);
    for (size_t i = 0; i < 3; i++)
        close(several[i]);
    int before = open_descriptors();
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(open_descriptors(), before);
    assert_false(b->end.own.mark_head);
}

static void a_mark_is_no_data(void **state)
{
    struct both *b = *state;
    int event = eventfd(0, EFD_CLOEXEC);
    b->end.stage = SC_END_QUEUED;
    app_sends_with(b, "m", event);
    close(event);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_true(b->end.own.mark_head);
    app_writes(b, 'a', 10, 0);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), 10);
    app_ends_and_is_seen(b);
}

int main(void)
{
#define AROUND(test) cmocka_unit_test_setup_teardown(test, open_both, close_both)
    const struct CMUnitTest tests[] = {
        AROUND(a_read_that_is_full_before_it),
        AROUND(more_behind_it_after_its_turn),
        AROUND(nothing_unread_before_it),
        AROUND(the_last_byte_of_all),
        AROUND(its_own_end_in_a_small_message),
        AROUND(its_own_end_in_bulk),
        AROUND(a_mark_is_no_socket),
        AROUND(a_mark_of_several),
        AROUND(a_mark_is_no_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
