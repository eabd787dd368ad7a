/* What libc promises about socket calls beyond their results, on loopback sockets: `safety WHAT`.
 *
 *   allocation    the data calls do not allocate
 *   cancellation  a blocked call ends with its thread
 *   signals       a handler may make socket calls whatever it interrupts
 *   threads       many at once
 *   fork          in the middle of other threads' calls
 *
 * Prints "ok", or the line that was not. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno);                       \
            fflush(stdout);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* --- allocations, counted --------------------------------------------------------------------- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static unsigned long allocations;

void *malloc(size_t n)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_realloc(p, n);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static struct sockaddr_in local(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    CHECK(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    return a;
}

static int bound(int type)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0);
    CHECK(type != SOCK_STREAM || listen(fd, 512) == 0);
    return fd;
}

static int connected(const struct sockaddr_in *to, int type)
{
    int fd = socket(AF_INET, type, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (const struct sockaddr *)to, sizeof *to) == 0);
    return fd;
}

static void *echo_one(void *arg)
{
    char buf[4096];
    int fd = (int)(long)arg;
    for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;)
        CHECK(send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n);
    close(fd);
    return NULL;
}

static void *echo_all(void *arg)
{
    int listener = (int)(long)arg;
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        CHECK(fd >= 0);
        CHECK(pthread_create(&thread, NULL, echo_one, (void *)(long)fd) == 0);
        pthread_detach(thread);
    }
    return NULL;
}

static struct sockaddr_in serve(void)
{
    pthread_t thread;
    int listener = bound(SOCK_STREAM);
    CHECK(pthread_create(&thread, NULL, echo_all, (void *)(long)listener) == 0);
    pthread_detach(thread);
    return local(listener);
}

static void exchange(int fd, const char *text)
{
    char buf[64];
    size_t n = strlen(text);
    CHECK(send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n);
    CHECK(recv(fd, buf, n, MSG_WAITALL) == (ssize_t)n && memcmp(buf, text, n) == 0);
}

/* --- no allocation ---------------------------------------------------------------------------- */

