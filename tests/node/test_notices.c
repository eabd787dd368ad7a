/* What the owner of a stack is told: in order, once, and no more than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/notices.h"

static void in_order(void **state)
{
    (void)state;
    struct sc_stack_counters counters = {0};
    struct sc_notices all;
    struct sc_event e = {.type = SC_EVENT_DATAGRAM};
    sc_notices_init(&all, &counters);
    assert_false(sc_notices_take(&all, &e));
    struct sc_notice *n = sc_notices_new(&all, SC_EVENT_DATAGRAM, 5);
    memcpy(n->data, "hello", 5);
    n->event.datagram.data = n->data;
    sc_notices_post(&all, n);
    assert_true(sc_notices_tell(&all, &(struct sc_event){.type = SC_EVENT_JOINED}));
    assert_true(sc_notices_take(&all, &e));
    assert_int_equal(e.type, SC_EVENT_DATAGRAM);
    assert_memory_equal(e.datagram.data, "hello", 5); /* until the next is taken */
    assert_true(sc_notices_take(&all, &e));
    assert_int_equal(e.type, SC_EVENT_JOINED);
    assert_false(sc_notices_take(&all, &e));
    assert_int_equal(all.bytes, 0);
    sc_notices_fini(&all);
}

static void bytes_that_wait(void **state)
{
    (void)state;
    struct sc_stack_counters counters = {0};
    struct sc_notices all;
    struct sc_event e = {.type = SC_EVENT_DATAGRAM};
    sc_notices_init(&all, &counters);
    sc_notices_post(&all, sc_notices_new(&all, SC_EVENT_DATAGRAM, SC_DATAGRAMS_WAITING_MAX));
    sc_notices_post(&all, sc_notices_new(&all, SC_EVENT_DATAGRAM, 1));
    assert_int_equal(counters.dropped_datagrams, 1);
    assert_true(sc_notices_take(&all, &e));
    sc_notices_post(&all, sc_notices_new(&all, SC_EVENT_DATAGRAM, 1));
    assert_int_equal(counters.dropped_datagrams, 1);
    sc_notices_fini(&all); /* frees what waits */
}

/* Notes are for people: what is left out is said with the next that finds room. */
static void notes(void **state)
{
    (void)state;
    struct sc_stack_counters counters = {0};
    struct sc_notices all;
    struct sc_event e;
    struct sc_note note = {.what = SC_NOTE_JOINED};
    sc_notices_init(&all, &counters);
    for (unsigned i = 0; i < SC_NOTES_MAX + 3; i++)
        sc_notices_note(&all, &note);
    assert_true(sc_notices_take(&all, &e));
    assert_int_equal(e.type, SC_EVENT_NOTE);
    sc_notices_note(&all, &note);
    for (unsigned i = 1; i < SC_NOTES_MAX; i++) {
        assert_true(sc_notices_take(&all, &e));
        assert_int_equal(e.note.left_out, 0);
    }
    assert_true(sc_notices_take(&all, &e));
    assert_int_equal(e.note.left_out, 3);
    assert_false(sc_notices_take(&all, &e));
    sc_notices_fini(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(bytes_that_wait),
        cmocka_unit_test(notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
