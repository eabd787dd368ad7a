/* scaffold-trap CMD...: runs a program that no preload library reaches, on services. Its socket
 * calls are handed to this process by the kernel (seccomp user notification), which makes client/'s
 * calls in its place. What is a service is said by the environment, as for the shim.
 *
 * scaffold-trap --instead WHY PRELOAD CMD...: nobody asked for the trap, but CMD WHY ("is
 * statically linked"), which is said in one line. Where no trap can be set, CMD is run without,
 * with PRELOAD for its children. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/supervise.h"
#include "trap/epolls.h"
#include "trap/loop.h"
#include "trap/program.h"
#include "trap/say.h"

/* Those that are sent to this process and meant for the program. SIGKILL and SIGSTOP cannot be
 * passed on; the terminal's SIGTSTP stops the whole group. */
static const int passed_on[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

static int hear_signals(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        sigaddset(&set, passed_on[i]);
    sigprocmask(SIG_BLOCK, &set, before);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Ends as the program ended. */
static int end_as(int status)
{
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    struct rlimit none = {0};
    sigset_t set;
    setrlimit(RLIMIT_CORE, &none); /* the program has left one, if any */
    signal(WTERMSIG(status), SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(WTERMSIG(status));
    return 128 + WTERMSIG(status);
}

/* Ours has descriptors of many programs; the program keeps the limit that it was given. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

_Noreturn static void run_without(char **words, const sigset_t *mask, const char *preload)
{
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); /* would be the program's */
    setenv("LD_PRELOAD", preload, 1);
    sc_trap_program_become(words, mask);
}

int main(int argc, char **argv)
{
    sigset_t before;
    struct sc_trap_program program;
    bool chosen = argc > 1 && strcmp(argv[1], "--instead") == 0;
    char **words = argv + (chosen ? 4 : 1);
    sc_supervise_begin();
    if (words >= argv + argc) {
        fprintf(stderr, "usage: scaffold-trap [--instead WHY PRELOAD] CMD...\n");
        return 2;
    }
    int signals = hear_signals(&before);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (signals < 0)
        return 1;
    if (sc_trap_program_start(words, &before, chosen ? argv[2] : NULL, &program) < 0) {
        if (chosen)
            run_without(words, &before, argv[3]);
        return 1;
    }
    raise_limit();
    int err = sc_trap_epolls_start();
    int status = err ? -1 : sc_trap_loop_run(program.notify, signals, program.pid);
    if (status < 0) {
        sc_trap_say(0, "--trap: %s", strerror(err ? -err : errno));
        kill(program.pid, SIGKILL); /* its calls would fail one by one */
        return 1;
    }
    return end_as(status);
}
