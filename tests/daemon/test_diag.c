/* What the kernel says about AF_UNIX sockets is read to its end, and names are compared whole. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/diag.h"

/* More than one answer of the kernel holds (32 KiB, some 80 bytes each). */
#define MANY 900

static char prefix[64];

static int bound_at(const void *name, size_t len)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && len < sizeof sun.sun_path);
    memcpy(sun.sun_path + 1, name, len);
    socklen_t total = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, total), 0);
    return fd;
}

static int listening_at(const void *name, size_t len)
{
    int fd = bound_at(name, len);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static uint32_t inode_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return (uint32_t)st.st_ino;
}

struct seen {
    unsigned times[MANY];
    unsigned others;
};

static void note(void *arg, const struct sc_diag_socket *s)
{
    struct seen *seen = arg;
    unsigned number;
    if (sscanf(s->name + strlen(prefix), "%u", &number) == 1 && number < MANY)
        seen->times[number]++;
    else
        seen->others++;
}

static int setup(void **state)
{
    (void)state;
    snprintf(prefix, sizeof prefix, "diag-test/%d/", getpid());
    return 0;
}

static void open_many(int fd[MANY])
{
    for (unsigned i = 0; i < MANY; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s%u", prefix, i);
        fd[i] = listening_at(name, strlen(name));
    }
}

static void close_many(const int fd[MANY])
{
    for (unsigned i = 0; i < MANY; i++)
        close(fd[i]);
}

static void all_are_seen(void **state)
{
    int fd[MANY];
    struct seen seen = {0};
    (void)state;
    open_many(fd);
    assert_int_equal(sc_diag_listeners(prefix, note, &seen), 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(seen.times[i], 1);
    close_many(fd);
}

static void open_and_close_for_ever(void)
{
    for (;;) {
        int fd[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0) {
            close(fd[0]);
            close(fd[1]);
        }
    }
}

/* Sockets that come and go meanwhile: either all were seen, or it says that it cannot tell. */
static void also_while_the_table_changes(void **state)
{
    int fd[MANY];
    (void)state;
    open_many(fd);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        open_and_close_for_ever();
    for (int round = 0; round < 20; round++) {
        struct seen seen = {0};
        int err = sc_diag_listeners(prefix, note, &seen);
        assert_true(err == 0 || err == -EAGAIN);
        for (unsigned i = 0; i < MANY && err == 0; i++)
            assert_true(seen.times[i] >= 1);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close_many(fd);
}

static void only_listeners_of_the_prefix(void **state)
{
    struct seen seen = {0};
    char name[128];
    (void)state;
    snprintf(name, sizeof name, "%s0", prefix);
    int bound = bound_at(name, strlen(name));
    int other = listening_at("diag-test/other", 15);
    snprintf(name, sizeof name, "%s1", prefix);
    int with_zero = listening_at(name, strlen(name) + 1); /* its final zero is part of it */
    memset(name + strlen(name), 'x', sizeof name - strlen(name));
    int longest = listening_at(name, sizeof((struct sockaddr_un *)0)->sun_path - 1);
    assert_int_equal(sc_diag_listeners(prefix, note, &seen), 0);
    assert_int_equal(seen.times[0], 0);
    assert_int_equal(seen.times[1], 1); /* the longest name there can be */
    assert_int_equal(seen.others, 0);
    int fds[] = {bound, other, with_zero, longest};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

static void a_name_is_compared_whole(void **state)
{
    char name[100];
    (void)state;
    snprintf(name, sizeof name, "%sname", prefix);
    int fd = bound_at(name, strlen(name)), with_zero = bound_at(name, strlen(name) + 1);
    assert_true(sc_diag_is_named(inode_of(fd), name));
    assert_false(sc_diag_is_named(inode_of(with_zero), name));
    name[strlen(name) - 1] = 0;
    assert_false(sc_diag_is_named(inode_of(fd), name));
    uint32_t inode = inode_of(fd);
    assert_true(sc_diag_exists(inode));
    close(fd);
    close(with_zero);
    assert_false(sc_diag_exists(inode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_seen),
        cmocka_unit_test(also_while_the_table_changes),
        cmocka_unit_test(only_listeners_of_the_prefix),
        cmocka_unit_test(a_name_is_compared_whole),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
