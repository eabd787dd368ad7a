#include "trap/program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap/filter.h"
#include "trap/say.h"
#include "trap/process/tracee.h"

/* What the shell says of a program that is not there, or cannot be run. */
#define NOT_FOUND 127
#define NOT_RUN 126

_Noreturn void sc_trap_program_become(char **words, const sigset_t *mask)
{
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(words[0], words);
    int error = errno;
    sc_trap_say(0, "%s: %s", words[0], strerror(error));
    _exit(error == ENOENT ? NOT_FOUND : NOT_RUN);
}

/* The filter's descriptor is told by number, in a write: sendmsg would be the first call that
 * nobody answers. The program begins when the supervisor has its copy. */
_Noreturn static void become_trapped(char **words, const sigset_t *mask, int channel)
{
    int notify = sc_trap_filter_install();
    char go;
    if (write(channel, &notify, sizeof notify) != sizeof notify || notify < 0 ||
        read(channel, &go, 1) != 1)
        _exit(NOT_RUN);
    close(notify);
    close(channel);
    sc_trap_program_become(words, mask);
}

/* What was in the way: which step, and its errno. */
struct refusal {
    const char *step;
    int error;
};

static int refuse(struct refusal *r, const char *step, int error)
{
    *r = (struct refusal){step, error};
    return -1;
}

static void say_refused(const struct refusal *r, const char *program, const char *instead)
{
    char why[256];
    if (r->error == EBUSY)
        snprintf(why, sizeof why,
                 "a seccomp listener watches this process tree already (another --trap, or a "
                 "container's), and there can be one only");
    else
        snprintf(why, sizeof why, "%s: %s", r->step, strerror(r->error));
    if (instead)
        sc_trap_say(0, "%s %s, and --trap cannot be used: %s; it will use plain IP", program,
                    instead, why);
    else
        sc_trap_say(0, "--trap: %s%s", why, r->error == EBUSY ? "; run it outside" : "");
}

/* A word of ours, at the same address in the program, which is our child and has not become another
 * one yet. */
static const int known = 0x5343;

/* Descriptors and memory have rights of their own (ptrace(2)), and their own filters in containers.
 */
static int meet(struct sc_trap_program *p, int channel, struct refusal *r)
{
    int number, seen = 0;
    if (read(channel, &number, sizeof number) != sizeof number)
        number = -EIO;
    if (number < 0)
        return refuse(r, "the kernel refuses a seccomp filter with a listener (needs Linux 5.19)",
                      -number);
    p->notify = sc_tracee_fd(p->pid, number);
    if (p->notify < 0)
        return refuse(r, "the kernel does not hand over the program's descriptors", errno);
    if (!sc_tracee_read(p->pid, (uintptr_t)&known, &seen, sizeof seen) || seen != known)
        return refuse(r, "the kernel does not let the program's memory be read", errno);
    return 0;
}

/* Up to where the program waits for the word to begin. */
static int start(char **words, const sigset_t *mask, struct sc_trap_program *p,
                 const int channel[2], struct refusal *r)
{
    p->pid = fork();
    if (p->pid == 0) {
        close(channel[0]); /* a supervisor that ends is then noticed */
        become_trapped(words, mask, channel[1]);
    }
    close(channel[1]);
    return p->pid < 0 ? refuse(r, "no process can be made", errno) : meet(p, channel[0], r);
}

int sc_trap_program_start(char **words, const sigset_t *mask, const char *instead,
                          struct sc_trap_program *p)
{
    int channel[2] = {-1, -1};
    struct refusal r;
    p->pid = -1;
    int result = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0
                     ? refuse(&r, "no socket is left", errno)
                     : start(words, mask, p, channel, &r);
    if (result < 0)
        say_refused(&r, words[0], instead);
    else if (instead)
        sc_trap_say(0, "%s %s: --trap is used (--no-trap: plain IP)", words[0], instead);
    if (result == 0) /* if it was killed meanwhile, the supervisor's rounds find that out */
        send(channel[0], "", 1, MSG_NOSIGNAL);
    close(channel[0]);
    if (result < 0 && p->pid > 0)
        waitpid(p->pid, NULL, 0);
    return result;
}
