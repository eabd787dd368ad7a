/* The log file: bounded, appended, and neither a full disk nor a reader that sleeps stops it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log_file.h"

static char folder[] = "/tmp/test_log_file.XXXXXX";
static char path[64], old[64], spare[64];
static char content[1 << 16];

static void forget_files(void)
{
    unlink(path);
    unlink(old);
    unlink(spare);
}

static const char *read_file(const char *name)
{
    FILE *f = fopen(name, "r");
    size_t n = f ? fread(content, 1, sizeof content - 1, f) : 0;
    content[n] = 0;
    if (f)
        fclose(f);
    return content;
}

static off_t size_of(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 ? st.st_size : -1;
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        n++;
    return n;
}

static void open_log(struct sc_log_file *f)
{
    char why[128] = "";
    assert_int_equal(sc_log_file_open(f, path, why, sizeof why), 0);
}

static void a_line_has_time_and_level(void **state)
{
    (void)state;
    struct sc_log_file f;
    int year, month, day, hour, minute, second, ms;
    char level[16], word[16];
    forget_files();
    open_log(&f);
    sc_log(SC_LOG_WARN, "look");
    assert_int_equal(sscanf(read_file(path), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %15[a-z]: %15s", &year,
                            &month, &day, &hour, &minute, &second, &ms, level, word),
                     9);
    assert_string_equal(level, "warn");
    assert_string_equal(word, "look");
    assert_int_equal(strlen(content), strlen("2026-11-29T19:00:00.000Z warn: look\n"));
    sc_log_file_close(&f);
}

static void appended(void **state)
{
    (void)state;
    struct sc_log_file f;
    forget_files();
    for (int i = 0; i < 3; i++) {
        open_log(&f);
        sc_log(SC_LOG_INFO, "start");
        sc_log_file_close(&f);
    }
    assert_int_equal(count(read_file(path), "start"), 3);
}

/* Two files, each within the bound, with the newest lines in order. */
static void bounded(void **state)
{
    (void)state;
    struct sc_log_file f;
    int number = 0, next;
    forget_files();
    open_log(&f);
    f.most = 1000;
    for (int i = 0; i < 500; i++)
        sc_log(SC_LOG_INFO, "line %d", i);
    assert_in_range(size_of(path), 1, 1000);
    assert_in_range(size_of(old), 900, 1000);
    const char *at = strstr(read_file(old), "line ");
    assert_int_equal(sscanf(at, "line %d", &next), 1);
    const char *names[] = {old, path};
    for (int i = 0; i < 2; i++) {
        read_file(names[i]);
        for (at = content; (at = strstr(at, "line ")) != NULL; at++, next++) {
            assert_int_equal(sscanf(at, "line %d", &number), 1);
            assert_int_equal(number, next);
        }
    }
    assert_int_equal(number, 499);
    sc_log_file_close(&f);
}

/* Somebody else renames or removes it. */
static void reopened(void **state)
{
    (void)state;
    struct sc_log_file f;
    forget_files();
    open_log(&f);
    sc_log(SC_LOG_INFO, "one");
    assert_int_equal(rename(path, spare), 0);
    sc_log(SC_LOG_INFO, "two");
    sc_log_file_reopen(&f);
    sc_log(SC_LOG_INFO, "three");
    assert_int_equal(count(read_file(spare), "two"), 1);
    assert_int_equal(count(read_file(path), "three"), 1);
    unlink(path);
    sc_log(SC_LOG_INFO, "four");
    assert_int_equal(count(read_file(path), "four"), 1);
    sc_log_file_close(&f);
}

static void a_full_disk_is_said_when_it_is_over(void **state)
{
    (void)state;
    struct sc_log_file f;
    forget_files();
    open_log(&f);
    int file = f.fd, full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    f.fd = full;
    for (int i = 0; i < 7; i++)
        sc_log(SC_LOG_INFO, "lost");
    f.fd = file;
    sc_log(SC_LOG_INFO, "again");
    sc_log(SC_LOG_INFO, "more");
    read_file(path);
    assert_int_equal(count(content, "lost"), 0);
    assert_int_equal(count(content, "7 lines are missing here"), 1);
    assert_int_equal(count(content, strerror(ENOSPC)), 1);
    assert_true(strstr(content, "missing") < strstr(content, "again"));
    assert_int_equal(count(content, "\n"), 3);
    close(full);
    sc_log_file_close(&f);
}

/* The disk took a part of a line: the next one does not go on in it. */
static void a_torn_line_takes_no_other_with_it(void **state)
{
    (void)state;
    struct sc_log_file f;
    struct rlimit before, small = {100, 100};
    forget_files();
    open_log(&f);
    sc_log(SC_LOG_INFO, "first");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sc_log(SC_LOG_INFO, "%0*d", 200, 0); /* a part of it fits */
    sc_log(SC_LOG_INFO, "lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    sc_log(SC_LOG_INFO, "again");
    read_file(path);
    assert_int_equal(count(content, "2 lines are missing here"), 1);
    assert_true(strstr(content, "Z info: again\n") != NULL);
    assert_true(strstr(content, "\n20") < strstr(content, "missing"));
    for (char *line = strtok(content, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strchr(line, 'Z') == strrchr(line, 'Z')); /* one stamp each */
    sc_log_file_close(&f);
}

/* A pipe that nobody reads: sc_log returns, and says what is missing once it is read. */
static void a_reader_that_sleeps(void **state)
{
    (void)state;
    struct sc_log_file f;
    char why[128];
    int fd[2], stderr_before = dup(STDERR_FILENO);
    assert_int_equal(pipe(fd), 0);
    fcntl(fd[1], F_SETPIPE_SZ, 8192);
    dup2(fd[1], STDERR_FILENO);
    close(fd[1]);
    assert_int_equal(sc_log_file_open(&f, "", why, sizeof why), 0);
    for (int i = 0; i < 1000; i++)
        sc_log(SC_LOG_INFO, "line %d", i);
    assert_true(f.lost > 0 && f.lost < 1000);
    uint64_t lost = f.lost;
    assert_true(read(fd[0], content, sizeof content - 1) > 0);
    sc_log(SC_LOG_INFO, "again");
    ssize_t n = read(fd[0], content, sizeof content - 1);
    content[n > 0 ? n : 0] = 0;
    snprintf(why, sizeof why, "%llu lines are missing here", (unsigned long long)lost);
    assert_int_equal(count(content, why), 1);
    assert_int_equal(count(content, "again"), 1);
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    close(fd[0]);
    sc_log_file_close(&f);
}

static void what_is_no_file(void **state)
{
    (void)state;
    struct sc_log_file f;
    char why[128];
    const char *wrong[] = {"/", "/dev/full", "/no/such/folder/log", path};
    forget_files();
    assert_int_equal(mkfifo(path, 0600), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        *why = 0;
        assert_int_equal(sc_log_file_open(&f, wrong[i], why, sizeof why), -1);
        assert_true(*why);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(old, sizeof old, "%s/log.1", folder);
    snprintf(spare, sizeof spare, "%s/spare", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    forget_files();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_and_level),
        cmocka_unit_test(appended),
        cmocka_unit_test(bounded),
        cmocka_unit_test(reopened),
        cmocka_unit_test(a_full_disk_is_said_when_it_is_over),
        cmocka_unit_test(a_torn_line_takes_no_other_with_it),
        cmocka_unit_test(a_reader_that_sleeps),
        cmocka_unit_test(what_is_no_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
