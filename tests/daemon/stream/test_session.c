/* The life of a session, whatever its plane is: what becomes of the program's socket, of who waits
 * for the opening, and of what the session had taken, in every way in which it can end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/scaffoldd.h"
#include "daemon/stream/connecting.h"
#include "daemon/stream/registry.h"
#include "daemon/stream/session_parts.h"

/* --- a plane that does what the test says ----------------------------------------------------- */

static struct {
    struct sc_session *session; /* the last that was opened by it */
    int prepares, connects;     /* what these return */
    int turn;                   /* what `run` returns from the second turn on */
    int runs, cuts, frozen;
    enum sc_cut why;
    struct sc_plane_status status;
} stub;

static int prepare(struct sc_session *s)
{
    (void)s;
    return stub.prepares;
}

static int begin(struct sc_session *s)
{
    stub.session = s;
    return stub.connects;
}

static int run(struct sc_session *s)
{
    struct sc_turns *turns = &s->daemon->turns;
    if (stub.turn == SC_TURN_MORE)
        sc_turns_took(turns, turns->share);
    return stub.runs++ ? stub.turn : SC_TURN_WAITS;
}

static void cut(struct sc_session *s, enum sc_cut why, int error)
{
    (void)s;
    assert_int_not_equal(error, 0);
    stub.cuts++;
    stub.why = why;
}

static void describe(const struct sc_session *s, struct sc_plane_status *out)
{
    (void)s;
    *out = stub.status;
}

static void freeze(struct sc_session *s)
{
    (void)s;
    stub.frozen++;
}

static const struct sc_plane_ops stub_plane = {.name = "stub",
                                               .prepare = prepare,
                                               .connect = begin,
                                               .run = run,
                                               .abort = cut,
                                               .describe = describe,
                                               .freeze = freeze};
static const struct sc_plane_ops uncut_plane = {.name = "uncut",
                                                .prepare = prepare,
                                                .connect = begin,
                                                .run = run,
                                                .describe = describe,
                                                .freeze = freeze};

static int is_not_mine(struct sc_session *s)
{
    (void)s;
    return ENOENT;
}

static const struct sc_plane_ops other_plane = {.name = "other", .prepare = is_not_mine};

static const struct sc_plane_ops *const planes[] = {&other_plane, &stub_plane, NULL};
static const struct sc_plane_ops *const uncut_planes[] = {&uncut_plane, NULL};
static const struct sc_plane_ops *const no_planes[] = {&other_plane, NULL};

/* --- a program that connects ------------------------------------------------------------------ */

struct world {
    struct sc_daemon *daemon;
    struct sc_request request;
    struct sc_waiter waiter;
    int told, error; /* how often the waiter was, and what */
    int program;     /* its socket */
};

static void on_opened(struct sc_waiter *w, int error)
{
    struct world *x = sc_container(w, struct world, waiter);
    x->told++;
    x->error = error;
}

static struct world start(const struct sc_plane_ops *const *with)
{
    struct world w = {.daemon = scaffoldd_start(with, true), .program = -1};
    memset(&stub, 0, sizeof stub);
    w.request = (struct sc_request){.target = sc_address_v4(0x7f000001, 80),
                                    .own = sc_address_v4(0x7f000001, 0),
                                    .family = SC_FAMILY_INET,
                                    .uid = 1000,
                                    .pid = 7};
    return w;
}

static void opens(struct world *w)
{
    w->waiter.opened = on_opened;
    w->program = scaffoldd_connects(w->daemon, &w->request, &w->waiter);
}

static void stop(struct world *w)
{
    assert_int_equal(w->daemon->sessions.count, 0);
    assert_int_equal(w->daemon->ports.count, 0);
    if (w->program >= 0)
        close(w->program);
    scaffoldd_stop(w->daemon);
}

static void program_closes(struct world *w)
{
    close(w->program);
    w->program = -1;
    scaffoldd_settle(w->daemon);
}

