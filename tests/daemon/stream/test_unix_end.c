/* An application's socket as scaffoldd has it: no urgent byte is lost, whatever has not been told
 * of it yet when the bytes around it are read; and no descriptor that came with bytes stays. */
#include "daemon/stream/unix_end.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "local/accept_mark.h"

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

static void app_sends_bytes_with(struct both *b, const void *bytes, size_t len, int passed)
{
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof passed)];
    } rights = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = rights.room,
                         .msg_controllen = sizeof rights.room};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(h), &passed, sizeof passed);
    assert_int_equal(sendmsg(b->app, &msg, 0), len);
}

static void app_sends_with(struct both *b, const char *text, int passed)
{
    app_sends_bytes_with(b, text, strlen(text), passed);
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

/* What was passed is not taken, and the flow is cut: the program's own end may be among it. */
static void its_own_end_in_a_small_message(void **state)
{
    struct both *b = *state;
    app_sends_with(b, "small", b->app);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), -ECONNRESET);
    assert_int_equal(reads(b, SOME), -ECONNRESET);
}

static void its_own_end_in_bulk(void **state)
{
    struct both *b = *state;
    starts(b);
    app_sends_with(b, "!", b->app);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), -ECONNRESET);
}

/* --- the mark of an acceptor -------------------------------------------------------------------
 */

#define SERIAL 0x1234567890abcdefull

static void is_queued(struct both *b)
{
    b->end.stage = SC_END_QUEUED;
    b->end.peer_serial = SERIAL;
}

static void app_marks(struct both *b, uint64_t serial)
{
    uint8_t mark[SC_ACCEPT_MARK_LEN];
    sc_accept_mark(serial, mark);
    assert_int_equal(send(b->app, mark, sizeof mark, 0), sizeof mark);
}

static void a_mark_is_no_data(void **state)
{
    struct both *b = *state;
    is_queued(b);
    app_marks(b, SERIAL);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(b->end.stage, SC_END_FLOWING);
    assert_int_equal(sc_end_unread(&b->end), 0);
    app_writes(b, 'a', 10, 0);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), 10);
    app_ends_and_is_seen(b);
    assert_memory_equal(b->got, "aaaaaaaaaa", 10);
}

static void data_behind_a_mark_in_bulk(void **state)
{
    struct both *b = *state;
    is_queued(b);
    app_marks(b, SERIAL);
    app_writes(b, 'a', SOME, 0);
    app_ends(b);
    sc_loop_turn(&b->loop, SC_NEVER);
    reads_to_the_end(b);
    assert_int_equal(b->len, SOME);
    assert_int_equal(b->got[0], 'a');
}

/* Whoever dies after the mark alone does not end the stream: a reader of the flow would see that.
 */
static void a_mark_stays_unread(void **state)
{
    struct both *b = *state;
    uint8_t byte;
    is_queued(b);
    app_marks(b, SERIAL);
    sc_loop_turn(&b->loop, SC_NEVER);
    sc_end_abort(&b->end);
    assert_int_equal(recv(b->app, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
}

/* Data of an acceptor that knows nothing of marks. */
static void assert_data(struct both *b, size_t len)
{
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(b->end.stage, SC_END_FLOWING);
    assert_int_equal(reads(b, SOME), len);
}

static void another_flows_mark_is_data(void **state)
{
    is_queued(*state);
    app_marks(*state, SERIAL + 1);
    assert_data(*state, SC_ACCEPT_MARK_LEN);
}

static void the_beginning_of_a_mark_is_data(void **state)
{
    struct both *b = *state;
    uint8_t mark[SC_ACCEPT_MARK_LEN];
    is_queued(b);
    sc_accept_mark(SERIAL, mark);
    assert_int_equal(send(b->app, mark, sizeof mark - 1, 0), sizeof mark - 1);
    assert_data(b, sizeof mark - 1);
}

static void a_mark_brings_no_descriptor(void **state)
{
    struct both *b = *state;
    uint8_t mark[SC_ACCEPT_MARK_LEN];
    is_queued(b);
    sc_accept_mark(SERIAL, mark);
    app_sends_bytes_with(b, mark, sizeof mark, b->app);
    sc_loop_turn(&b->loop, SC_NEVER);
    assert_int_equal(reads(b, SOME), -ECONNRESET);
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
        AROUND(a_mark_is_no_data),
        AROUND(data_behind_a_mark_in_bulk),
        AROUND(a_mark_stays_unread),
        AROUND(another_flows_mark_is_data),
        AROUND(the_beginning_of_a_mark_is_data),
        AROUND(a_mark_brings_no_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
