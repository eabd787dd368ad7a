/* The kernel's random bytes: all that was asked for, each time others, and none when there are
 * none. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/entropy.h"

/* What this kernel's generator does: the call for the call, whatever was asked for. */
static ssize_t gives[4];
static size_t calls;

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    assert_int_equal(flags, 0);
    ssize_t given = calls < sizeof gives / sizeof *gives ? gives[calls] : 0;
    calls++;
    if (given == 0)
        given = (ssize_t)len;
    if (given < 0) {
        errno = (int)-given;
        return -1;
    }
    memset(out, (int)calls, (size_t)given);
    return given;
}

static void kernel(ssize_t first, ssize_t second)
{
    calls = 0;
    gives[0] = first;
    gives[1] = second;
}

static void all_of_it(void **state)
{
    (void)state;
    static const uint8_t at_once[] = {1, 1, 1, 1, 1, 9}, in_two[] = {1, 1, 2, 2, 2, 9},
                         interrupted[] = {2, 2, 2, 2, 2, 9};
    uint8_t out[6] = {[5] = 9};
    kernel(0, 0);
    sc_random(out, 5);
    assert_memory_equal(out, at_once, sizeof out);
    kernel(2, 0);
    sc_random(out, 5);
    assert_memory_equal(out, in_two, sizeof out);
    kernel(-EINTR, 0);
    sc_entropy_fill(&sc_entropy_kernel, out, 5);
    assert_memory_equal(out, interrupted, sizeof out);
}

static void no_zeros(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        uint8_t out[32];
        signal(SIGABRT, SIG_DFL);
        kernel(-ENOSYS, 0);
        sc_random(out, sizeof out);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it),
        cmocka_unit_test(no_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
