#include "trap/program.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap/filter.h"
#include "trap/say.h"
#include "trap/tracee.h"

/* What the shell says of a program that is not there, or cannot be run. */
#define NOT_FOUND 127
#define NOT_RUN 126

/* The filter's descriptor is told by number, in a write: sendmsg would be the first call that
 * nobody answers. The program begins when the supervisor has its copy. */
_Noreturn static void become(char **words, const sigset_t *mask, int channel)
{
    int notify = sc_trap_filter_install();
    char go;
    if (write(channel, &notify, sizeof notify) != sizeof notify || notify < 0 ||
        read(channel, &go, 1) != 1)
        _exit(NOT_RUN);
    close(notify);
    close(channel);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(words[0], words);
    int error = errno;
    sc_trap_say(0, "%s: %s", words[0], strerror(error));
    _exit(error == ENOENT ? NOT_FOUND : NOT_RUN);
}

static int refused(int error)
{
    if (error == EBUSY)
        sc_trap_say(0, "--trap: a seccomp listener watches this process tree already (another "
                       "--trap, or a container's), and there can be one only; run it outside");
    else
        sc_trap_say(0,
                    "--trap: the kernel refuses a seccomp filter with a listener: %s (needs "
                    "Linux 5.19)",
                    strerror(error));
    return -1;
}

static int meet(struct sc_trap_program *p, int channel)
{
    int number;
    if (read(channel, &number, sizeof number) != sizeof number)
        number = -EIO;
    if (number < 0)
        return refused(-number);
    p->notify = sc_tracee_fd(p->pid, number);
    if (p->notify < 0)
        return refused(errno);
    return write(channel, "", 1) == 1 ? 0 : refused(errno);
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

int sc_trap_program_start(char **words, const sigset_t *mask, struct sc_trap_program *p)
{
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
        return refused(errno);
    p->pid = fork();
    if (p->pid == 0) {
        close(channel[0]); /* a supervisor that ends is then noticed */
        become(words, mask, channel[1]);
    }
    close(channel[1]);
    int result = p->pid < 0 ? refused(errno) : meet(p, channel[0]);
    close(channel[0]);
    if (result < 0 && p->pid > 0)
        waitpid(p->pid, NULL, 0);
    raise_limit();
    return result;
}
