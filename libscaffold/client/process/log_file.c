#include "client/process/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/process/kernel.h"

/* Round libc's wrappers, which are cancellation points. */
#define RAW(call, ...) sc_kernel(SYS_##call, __VA_ARGS__)

static char path[PATH_MAX];
char sc_log_program[32]; /* kept: programs write over their arguments to show what they do */

static bool find_file(void)
{
    const char *name = getenv("SCAFFOLD_SHIM_LOG");
    if (!name || !*name)
        return false;
    size_t n = 0;
    snprintf(sc_log_program, sizeof sc_log_program, "%s", program_invocation_short_name);
    if (*name != '/' &&
        RAW(getcwd, path, sizeof path) > 0) { /* the program may change its directory */
        n = strlen(path);
        path[n++] = '/';
    }
    if (strlen(name) >= sizeof path - n)
        return false;
    memcpy(path + n, name, strlen(name) + 1);
    return true;
}

bool sc_log_wanted;

__attribute__((constructor(103))) static void want_log(void)
{
    sc_log_wanted = find_file();
}

static void complain(void)
{
    static bool said;
    char line[PATH_MAX + 160];
    if (__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
        return;
    int n = snprintf(line, sizeof line,
                     "scaffold: SCAFFOLD_SHIM_LOG: %s: %s; sockets of %s (pid %d) are missing in "
                     "the log from here on\n",
                     path, strerrordesc_np(errno), sc_log_program, sc_kernel_getpid());
    if (RAW(write, STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nobody to tell */
}

void sc_log_append(const char *line, size_t len)
{
    int kept = errno;
    long file =
        RAW(openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file < 0 || RAW(write, file, line, len) < 0)
        complain();
    if (file >= 0)
        RAW(close, file);
    errno = kept;
}
