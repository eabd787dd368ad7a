/* Opens, or binds, one socket after the other, while another thread makes processes in every way
 * that there is, and lets them live. What has happened to a socket must be seen whoever has been
 * forked meanwhile: nobody but its own program, and scaffoldd, may hold it.
 *
 *   forks reset|end ROUNDS   the server resets, or ends, each connection: its client sees it
 *   forks close ROUNDS       the client closes each: its server sees it
 *   forks bind ROUNDS        a datagram socket gives its port back when it is closed
 *   forks handler ROUNDS     as "end", and no thread forks but a handler of this one, and another
 *   forks kept ROUNDS        datagram sockets, open until scaffoldd has gone: each hears of it
 *
 * A child closes the number of the socket that it inherits, as a program's child would. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOST_MS 30000 /* what is not seen by then is seen by nobody */
#define CHILDREN 64
#define KEPT 500 /* where such sockets go */

static struct sockaddr_in address = {.sin_family = AF_INET};
static int number; /* of every socket of the client's, one at a time */
static volatile int round_now, done;
static char self[4096], parent[16]; /* this program and process, for a child that starts it again */
/* posix_spawn looks for what it passes on through a descriptor, which must not have `number`. */
static pthread_mutex_t numbers = PTHREAD_MUTEX_INITIALIZER;

static void check(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1); /* children end with the thread that made them */
}

/* --- children --------------------------------------------------------------------------------- */

static int live(void *unused) /* for ever */
{
    (void)unused;
    close(number);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pause() < 0)
        ;
    return 0;
}

/* The same, if whoever made it lives to end it. */
static void live_with(const char *maker)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == atoi(maker))
        live(NULL);
}

static pid_t by_clone(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    return clone(live, stack + sizeof stack, SIGCHLD, NULL);
}

static pid_t by_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl(self, self, "live", parent, NULL);
        _exit(127);
    }
    return child;
}

static pid_t by_spawn(void)
{
    extern char **environ;
    char *words[] = {self, "live", parent, NULL};
    pid_t child;
    pthread_mutex_lock(&numbers);
    int error = posix_spawn(&child, self, NULL, NULL, words, environ);
    pthread_mutex_unlock(&numbers);
    return error ? -1 : child;
}

/* In each of the others both sides come back. */
static pid_t by_return(int way)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    switch (way) {
    case 0:
        return fork();
    case 1:
        return _Fork();
    case 2:
        return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
#ifdef SYS_fork
    case 3:
        return (pid_t)syscall(SYS_fork);
#endif
    default:
        return (pid_t)syscall(SYS_clone3, &args, sizeof args);
    }
}

static pid_t make_child(int way)
{
    if (way == 5)
        return by_clone();
    if (way == 6)
        return by_vfork();
    if (way == 7)
        return by_spawn();
    pid_t child = by_return(way);
    if (child == 0)
        live(NULL);
    return child;
}

/* A child lives until the round that it was made in is over, and the next one. */
static void *fork_on(void *made)
{
    struct {
        pid_t pid;
        int round;
    } children[CHILDREN] = {0};
    for (int n = 0; !done; n++) {
        int at = n % CHILDREN;
        while (children[at].pid && round_now <= children[at].round + 1 && !done)
            usleep(100);
        if (children[at].pid) {
            kill(children[at].pid, SIGKILL);
            waitpid(children[at].pid, NULL, 0);
        }
        children[at].round = round_now;
        children[at].pid = make_child(n % 8);
        check(children[at].pid > 0, "fork");
        ++*(int *)made;
    }
    for (int i = 0; i < CHILDREN; i++)
        if (children[i].pid) {
            kill(children[i].pid, SIGKILL);
            waitpid(children[i].pid, NULL, 0);
        }
    return NULL;
}

/* --- streams ---------------------------------------------------------------------------------- */

