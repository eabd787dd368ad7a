/* exec and its kin. A program that is started with an environment of its own (nginx, when it
 * upgrades itself) would lose the shim and keep its descriptors of services, and open its ports on
 * plain IP. So where services are passed on, the shim is put back into that environment; without
 * them the environment is the program's own business.
 *
 * Nothing here allocates or writes memory that is not on the stack, but for what was said: callers
 * may stand between vfork and exec. */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/process/kernel.h"
#include "client/process/memory.h"
#include "client/process/owner.h"
#include "client/process/real.h"
#include "exec_environment.h"
#include "exec_pass.h"
#include "exec_target.h"

/* --- the program that is meant ---------------------------------------------------------------- */

/* Where exec looks for a file without a slash; the default is libc's. */
static const char *search_path(void)
{
    const char *path = getenv("PATH");
    return path ? path : "/bin:/usr/bin";
}

/* The program that execvp would run: the first of PATH that may be run. Empty: none. */
static void find_program(const char *file, char to[PATH_MAX])
{
    size_t name = strlen(file);
    const char *folder = search_path();
    while (name < NAME_MAX) {
        size_t len = strcspn(folder, ":");
        if (len + name + 2 <= PATH_MAX) {
            memcpy(to, folder, len);
            to[len] = '/';
            memcpy(to + len + (len > 0), file, name + 1);
            if (sc_kernel(SYS_faccessat, AT_FDCWD, to, X_OK) == 0)
                return;
        }
        if (!folder[len])
            break;
        folder += len + 1;
    }
    *to = 0;
}

/* One call, as the program made it. */
struct start {
    int (*call)(const struct start *s, char *const envp[]);
    int dir;
    const char *path; /* seen from `dir`; with `search`, looked for in PATH */
    int flags;
    bool search;
    char *const *argv;
    char *const *envp;
    pid_t *pid;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    FILE **file; /* popen's result */
};

static enum shim_target look_at_target(const struct start *s, const char **why)
{
    char found[PATH_MAX];
    if (!s->search || strchr(s->path, '/'))
        return shim_look_at(s->dir, s->path, s->flags, why);
    int kept = errno;
    find_program(s->path, found);
    errno = kept;
    return *found ? shim_look_at(AT_FDCWD, found, 0, why) : SHIM_TARGET_ABSENT;
}

/* --- what is said ----------------------------------------------------------------------------- */

static char *append(char *to, const char *end, const char *text)
{
    size_t len = strlen(text);
    if (len > (size_t)(end - to))
        len = (size_t)(end - to);
    memcpy(to, text, len);
    return to + len;
}

/* One line on stderr, once per process; none where stderr is itself a service's socket, as below an
 * inetd. */