static bool program_can_write(const struct world *w)
{
    struct pollfd p = {.fd = w->program, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

/* What a read of the program says: bytes, or a negative errno. */
static ssize_t program_reads(const struct world *w)
{
    char byte;
    ssize_t n = recv(w->program, &byte, 1, MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

/* The error that is kept for the program's own name: taken once. */
static int kept_error(struct world *w)
{
    struct sc_daemon *d = w->daemon;
    struct sc_ctl_flow flow = {0};
    struct sc_socket_name name = {.daemon = d->id,
                                  .kind = SC_SOCKET_CLIENT,
                                  .family = w->request.family,
                                  .address = w->request.own,
                                  .serial = w->request.own_serial};
    sc_socket_name_key(&name, flow.own);
    return sc_registry_take_error(d, &flow, w->request.uid);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void opens_by_the_first_plane_that_can(void **state)
{
    (void)state;
    struct world w = start(planes);
    opens(&w);
    assert_ptr_equal(stub.session->plane, &stub_plane);
    assert_false(program_can_write(&w));
    assert_int_equal(w.told, 0);
    sc_connecting_done(stub.session, 0);
    assert_true(program_can_write(&w));
    assert_int_equal(w.told, 1);
    assert_int_equal(w.error, 0);
    assert_int_equal(stub.runs, 1);
    program_closes(&w);
    assert_true(stub.runs > 1);
    sc_sessions_end(w.daemon);
    assert_int_equal(stub.why, SC_CUT_RESET);
    assert_int_equal(stub.frozen, 1);
    stop(&w);
}

static void assert_failed(struct world *w, int error)
{
    assert_int_equal(w->told, 1);
    assert_int_equal(w->error, error);
    assert_int_equal(kept_error(w), error);
    assert_int_equal(kept_error(w), 0);
    assert_int_equal(program_reads(w), -ECONNRESET);
}

static void no_plane_can(void **state)
{
    (void)state;
    struct world w = start(no_planes);
    opens(&w);
    assert_failed(&w, ENETUNREACH);
    stop(&w);
}

static void a_plane_that_refuses(void **state)
{
    (void)state;
    struct world w = start(planes);
    stub.prepares = ECONNREFUSED;
    opens(&w);
    assert_failed(&w, ECONNREFUSED);
    assert_int_equal(stub.frozen, 0);
    stop(&w);
}

static void a_plane_that_cannot_begin(void **state)
{
    (void)state;
    struct world w = start(planes);
    stub.connects = ENOBUFS;
    opens(&w);
    assert_failed(&w, ENOBUFS);
    assert_int_equal(stub.frozen, 1);
    stop(&w);
}

static void a_plane_that_fails_later(void **state)
{
    (void)state;
    struct world w = start(planes);
    opens(&w);
    sc_connecting_done(stub.session, ETIMEDOUT);
    assert_failed(&w, ETIMEDOUT);
    assert_int_equal(stub.frozen, 1);
    stop(&w);
}

static void the_program_closes_meanwhile(void **state)
{
    (void)state;
    struct world w = start(planes);
    opens(&w);
    program_closes(&w);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.error, ECONNABORTED);
    assert_int_equal(stub.cuts, 1);
    assert_int_equal(stub.frozen, 1);
    stop(&w);
}

/* Whoever waited is gone, and the session is not. */
static void who_waits_goes_first(void **state)
{
    (void)state;
    struct world w = start(planes);
    opens(&w);
    sc_untie(&w.waiter.session);
    memset(&w.waiter, 0x5a, sizeof w.waiter);
    sc_connecting_done(stub.session, 0);
    assert_true(program_can_write(&w));
    assert_int_equal(w.told, 0);
    program_closes(&w);
    sc_sessions_end(w.daemon);
    stop(&w);
}

/* Nothing is left of a session whose end cannot be watched. */
static void an_end_that_is_no_socket(void **state)
{
    (void)state;
    struct world w = start(planes);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(sc_connecting_start(w.daemon, &w.request, fd, &w.waiter), ENOBUFS);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(w.waiter.session.other);
    scaffoldd_settle(w.daemon);
    size_t cursor = 0;
    assert_null(sc_map_scan(&w.daemon->sessions, &cursor));
    stop(&w);
}

/* --- flowing ---------------------------------------------------------------------------------- */

static struct world start_open(const struct sc_plane_ops *const *with)
{
    struct world w = start(with);
    opens(&w);
    sc_connecting_done(stub.session, 0);
    assert_int_equal(w.told, 1);
    return w;
}

static void program_writes(const struct world *w)
{
    assert_int_equal(send(w->program, "x", 1, 0), 1);
    scaffoldd_settle(w->daemon);
}

/* No event comes for the rest: there is a turn all the same, and others between. */
static void a_turn_that_left_something(void **state)
{
    (void)state;
    struct world w = start_open(planes);
    stub.turn = SC_TURN_MORE;
    program_writes(&w);
    assert_in_range(stub.runs, 10, 200);
    stub.turn = SC_TURN_WAITS;
    scaffoldd_settle(w.daemon);
    int before = stub.runs;
    scaffoldd_settle(w.daemon);
    assert_int_equal(stub.runs, before);
    sc_sessions_end(w.daemon);
    stop(&w);
}

static void a_clean_end(void **state)
{
    (void)state;
    struct world w = start_open(planes);
    stub.turn = SC_TURN_OVER;
    program_writes(&w);
    assert_int_equal(stub.cuts, 0);
    assert_int_equal(stub.frozen, 1);
    assert_int_equal(program_reads(&w), 0); /* the end of the stream */
    assert_int_equal(kept_error(&w), 0);
    stop(&w);
}

static void a_failure(void **state)
{
    (void)state;
    struct world w = start_open(planes);
    stub.turn = -ETIMEDOUT;
    program_writes(&w);
    assert_int_equal(stub.cuts, 1);
    assert_int_equal(stub.why, SC_CUT_RESET);
    assert_int_equal(stub.frozen, 1);
    assert_int_equal(program_reads(&w), -ECONNRESET);
    assert_int_equal(kept_error(&w), ETIMEDOUT);
    stop(&w);
}

/* --- what a program sees that does not ask why -------------------------------------------------
 */

static bool says_calm(const struct world *w)
{
    struct stat st;
    return stat(w->daemon->calm.path, &st) == 0 && st.st_size == SC_CALM_SIZE;
}

static void ends_with(int error, bool calm)
{
    struct world w = start_open(planes);
    assert_true(says_calm(&w));
    stub.turn = -error;
    program_writes(&w);
    assert_int_equal(says_calm(&w), calm);
    stop(&w);
}

static void a_reset_that_is_one(void **state)
{
    (void)state;
    ends_with(ECONNRESET, true);
}

static void a_reset_that_is_none(void **state)
{
    (void)state;
    ends_with(ETIMEDOUT, false);
}

/* TCP has another word for it, EPIPE. */
static void a_reset_behind_the_end(void **state)
{
    (void)state;
    struct world w = start_open(planes);
    sc_end_finish(&stub.session->client);
    stub.turn = -ECONNRESET;
    program_writes(&w);
    assert_false(says_calm(&w));
    stop(&w);
}

/* What connect itself says. */
static void an_opening_that_failed(void **state)
{
    (void)state;
    struct world w = start(planes);
    opens(&w);
    sc_connecting_done(stub.session, ECONNREFUSED);
    assert_true(says_calm(&w));
    stop(&w);
}

/* Whoever was killed before is calm no more. */
static void another_namespaces_calm(void **state)
{
    (void)state;
    struct world w = start(planes);
    char old[SC_PLACE_CALM_ROOM], why[256];
    sc_place_calm(w.daemon->config.runtime_dir, 4711, old, sizeof old);
    close(open(old, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    sc_calm_close(w.daemon);
    assert_int_equal(sc_calm_open(w.daemon, why, sizeof why), 0);
    assert_int_equal(access(old, F_OK), -1);
    assert_true(says_calm(&w));
    stop(&w);
}

/* No longer than reasons are remembered. */
static void calm_again(void **state)
{
    (void)state;
    struct world w = start_open(planes);
    struct sc_alarm *again = &w.daemon->calm.alarm;
    stub.turn = -ETIMEDOUT;
    program_writes(&w);
    assert_in_range(again->timer.at, w.daemon->loop.now, w.daemon->loop.now + SC_ERRORS_LIFETIME);
    sc_loop_alarm(&w.daemon->loop, again, SC_NEVER);
    again->fire(again);
    assert_true(says_calm(&w));
    stop(&w);
}

static void a_plane_that_cannot_be_cut(void **state)
{
    (void)state;
    struct world w = start_open(uncut_planes);
    stub.turn = -ECONNRESET;
    program_writes(&w);
    assert_int_equal(stub.frozen, 1);
    assert_int_equal(program_reads(&w), -ECONNRESET);
    stop(&w);
}

/* --- a program that has closed ---------------------------------------------------------------- */

static void give_up(bool delivered, bool same_host, enum sc_cut why)
{
    struct world w = start_open(planes);
    struct sc_session *s = stub.session;
    stub.status = (struct sc_plane_status){.delivered = delivered, .same_host = same_host};
    assert_true(s->orphan.timer.at == SC_NEVER);
    program_closes(&w);
    assert_true(s->orphan.timer.at != SC_NEVER);
    stub.status.moved++;
    s->orphan.fire(&s->orphan); /* something moved: it has time again */
    assert_int_equal(w.daemon->sessions.count, 1);
    s->orphan.fire(&s->orphan);
    assert_int_equal(stub.cuts, 1);
    assert_int_equal(stub.why, why);
    assert_int_equal(kept_error(&w), why == SC_CUT_FORGOTTEN ? 0 : ECONNRESET);
    stop(&w);
}

static void an_orphan(void **state)
{
    (void)state;
    give_up(true, false, SC_CUT_FORGOTTEN);
    give_up(false, false, SC_CUT_TIMEOUT);
    give_up(true, true, SC_CUT_TIMEOUT);
}

/* --- what is asked of it ---------------------------------------------------------------------- */

static void options(void **state)
{
    (void)state;
    struct world w = start_open(planes);
    struct sc_end *e = &stub.session->client;
    struct sc_ctl_info info = {0};
    uint32_t value = 1;
    assert_int_equal(sc_session_set(e, SC_OPT_USER_TIMEOUT_MS, 1), 0);
    assert_int_equal(sc_session_set(e, SC_OPT_ABORT_ON_CLOSE, 1), 0);
    assert_true(e->abort_on_close);
    assert_int_equal(sc_session_set(e, SC_OPT_OUTQ, 1), ENOPROTOOPT);
    assert_int_equal(sc_session_get(e, SC_OPT_OUTQ, &value, &info), 0);
    assert_int_equal(value, 0);
    assert_int_equal(send(w.program, "hello", 5, 0), 5);
    assert_int_equal(sc_session_get(e, SC_OPT_INFO, &value, &info), 0);
    assert_int_equal(info.tx_bytes, 5);
    assert_int_equal(sc_session_get(e, SC_OPT_USER_TIMEOUT_MS, &value, &info), ENOPROTOOPT);
    assert_int_equal(sc_session_get(e, SC_OPT_CONGESTION, &value, &info), 0);
    assert_int_equal(value, 0); /* this plane has none, and none was chosen */
    assert_int_equal(sc_session_set(e, SC_OPT_CONGESTION, 2), 0);
    assert_int_equal(sc_session_set(e, SC_OPT_CONGESTION, 99), EINVAL);
    assert_int_equal(sc_session_get(e, SC_OPT_CONGESTION, &value, &info), 0);
    assert_int_equal(value, 2);
    sc_sessions_end(w.daemon);
    stop(&w);
}

static void add(void *arg, const struct sc_session_status *s)
{
    *(struct sc_session_status *)arg = *s;
}

static void status_has_the_name_of_the_plane(void **state)
{
    (void)state;
    struct world w = start(planes);
    struct sc_session_status s = {0};
    size_t cursor = 0;
    stub.status = (struct sc_plane_status){.same_host = true, .rtt_us = 5, .lost = 3};
    opens(&w);
    do {
        sc_sessions_scan(w.daemon, &cursor, add, &s);
    } while (cursor);
    assert_string_equal(s.plane, "stub");
    assert_string_equal(s.state, "opening");
    assert_int_equal(s.pid, 7);
    assert_int_equal(s.rtt_us, 5);
    assert_int_equal(s.lost, 3);
    assert_true(s.same_host);
    sc_sessions_end(w.daemon);
    assert_int_equal(w.told, 1);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_by_the_first_plane_that_can),
        cmocka_unit_test(no_plane_can),
        cmocka_unit_test(a_plane_that_refuses),
        cmocka_unit_test(a_plane_that_cannot_begin),
        cmocka_unit_test(a_plane_that_fails_later),
        cmocka_unit_test(the_program_closes_meanwhile),
        cmocka_unit_test(who_waits_goes_first),
        cmocka_unit_test(an_end_that_is_no_socket),
        cmocka_unit_test(a_turn_that_left_something),
        cmocka_unit_test(a_clean_end),
        cmocka_unit_test(a_failure),
        cmocka_unit_test(a_reset_that_is_one),
        cmocka_unit_test(a_reset_that_is_none),
        cmocka_unit_test(a_reset_behind_the_end),
        cmocka_unit_test(an_opening_that_failed),
        cmocka_unit_test(calm_again),
        cmocka_unit_test(another_namespaces_calm),
        cmocka_unit_test(a_plane_that_cannot_be_cut),
        cmocka_unit_test(an_orphan),
        cmocka_unit_test(options),
        cmocka_unit_test(status_has_the_name_of_the_plane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