static void move_data(int a, int b, const struct sockaddr_in *to_b)
{
    char buf[64] = "data";
    struct iovec piece = {buf, 4};
    struct sockaddr_in from;
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
    socklen_t len = sizeof from;
    CHECK(send(a, buf, 4, 0) == 4 && recv(b, buf, 4, 0) == 4);
    CHECK(write(a, buf, 4) == 4 && read(b, buf, 4) == 4);
    CHECK(writev(a, &piece, 1) == 4 && readv(b, &piece, 1) == 4);
    CHECK(sendmsg(a, &msg, 0) == 4 && recvmsg(b, &msg, 0) == 4);
    CHECK(sendto(a, buf, 4, 0, (const struct sockaddr *)to_b, to_b ? sizeof *to_b : 0) == 4);
    CHECK(recvfrom(b, buf, 4, 0, (struct sockaddr *)&from, &len) == 4);
    CHECK(recv(b, buf, 4, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

static void allocation(void)
{
    int listener = bound(SOCK_STREAM), server = bound(SOCK_DGRAM);
    struct sockaddr_in to = local(listener), udp = local(server);
    int client = connected(&to, SOCK_STREAM), datagrams = connected(&udp, SOCK_DGRAM);
    int accepted = accept(listener, NULL, NULL);
    CHECK(accepted >= 0);
    for (int round = 0; round < 2; round++) { /* the first binds what is bound late */
        unsigned long before = allocations;
        for (int i = 0; i < 50; i++) {
            move_data(client, accepted, NULL);
            move_data(datagrams, server, &udp);
        }
        CHECK(round == 0 || allocations == before);
    }
}

/* --- cancellation ----------------------------------------------------------------------------- */

static struct sockaddr_in target;
static int blocked;

static void *block_in_recv(void *unused)
{
    char byte;
    (void)unused;
    recv(blocked, &byte, 1, 0);
    return NULL;
}

static void *block_in_recvfrom(void *unused)
{
    char byte;
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    (void)unused;
    recvfrom(blocked, &byte, 1, 0, (struct sockaddr *)&from, &len);
    return NULL;
}

static void *block_in_read(void *unused)
{
    char byte;
    (void)unused;
    return (void *)(read(blocked, &byte, 1) - 1);
}

static void *block_in_accept(void *unused)
{
    (void)unused;
    accept(blocked, NULL, NULL);
    return NULL;
}

static void *block_in_send(void *unused)
{
    static char many[1 << 20];
    (void)unused;
    while (send(blocked, many, sizeof many, MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}

static bool is_asleep(pid_t tid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(text, sizeof text, file));
    fclose(file);
    return strstr(text, ") S ") != NULL;
}

static pid_t runner;

static void *note_and_run(void *body)
{
    __atomic_store_n(&runner, gettid(), __ATOMIC_RELEASE);
    return ((void *(*)(void *))body)(NULL);
}

static void cancel_one(void *(*body)(void *), int fd)
{
    pthread_t thread;
    void *result;
    blocked = fd;
    runner = 0;
    CHECK(pthread_create(&thread, NULL, note_and_run, (void *)body) == 0);
    for (pid_t tid; (tid = __atomic_load_n(&runner, __ATOMIC_ACQUIRE)) == 0 || !is_asleep(tid);)
        poll(NULL, 0, 1);
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
}

static void cancellation(void)
{
    int listener = bound(SOCK_STREAM), datagrams = bound(SOCK_DGRAM);
    target = local(listener);
    cancel_one(block_in_accept, listener);
    int client = connected(&target, SOCK_STREAM), server = accept(listener, NULL, NULL);
    CHECK(server >= 0);
    cancel_one(block_in_recv, client);
    cancel_one(block_in_read, client);
    cancel_one(block_in_recv, datagrams);
    cancel_one(block_in_recvfrom, datagrams);
    cancel_one(block_in_read, datagrams);
    cancel_one(block_in_send, client);
    close(connected(&target, SOCK_STREAM)); /* nothing was left locked */
}

/* --- signals ---------------------------------------------------------------------------------- */

static int from_handler, to_handler;
static volatile sig_atomic_t handled;

static void on_signal(int unused)
{
    char byte = 'h';
    int kept = errno;
    struct sockaddr_in name;
    socklen_t len = sizeof name;
    (void)unused;
    CHECK(send(from_handler, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1);
    CHECK(recv(to_handler, &byte, 1, 0) == 1 && byte == 'h');
    CHECK(getpeername(from_handler, (struct sockaddr *)&name, &len) == 0);
    errno = kept;
    handled++;
}

static void signals(void)
{
    struct sockaddr_in to = serve();
    int listener = bound(SOCK_STREAM);
    struct sockaddr_in own = local(listener);
    from_handler = connected(&own, SOCK_STREAM);
    to_handler = accept(listener, NULL, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 200 || handled < 50; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int r = connect(fd, (struct sockaddr *)&to, sizeof to);
        if (r < 0 && errno == EINTR) { /* it goes on: signal(7) */
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            while (poll(&p, 1, 10000) < 0)
                CHECK(errno == EINTR);
            r = 0;
        }
        CHECK(r == 0);
        exchange(fd, "between signals");
        close(fd);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

/* --- threads and fork ------------------------------------------------------------------------- */

static void *connect_often(void *arg)
{
    for (int i = 0; i < (int)(long)arg; i++) {
        int fd = connected(&target, SOCK_STREAM);
        exchange(fd, "one of many");
        close(fd);
    }
    return NULL;
}

static void start_many(pthread_t *threads, int count, long each)
{
    target = serve();
    for (int i = 0; i < count; i++)
        CHECK(pthread_create(&threads[i], NULL, connect_often, (void *)each) == 0);
}

static void join_many(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void many_threads(void)
{
    pthread_t threads[8];
    start_many(threads, 8, 100);
    join_many(threads, 8);
}

static void forks(void)
{
    pthread_t threads[4];
    start_many(threads, 4, 150);
    for (int i = 0; i < 30; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            connect_often((void *)1);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    }
    join_many(threads, 4);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*body)(void);
    } all[] = {{"allocation", allocation},
               {"cancellation", cancellation},
               {"signals", signals},
               {"threads", many_threads},
               {"fork", forks}};
    for (size_t i = 0; argc == 2 && i < sizeof all / sizeof *all; i++)
        if (strcmp(argv[1], all[i].name) == 0) {
            all[i].body();
            puts("ok");
            fflush(stdout);
            _exit(0);
        }
    return 2;
}