static void say_lost(const char *program, const char *why)
{
    static bool said;
    char line[1024];
    char *at = line, *end = line + sizeof line;
    int kept = errno;
    if (shim_is_service(STDERR_FILENO) || __atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
        return;
    at = append(at, end - 200, "scaffold: ");
    at = append(at, end - 200, *program ? program : "the program that is started");
    at = append(at, end, " ");
    at = append(at, end, why);
    at = append(at, end,
                "; to it the sockets of services that it inherits are AF_UNIX, and its own are "
                "plain IP\n");
    sc_kernel(SYS_write, STDERR_FILENO, line, at - line);
    errno = kept;
}

/* --- the call --------------------------------------------------------------------------------- */

/* What is not there is for the kernel to see. */
static bool is_readable(const struct start *s)
{
    char *const *entry = s->envp;
    while (entry && sc_memory_reads(entry, sizeof *entry) && *entry && sc_memory_reads(*entry, 1))
        entry++;
    return sc_memory_reads(s->path, 1) &&
           (!entry || (sc_memory_reads(entry, sizeof *entry) && !*entry));
}

/* True when services are passed on to a program that the shim can reach, and this environment does
 * not bring it along. What is usual is cheap: a process without services, then a program that the
 * shim follows anyway; to look at every descriptor takes longest. */
static bool needs_shim(const struct start *s)
{
    if (!sc_any_service_socket() || !is_readable(s))
        return false;
    const char *why;
    enum shim_target target = look_at_target(s, &why);
    if (target == SHIM_TARGET_ABSENT && s->actions && *s->path != '/')
        target = SHIM_TARGET_REACHED; /* seen from another folder, perhaps */
    if (target == SHIM_TARGET_ABSENT ||
        (target == SHIM_TARGET_REACHED && shim_environment_is_settled(s->envp)) ||
        !shim_passes_services(s->actions))
        return false;
    if (target == SHIM_TARGET_UNREACHED)
        say_lost(s->path, why);
    return target == SHIM_TARGET_REACHED;
}

/* Makes the call with the program's environment, or with a copy that has the shim put back. */
static int start(const struct start *s)
{
    struct shim_environment_room room;
    sc_real_bind();
    if (!needs_shim(s))
        return s->call(s, s->envp);
    if (!shim_environment_measure(s->envp, &room)) {
        say_lost(s->path, "has too large an environment for the preload library to be added");
        return s->call(s, s->envp);
    }
    char *envp[room.entries];
    char preload[room.preload];
    shim_environment_restore(s->envp, envp, preload);
    return s->call(s, envp);
}

#define START(how, ...) start(&(struct start){.call = how, __VA_ARGS__})

static int call_execve(const struct start *s, char *const envp[])
{
    return sc_next.execve(s->path, s->argv, envp);
}

int shim_entry_execve(const char *path, char *const argv[], char *const envp[])
{
    return START(call_execve, .dir = AT_FDCWD, .path = path, .argv = argv, .envp = envp);
}

static int call_execv(const struct start *s, char *const envp[])
{
    return envp == s->envp ? sc_next.execv(s->path, s->argv)
                           : sc_next.execve(s->path, s->argv, envp);
}

int shim_entry_execv(const char *path, char *const argv[])
{
    return START(call_execv, .dir = AT_FDCWD, .path = path, .argv = argv, .envp = environ);
}

static int call_execvpe(const struct start *s, char *const envp[])
{
    return sc_next.execvpe(s->path, s->argv, envp);
}

int shim_entry_execvpe(const char *file, char *const argv[], char *const envp[])
{
    return START(call_execvpe, .dir = AT_FDCWD, .path = file, .search = true, .argv = argv,
                 .envp = envp);
}

static int call_execvp(const struct start *s, char *const envp[])
{
    return envp == s->envp ? sc_next.execvp(s->path, s->argv)
                           : sc_next.execvpe(s->path, s->argv, envp);
}

int shim_entry_execvp(const char *file, char *const argv[])
{
    return START(call_execvp, .dir = AT_FDCWD, .path = file, .search = true, .argv = argv,
                 .envp = environ);
}

static int call_fexecve(const struct start *s, char *const envp[])
{
    return sc_next.fexecve(s->dir, s->argv, envp);
}

int shim_entry_fexecve(int fd, char *const argv[], char *const envp[])
{
    return START(call_fexecve, .dir = fd, .path = "", .flags = AT_EMPTY_PATH, .argv = argv,
                 .envp = envp);
}

static int call_execveat(const struct start *s, char *const envp[])
{
    return sc_next.execveat(s->dir, s->path, s->argv, envp, s->flags);
}

int shim_entry_execveat(int dir, const char *path, char *const argv[], char *const envp[],
                        int flags)
{
    return START(call_execveat, .dir = dir, .path = path, .flags = flags, .argv = argv,
                 .envp = envp);
}

static int call_posix_spawn(const struct start *s, char *const envp[])
{
    return sc_next.posix_spawn(s->pid, s->path, s->actions, s->attributes, s->argv, envp);
}

int shim_entry_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attributes, char *const argv[],
                           char *const envp[])
{
    return START(call_posix_spawn, .dir = AT_FDCWD, .path = path, .pid = pid, .actions = actions,
                 .attributes = attributes, .argv = argv, .envp = envp);
}

static int call_posix_spawnp(const struct start *s, char *const envp[])
{
    return sc_next.posix_spawnp(s->pid, s->path, s->actions, s->attributes, s->argv, envp);
}

int shim_entry_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *attributes, char *const argv[],
                            char *const envp[])
{
    return START(call_posix_spawnp, .dir = AT_FDCWD, .path = file, .search = true, .pid = pid,
                 .actions = actions, .attributes = attributes, .argv = argv, .envp = envp);
}

/* --- arguments one by one --------------------------------------------------------------------- */

/* How many there are up to the final NULL, the first among them. */
static size_t count_arguments(const char *first, va_list rest)
{
    size_t count = 0;
    for (const char *arg = first; arg; arg = va_arg(rest, const char *))
        count++;
    return count;
}

