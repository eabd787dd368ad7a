/* A server that enters a sandbox after listen, as a program of test_sandboxed.py. It accepts, says
 * hello, and waits for a word; the client, outside, must get the greeting.
 *
 *   sandboxed refused|killed accept|accept4|syscall none|whole|little own|inherited
 *
 * refused: everything is EPERM but what this program itself does from then on. killed: so are the
 * questions that such a program never asks. Then how it accepts, what room it has for the client's
 * address, and whether it made the listener or was given it by exec. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ON(call, verdict)                                                                          \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, verdict)
#define OTHERWISE(verdict) BPF_STMT(BPF_RET | BPF_K, verdict)
#define ENTER(list) enter(&(struct sock_fprog){.len = sizeof list / sizeof *list, .filter = list})

static void enter(const struct sock_fprog *filter)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) < 0)
        _exit(2);
}

static void refuse(int accept_is)
{
    unsigned other = accept_is == SYS_accept ? SYS_accept4 : SYS_accept;
    struct sock_filter list[] = {
        NUMBER,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
        OTHERWISE(SECCOMP_RET_KILL_PROCESS),
        ON(accept, SECCOMP_RET_ALLOW),
        ON(accept4, SECCOMP_RET_ALLOW),
        ON(read, SECCOMP_RET_ALLOW),
        ON(write, SECCOMP_RET_ALLOW),
        ON(close, SECCOMP_RET_ALLOW),
        ON(exit_group, SECCOMP_RET_ALLOW),
        OTHERWISE(SECCOMP_RET_ERRNO | EPERM),
    };
    ENTER(list);
}

static void kill_who_asks(void)
{
    struct sock_filter list[] = {
        NUMBER,
        ON(getsockname, SECCOMP_RET_KILL_PROCESS),
        ON(getpeername, SECCOMP_RET_KILL_PROCESS),
        ON(socket, SECCOMP_RET_KILL_PROCESS),
        ON(socketpair, SECCOMP_RET_KILL_PROCESS),
        ON(connect, SECCOMP_RET_KILL_PROCESS),
        ON(bind, SECCOMP_RET_KILL_PROCESS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_PEERCRED, 0, 1),
        OTHERWISE(SECCOMP_RET_KILL_PROCESS),
        OTHERWISE(SECCOMP_RET_ALLOW),
        OTHERWISE(SECCOMP_RET_ALLOW),
    };
    ENTER(list);
}

static int take(int listener, const char *how, void *addr, socklen_t *len)
{
    if (strcmp(how, "accept") == 0)
        return accept(listener, addr, len);
    if (strcmp(how, "accept4") == 0)
        return accept4(listener, addr, len, SOCK_CLOEXEC);
    return (int)syscall(SYS_accept, listener, addr, len);
}

/* Returns 0, or the number of what went wrong. */
static int serve(int listener, char **argv)
{
    struct sockaddr_storage from = {0};
    socklen_t whole = sizeof from, little = sizeof(sa_family_t) + 2;
    socklen_t *len = strcmp(argv[3], "whole") == 0    ? &whole
                     : strcmp(argv[3], "little") == 0 ? &little
                                                      : NULL;
    char word;
    if (strcmp(argv[1], "refused") == 0)
        refuse(strcmp(argv[2], "accept4") == 0 ? SYS_accept4 : SYS_accept);
    else
        kill_who_asks();
    int one = take(listener, argv[2], len ? &from : NULL, len);
    if (one < 0)
        return 3;
    if (write(one, "hello", 5) != 5 || read(one, &word, 1) != 1)
        return 4;
    /* By exec the library knows nothing; then what may not be asked stays unknown. */
    if (len && strcmp(argv[4], "own") == 0)
        return from.ss_family == AF_INET && *len == sizeof(struct sockaddr_in) ? 0 : 5;
    return 0;
}

static int ask(const struct sockaddr_in *at)
{
    char greeting[8] = "";
    int c = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c, (const struct sockaddr *)at, sizeof *at) < 0)
        return 1;
    ssize_t n = recv(c, greeting, 5, MSG_WAITALL);
    printf("%s\n", n < 0 ? strerror(errno) : n == 0 ? "an orderly end" : greeting);
    fflush(stdout);
    return send(c, "!", 1, MSG_NOSIGNAL) == 1 && n == 5 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    if (argc == 6)
        return serve(atoi(argv[5]), argv);
    int s = socket(AF_INET, SOCK_STREAM, 0), status = 0;
    if (bind(s, (struct sockaddr *)&a, len) < 0 || listen(s, 5) < 0 ||
        getsockname(s, (struct sockaddr *)&a, &len) < 0)
        return 1;
    pid_t server = fork();
    if (server == 0 && strcmp(argv[4], "inherited") == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", s);
        execl(argv[0], argv[0], argv[1], argv[2], argv[3], argv[4], number, NULL);
        _exit(2);
    }
    if (server == 0)
        _exit(serve(s, argv));
    close(s);
    int failed = ask(&a);
    waitpid(server, &status, 0);
    if (status)
        printf("server: %s %d\n", WIFSIGNALED(status) ? "signal" : "step",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return failed;
}
