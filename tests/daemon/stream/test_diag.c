/* What the kernel says about AF_UNIX sockets is read to its end, and only paths count. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/stream/diag.h"

/* More than one answer of the kernel holds (32 KiB, some 80 bytes each). */
#define MANY 900

static char prefix[64];
static char place[64];

static int bound_at(const char *path, bool abstract)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = strlen(path);
    assert_true(fd >= 0 && len + abstract <= sizeof sun.sun_path);
    memcpy(sun.sun_path + abstract, path, len);
    socklen_t total = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract + len);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, total), 0);
    return fd;
}

static int listening_at(const char *path, bool abstract)
{
    int fd = bound_at(path, abstract);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

struct seen {
    unsigned times[MANY];
    unsigned others;
};

static void note(void *arg, const struct sc_diag_socket *s)
{
    struct seen *seen = arg;
    unsigned number;
    if (sscanf(s->path + strlen(prefix), "%u", &number) == 1 && number < MANY)
        seen->times[number]++;
    else
        seen->others++;
}

static int setup(void **state)
{
    (void)state;
    char folder[] = "/tmp/diag-test-XXXXXX";
    snprintf(prefix, sizeof prefix, "diag-test-%d-", getpid());
    return mkdtemp(folder) && chdir(folder) == 0 && snprintf(place, sizeof place, "%s", folder) > 0
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    DIR *all = opendir(".");
    const struct dirent *e;
    while (all && (e = readdir(all)) != NULL)
        unlink(e->d_name); /* . and .. stay */
    return all && closedir(all) == 0 && chdir("/") == 0 ? rmdir(place) : -1;
}

static void remove_files(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        char path[100];
        snprintf(path, sizeof path, "%s%u", prefix, i);
        unlink(path);
    }
}

static void open_many(int fd[MANY])
{
    for (unsigned i = 0; i < MANY; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s%u", prefix, i);
        fd[i] = listening_at(name, false);
    }
}

static void close_many(const int fd[MANY])
{
    for (unsigned i = 0; i < MANY; i++)
        close(fd[i]);
    remove_files();
}

static void all_are_seen(void **state)
{
    int fd[MANY];
    struct seen seen = {0};
    (void)state;
    open_many(fd);
    assert_int_equal(sc_diag_listeners(prefix, note, &seen), 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(seen.times[i] >= 1);
    close_many(fd);
}

/* As long as the test lasts, which a failure may end. */
static void open_and_close_for_ever(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
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
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s0", prefix);
    int bound = bound_at(path, false);
    int abstract = listening_at(path, true);
    int other = listening_at("diag-test-other", false);
    snprintf(path, sizeof path, "./%s1", prefix);
    int elsewhere = listening_at(path, false);
    snprintf(path, sizeof path, "%s1", prefix);
    memset(path + strlen(path), 'x', sizeof path - strlen(path));
    path[sizeof((struct sockaddr_un *)0)->sun_path] = 0;
    int longest = listening_at(path, false);
    assert_int_equal(sc_diag_listeners(prefix, note, &seen), 0);
    assert_int_equal(seen.times[0], 0);
    assert_true(seen.times[1] >= 1); /* the longest path there can be */
    assert_int_equal(seen.others, 0);
    int fds[] = {bound, abstract, other, elsewhere, longest};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

static void it_says_who_made_a_socket(void *arg, const struct sc_diag_socket *s)
{
    *(uint32_t *)arg = s->uid;
}

static void the_maker_and_the_queue(void **state)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct stat st;
    uint32_t maker = (uint32_t)-1;
    (void)state;
    int fd = listening_at("queue-of-diag-test", false);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(sc_diag_listeners("queue-of-diag-test", it_says_who_made_a_socket, &maker), 0);
    assert_int_equal(maker, geteuid());
    assert_int_equal(sc_diag_queue((uint32_t)st.st_ino), 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(sun.sun_path, "queue-of-diag-test");
    assert_int_equal(connect(client, (struct sockaddr *)&sun, sizeof sun), 0);
    assert_int_equal(sc_diag_queue((uint32_t)st.st_ino), 1);
    close(client);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_seen),
        cmocka_unit_test(also_while_the_table_changes),
        cmocka_unit_test(only_listeners_of_the_prefix),
        cmocka_unit_test(the_maker_and_the_queue),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