/* As argv, with its final NULL. */
static void gather(char **argv, const char *first, va_list *rest)
{
    *argv = (char *)(uintptr_t)first;
    while (*argv)
        *++argv = va_arg(*rest, char *);
}

#define GATHER(argv, first)                                                                        \
    va_list args;                                                                                  \
    va_start(args, first);                                                                         \
    size_t count = count_arguments(first, args);                                                   \
    va_end(args);                                                                                  \
    char *argv[count + 1];                                                                         \
    va_start(args, first);                                                                         \
    gather(argv, first, &args)

int shim_entry_execl(const char *path, const char *arg, ...)
{
    GATHER(argv, arg);
    va_end(args);
    return shim_entry_execv(path, argv);
}

int shim_entry_execlp(const char *file, const char *arg, ...)
{
    GATHER(argv, arg);
    va_end(args);
    return shim_entry_execvp(file, argv);
}

int shim_entry_execle(const char *path, const char *arg, ...)
{
    GATHER(argv, arg);
    char *const *envp = va_arg(args, char *const *);
    va_end(args);
    return shim_entry_execve(path, argv, envp);
}

/* --- the shell's ------------------------------------------------------------------------------ */

#define SHELL "/bin/sh" /* libc's */

/* libc starts the shell with `environ`: what a program that has cleared it lacks is lent to it for
 * the time of the calls that need it. Several threads may make them at once: the last one gives the
 * program's own back, unless somebody has put another in its place meanwhile (setenv), which then
 * stays. Static, since that one keeps the entries, and others may be reading. What a thread changes
 * in place meanwhile (setenv of a variable that is there, unsetenv) goes with what was lent.
 */
static unsigned borrowers;
static char **own;
static char *lent[SHIM_ENVIRONMENT_MAX + SHIM_PUT_BACK_MAX + 1];
static char lent_preload[SHIM_PRELOAD_MAX];

/* A copy takes microseconds: whoever has not ended it in a second was lost in a fork. */
static uint32_t lending;

static void lock(void)
{
    const struct timespec patience = {.tv_sec = 1};
    int kept = errno;
    while (__atomic_exchange_n(&lending, 1, __ATOMIC_ACQUIRE) &&
           (sc_kernel(SYS_futex, &lending, FUTEX_WAIT_PRIVATE, 1, &patience, NULL, 0) == 0 ||
            errno != ETIMEDOUT))
        ;
    errno = kept;
}

static void unlock(void)
{
    __atomic_store_n(&lending, 0, __ATOMIC_RELEASE);
    sc_kernel(SYS_futex, &lending, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void lend(char *const envp[])
{
    lock();
    borrowers++;
    if (environ != lent) {
        own = environ;
        if (envp != lent)
            shim_environment_restore(envp, lent, lent_preload);
        environ = lent;
    }
    unlock();
}

static void take_back(void *unused)
{
    (void)unused;
    lock();
    if (--borrowers == 0 && environ == lent)
        environ = own;
    unlock();
}

/* True when the program's environment is not the one that the shell is to have, or is only so for
 * as long as another call takes. */
static bool borrows(const struct start *s, char *const envp[])
{
    return envp != s->envp || envp == lent;
}

static int call_system(const struct start *s, char *const envp[])
{
    int status;
    if (!borrows(s, envp))
        return sc_next.system(s->argv[0]);
    lend(s->envp);
    pthread_cleanup_push(take_back, NULL);
    status = sc_next.system(s->argv[0]);
    pthread_cleanup_pop(1);
    return status;
}

int shim_entry_system(const char *command)
{
    char *const argv[] = {(char *)(uintptr_t)command, NULL};
    return START(call_system, .dir = AT_FDCWD, .path = SHELL, .argv = argv, .envp = environ);
}

static int call_popen(const struct start *s, char *const envp[])
{
    bool borrowed = borrows(s, envp);
    if (borrowed)
        lend(s->envp);
    *s->file = sc_next.popen(s->argv[0], s->argv[1]);
    if (borrowed)
        take_back(NULL);
    return 0;
}

FILE *shim_entry_popen(const char *command, const char *mode)
{
    FILE *file = NULL;
    char *const argv[] = {(char *)(uintptr_t)command, (char *)(uintptr_t)mode, NULL};
    START(call_popen, .dir = AT_FDCWD, .path = SHELL, .argv = argv, .envp = environ, .file = &file);
    return file;
}