static void serve(int listener, const char *how, int tell)
{
    const struct linger at_once = {1, 0};
    char byte;
    for (;;) {
        int one = accept(listener, NULL, NULL);
        if (one < 0)
            _exit(1);
        if (*how == 'r')
            setsockopt(one, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        recv(one, &byte, 1, 0);
        if (*how == 'c') {
            byte = recv(one, &byte, 1, 0) == 0 ? 'y' : 'n';
            check(write(tell, &byte, 1) == 1, "tell");
        }
        close(one);
    }
}

static int client_socket(int type)
{
    pthread_mutex_lock(&numbers);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    pthread_mutex_unlock(&numbers);
    check(fd == number || !number, "another number");
    return fd;
}

/* 1: seen as it should be. */
static int see(const char *how, int fd, int told)
{
    struct pollfd p = {.fd = *how == 'c' ? told : fd, .events = POLLIN};
    char byte;
    if (*how == 'c')
        close(fd);
    int found;
    do
        found = poll(&p, 1, LOST_MS);
    while (found < 0 && errno == EINTR);
    if (found != 1)
        return 0;
    if (*how == 'c')
        return read(told, &byte, 1) == 1 && byte == 'y';
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    close(fd);
    return *how == 'r' ? n < 0 && errno == ECONNRESET : n == 0;
}

static int connect_one(const char *how, int told)
{
    int fd = client_socket(SOCK_STREAM);
    check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    check(send(fd, "x", 1, MSG_NOSIGNAL) == 1, "send");
    return see(how, fd, told);
}

/* --- datagrams -------------------------------------------------------------------------------- */

/* A child that has just been made has the socket of the round before, until it closes that. */
static int bind_one(void)
{
    int fd = client_socket(SOCK_DGRAM), bound = 0;
    for (int ms = 0; !bound && ms < LOST_MS; ms++) {
        bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        check(bound || errno == EADDRINUSE, "bind");
        if (!bound)
            usleep(1000);
    }
    close(fd);
    return bound;
}

/* The socket goes where it can stay; the next one has its number. */
static int keep_one(struct pollfd *kept)
{
    int fd = client_socket(SOCK_DGRAM);
    int joined = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    *kept = (struct pollfd){.fd = fcntl(fd, F_DUPFD_CLOEXEC, KEPT), .events = POLLIN};
    close(fd);
    return joined && kept->fd >= 0;
}

/* How many hear that scaffoldd has gone. */
static int hear(struct pollfd *kept, int count)
{
    int heard = 0;
    printf("kept\n");
    fflush(stdout);
    for (int i = 0; i < count; i++)
        heard += poll(&kept[i], 1, LOST_MS) == 1 && (kept[i].revents & POLLHUP);
    return heard;
}

/* --- handlers --------------------------------------------------------------------------------- */

/* Whichever thread it comes to, in the middle of whatever that does. */
static void on_alarm(int unused)
{
    int kept = errno;
    (void)unused;
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0)
        _exit(0);
    while (waitpid(child, NULL, 0) < 0)
        check(errno == EINTR, "waitpid");
    errno = kept;
}

/* Another one that connects, and is interrupted. */
static void *connect_on(void *unused)
{
    while (!done) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
        close(fd);
    }
    return unused;
}

/* Once in a round, each time at another moment of it. */
static void set_alarm(void)
{
    const struct itimerval soon = {.it_value = {0, 1 + round_now % 40 * 10}};
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
}

/* --- all together ------------------------------------------------------------------------------*/

/* The server's process, which tells through the descriptor that is returned. */
static int start_server(const char *how)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), tell[2];
    socklen_t len = sizeof address;
    check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(listen(listener, 64) == 0, "listen");
    check(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    check(pipe(tell) == 0, "pipe");
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, how, tell[1]);
    }
    close(listener);
    close(tell[1]);
    return tell[0];
}

/* A port that is free. */
static void choose_port(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof address;
    check(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    close(fd);
}

int main(int argc, char **argv)
{
    const char *how = argv[1];
    int rounds = argc > 2 ? atoi(argv[2]) : 0, seen = 0, made = 0, told = -1;
    struct pollfd *kept = calloc((size_t)rounds + 1, sizeof *kept);
    pthread_t forker;
    if (strcmp(how, "live") == 0) {
        live_with(argv[2]);
        return 0;
    }
    snprintf(parent, sizeof parent, "%d", getpid());
    check(readlink("/proc/self/exe", self, sizeof self - 1) > 0, "readlink");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (*how == 'b' || *how == 'k')
        choose_port();
    else
        told = start_server(how);
    if (*how != 'h') {
        number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        close(number);
    }
    check(pthread_create(&forker, NULL, *how == 'h' ? connect_on : fork_on, &made) == 0, "thread");
    for (; round_now < rounds; round_now++) {
        if (*how == 'h')
            set_alarm();
        seen += *how == 'b'   ? bind_one()
                : *how == 'k' ? keep_one(&kept[round_now])
                              : connect_one(how, told);
    }
    if (*how == 'k')
        seen = hear(kept, rounds);
    done = 1;
    signal(SIGALRM, SIG_IGN);
    pthread_join(forker, NULL);
    printf("%d of %d seen\n", seen, rounds);
    fprintf(stderr, "%d children\n", made);
    return seen != rounds;
}
