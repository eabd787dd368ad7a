/* The log: levels, and one line to the sink whatever was in the message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

static char last[SC_LOG_MESSAGE];
static int count;

static void take(struct sc_log_sink *sink, enum sc_log_level level, const char *message)
{
    (void)sink, (void)level;
    snprintf(last, sizeof last, "%s", message);
    count++;
    errno = EIO;
}

static struct sc_log_sink sink = {take};

static void levels(void **state)
{
    (void)state;
    enum sc_log_level level;
    count = 0;
    assert_int_equal(sc_log_parse_level("warn", &level), 0);
    assert_int_equal(sc_log_parse_level("loud", &level), -EINVAL);
    sc_log_set_level(level);
    sc_log(SC_LOG_INFO, "no");
    assert_false(sc_log_wants(SC_LOG_INFO));
    assert_int_equal(count, 0);
    sc_log(SC_LOG_ERROR, "yes");
    assert_int_equal(count, 1);
    sc_log_set_level(SC_LOG_INFO);
    sc_log(SC_LOG_INFO, "%s", "now");
    assert_string_equal(last, "now");
    for (int i = 0; i <= SC_LOG_DEBUG; i++) {
        assert_int_equal(sc_log_parse_level(sc_log_level_name((enum sc_log_level)i), &level), 0);
        assert_int_equal(level, i);
    }
}

static void one_line(void **state)
{
    (void)state;
    char text[4 * SC_LOG_MESSAGE];
    errno = ENOENT;
    sc_log(SC_LOG_INFO, "pid 7 (%s) is gone", "x\nerror: forged");
    assert_int_equal(errno, ENOENT); /* kept, though the sink failed */
    assert_string_equal(last, "pid 7 (x\\x0aerror: forged) is gone");
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = 0;
    sc_log(SC_LOG_INFO, "%s", text);
    assert_in_range(strlen(last), SC_LOG_MESSAGE - 5, SC_LOG_MESSAGE - 1);
    assert_null(strchr(last, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(one_line),
    };
    sc_log_set_sink(&sink);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
