/* The folder of the listeners' sockets: whose it is, what stands in it, and what is cleared away.
 */
#include "daemon/stream/folder.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "local/socket_name.h"

struct here {
    char top[32];
    char runtime_dir[96];
    struct sc_folder folder;
};

/* So deep that with a file's name it would be longer than a socket's address can be. */
static int setup(void **state)
{
    static struct here h;
    char why[256] = "";
    strcpy(h.top, "/tmp/folder-test-XXXXXX");
    if (!mkdtemp(h.top))
        return -1;
    snprintf(h.runtime_dir, sizeof h.runtime_dir, "%s/%060d", h.top, 0);
    if (mkdir(h.runtime_dir, 0755) < 0)
        return -1;
    *state = &h;
    return sc_folder_open(&h.folder, h.runtime_dir, why, sizeof why);
}

static int teardown(void **state)
{
    struct here *h = *state;
    const struct dirent *e;
    DIR *all = opendir(".");
    while (all && (e = readdir(all)) != NULL)
        unlink(e->d_name); /* . and .. stay */
    closedir(all);
    sc_folder_close(&h->folder);
    return chdir("/") == 0 && rmdir(h->folder.path) == 0 && rmdir(h->runtime_dir) == 0 &&
                   rmdir(h->top) == 0
               ? 0
               : -1;
}

static void file_of(uint64_t serial, char file[SC_SOCKET_NAME_TEXT])
{
    struct sc_socket_name n = {.daemon = {geteuid(), 1},
                               .kind = SC_SOCKET_BOUND,
                               .family = SC_FAMILY_INET6,
                               .address = {.ip = {0xfd}, .port = 4000},
                               .serial = serial,
                               .owner = 1000};
    sc_socket_name_key(&n, file);
}

static bool exists(const char *file)
{
    struct stat st;
    return lstat(file, &st) == 0;
}

static void nobody_else_gets_in(void **state)
{
    struct here *h = *state;
    struct stat st;
    char why[256] = "", file[SC_SOCKET_NAME_TEXT];
    assert_int_equal(stat(h->folder.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(chmod(h->folder.path, 0777), 0); /* by an accident, and a restart after it */
    sc_folder_close(&h->folder);
    assert_int_equal(sc_folder_open(&h->folder, h->runtime_dir, why, sizeof why), 0);
    assert_int_equal(stat(h->folder.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    file_of(1, file);
    int fd = sc_folder_make(file);
    assert_true(fd >= 0);
    assert_int_equal(lstat(file, &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0600);
    assert_int_equal(fstat(fd, &st), 0); /* the program's own looks as every socket does */
    assert_int_equal(st.st_mode, S_IFSOCK | 0777);
    close(fd);
}

static void a_folder_of_somebody_else(void **state)
{
    struct here *h = *state;
    struct sc_folder other;
    char why[256] = "";
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(h->folder.path, 65534, 65534), 0);
    assert_int_equal(sc_folder_open(&other, h->runtime_dir, why, sizeof why), -1);
    assert_non_null(strstr(why, "it is another user's"));
    assert_int_equal(chown(h->folder.path, 0, 0), 0);
}

static void a_link_in_its_place(void **state)
{
    struct here *h = *state;
    struct sc_folder other;
    char why[256] = "", moved[300];
    snprintf(moved, sizeof moved, "%s/moved", h->runtime_dir);
    assert_int_equal(rename(h->folder.path, moved), 0);
    assert_int_equal(symlink(moved, h->folder.path), 0);
    assert_int_equal(sc_folder_open(&other, h->runtime_dir, why, sizeof why), -1);
    assert_non_null(strstr(why, h->folder.path));
    assert_int_equal(unlink(h->folder.path), 0);
    assert_int_equal(rename(moved, h->folder.path), 0);
}

static void the_name_is_the_file(void **state)
{
    struct sockaddr_un sun;
    struct sc_socket_name name;
    socklen_t len = sizeof sun;
    char file[SC_SOCKET_NAME_TEXT];
    (void)state;
    file_of(UINT64_MAX, file);
    int fd = sc_folder_make(file);
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sun, &len), 0);
    assert_true(sc_socket_name_parse(&sun, len, &name));
    assert_int_equal(name.serial, UINT64_MAX);
    assert_int_equal(name.owner, 1000);
    assert_int_equal(sc_folder_make(file), -EADDRINUSE);
    close(fd);
}

/* Bound, listening, connected to, held by nobody, gone. */
static void a_socket_is_there_as_long_as_somebody_holds_it(void **state)
{
    struct here *h = *state;
    char file[SC_SOCKET_NAME_TEXT];
    file_of(7, file);
    assert_false(sc_folder_has(&h->folder, file));
    int fd = sc_folder_make(file), other = dup(fd);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(sc_folder_has(&h->folder, file));
    assert_int_equal(sc_folder_connect(client, file), -ECONNREFUSED); /* it does not listen */
    assert_int_equal(listen(fd, 1), 0);
    assert_true(sc_folder_has(&h->folder, file));
    assert_int_equal(sc_folder_connect(client, file), 0);
    int accepted = accept(fd, NULL, NULL);
    assert_true(accepted >= 0);
    close(fd);
    assert_true(sc_folder_has(&h->folder, file));
    close(other);
    assert_false(sc_folder_has(&h->folder, file)); /* the one accepted is called the same */
    assert_true(exists(file));
    close(accepted);
    close(client);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sc_folder_remove(&h->folder, file);
    assert_false(exists(file));
    assert_int_equal(sc_folder_connect(client, file), -ECONNREFUSED);
    close(client);
}

static void asking_disturbs_nobody(void **state)
{
    struct here *h = *state;
    char file[SC_SOCKET_NAME_TEXT];
    file_of(9, file);
    int fd = sc_folder_make(file);
    assert_int_equal(listen(fd, 1), 0);
    for (int i = 0; i < 10; i++)
        assert_true(sc_folder_has(&h->folder, file));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    close(fd);
}

static void what_is_left_over_is_cleared_away(void **state)
{
    struct here *h = *state;
    char bound[SC_SOCKET_NAME_TEXT], listening[SC_SOCKET_NAME_TEXT], gone[SC_SOCKET_NAME_TEXT];
    file_of(11, bound);
    file_of(12, listening);
    file_of(13, gone);
    int one = sc_folder_make(bound), two = sc_folder_make(listening), three = sc_folder_make(gone);
    assert_int_equal(listen(two, 1), 0);
    close(three);
    FILE *other = fopen("somebody's notes", "w");
    assert_non_null(other);
    fclose(other);
    sc_folder_tidy(&h->folder);
    assert_true(exists(bound));
    assert_true(exists(listening));
    assert_false(exists(gone));
    assert_true(exists("somebody's notes"));
    close(one);
    close(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_else_gets_in, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_of_somebody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_in_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(the_name_is_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_is_there_as_long_as_somebody_holds_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(asking_disturbs_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_left_over_is_cleared_away, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
