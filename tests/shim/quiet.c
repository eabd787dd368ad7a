/* Uses sockets in every way that needs no service, and says nothing: its system calls are what is
 * looked at, from the first mark on. Nothing here allocates, and nothing waits but for what has
 * happened, so that two runs make the same calls. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK prctl(PR_GET_DUMPABLE)

static char text[64] = "hello";
static struct sockaddr_in any_port = {.sin_family = AF_INET};

static struct sockaddr *as(void *address)
{
    return address;
}

static int listener_of(int family, void *address, socklen_t *len)
{
    int s = socket(family, SOCK_STREAM, 0), on = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bind(s, as(address), *len);
    listen(s, 5);
    *len = sizeof(struct sockaddr_un);
    getsockname(s, as(address), len);
    return s;
}

/* --- passing --------------------------------------------------------------------------------- */

union rights {
    struct cmsghdr align;
    char room[CMSG_SPACE(3 * sizeof(int))];
};

static void pass(int over, const int *numbers, size_t count)
{
    union rights rights = {0};
    struct iovec piece = {text, 1};
    struct msghdr m = {.msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = rights.room,
                       .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(h), numbers, count * sizeof(int));
    sendmsg(over, &m, 0);
}

static void receive(int over, int *numbers, size_t count)
{
    union rights rights;
    struct iovec piece = {text, 1};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &piece,
                                    .msg_iovlen = 1,
                                    .msg_control = rights.room,
                                    .msg_controllen = sizeof rights.room}};
    if (count == 1)
        recvmmsg(over, &m, 1, 0, NULL);
    else
        recvmsg(over, &m.msg_hdr, 0);
    memcpy(numbers, CMSG_DATA(CMSG_FIRSTHDR(&m.msg_hdr)), count * sizeof(int));
}

/* What a program does with descriptors that were passed to it, but for asking what they are. */
static void use_passed(int a, int b)
{
    struct iovec piece = {text, 3};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
    int copy = dup(b);
    fcntl(b, F_SETFL, O_NONBLOCK);
    write(a, text, 3);
    read(b, text, 3);
    send(b, text, 3, 0);
    recv(a, text, 3, 0);
    sendmsg(a, &m, 0);
    recvmsg(copy, &m, 0);
    writev(a, &piece, 1);
    readv(copy, &piece, 1);
    shutdown(a, SHUT_WR);
    recv(b, text, 3, 0);
    close(a);
    send(b, text, 3, MSG_NOSIGNAL);
    send(b, text, 3, 0); /* SIGPIPE is ignored */
    recv(b, text, 3, MSG_DONTWAIT);
    close(b);
    dup2(STDIN_FILENO, copy);
    close(copy);
}

static void passing(int type)
{
    int over[2], pair[2], got[3];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, over);
    socketpair(AF_UNIX, type, 0, pair);
    pass(over[0], (int[]){pair[0], pair[1], over[0]}, 3);
    close(pair[0]);
    close(pair[1]);
    receive(over[1], got, 3);
    use_passed(got[0], got[1]);
    pass(over[0], &got[2], 1);
    close(got[2]);
    receive(over[1], got, 1);
    close_range((unsigned)over[0], (unsigned)over[1], 0);
    close(got[0]);
}

/* --- streams --------------------------------------------------------------------------------- */

static void ask(int s)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a, four = sizeof(int);
    int value = 1;
    getsockname(s, as(&a), &len);
    len = sizeof(struct sockaddr_in); /* less than an AF_UNIX name has */
    getsockname(s, as(&a), &len);
    len = sizeof a;
    getpeername(s, as(&a), &len);
    getsockopt(s, SOL_SOCKET, SO_ERROR, &value, &four);
    getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &four);
    getsockopt(s, SOL_SOCKET, SO_DOMAIN, &value, &four);
    getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &value, &four);
    getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, &four);
    value = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
    setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value);
    ioctl(s, FIONREAD, &value);
    ioctl(s, SIOCOUTQ, &value);
    ioctl(s, SIOCGIFADDR, &a);
    fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK);
}

static void talk(int c, int d)
{
    struct pollfd p = {.fd = d, .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0), file = open("/dev/zero", O_RDONLY);
    epoll_ctl(set, EPOLL_CTL_ADD, d, &event);
    write(c, text, 5);
    poll(&p, 1, -1);
    epoll_wait(set, &event, 1, -1);
    recv(d, text, 5, MSG_PEEK);
    recv(d, text, 5, MSG_TRUNC | MSG_DONTWAIT);
    recv(d, text, 5, MSG_DONTWAIT);
    recv(d, text, 5, MSG_ERRQUEUE | MSG_DONTWAIT);
    sendfile(c, file, NULL, 10);
    poll(&p, 1, -1);
    read(d, text, sizeof text);
    sendto(c, text, 1, 0, as(&any_port), sizeof any_port);
    close(file);
    close(set);
    close(c);
    poll(&p, 1, -1);
    read(d, text, 1);
    send(d, text, 1, 0); /* draws a reset */
    send(d, text, 1, 0); /* SIGPIPE is ignored */
    recv(d, text, 1, 0);
    close(d);
}

static void streams(int family, void *address, socklen_t len)
{
    int s = listener_of(family, address, &len), c = socket(family, SOCK_STREAM, 0);
    struct sockaddr_storage from;
    socklen_t room = sizeof from;
    connect(c, as(address), len);
    int d = accept(s, as(&from), &room);
    ask(s);
    ask(c);
    ask(d);
    accept4(s, NULL, NULL, SOCK_CLOEXEC); /* does not wait by now */
    talk(c, d);
    c = socket(family, SOCK_STREAM, 0);
    connect(c, as(address), len);
    d = accept(s, NULL, NULL);
    talk(d, c);
    shutdown(s, SHUT_RDWR);
    close(s);
    c = socket(family, SOCK_STREAM, 0);
    connect(c, as(address), len); /* refused */
    connect(c, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
    dup2(c, 100);
    closefrom(100);
    close(c);
}

/* Memory that is neither on the stack nor on the heap. */
static struct memory {
    struct sockaddr_storage addresses[2];
    socklen_t length;
} data;

static void accept_into(struct memory *m)
{
    socklen_t len = sizeof(struct sockaddr_in);
    m->addresses[0] = (struct sockaddr_storage){0};
    m->addresses[0].ss_family = AF_INET;
    int s = listener_of(AF_INET, &m->addresses[0], &len);
    for (int i = 0; i < 3; i++) {
        int c = socket(AF_INET, SOCK_STREAM, 0);
        connect(c, as(&m->addresses[0]), sizeof(struct sockaddr_in));
        m->length = sizeof m->addresses[1];
        close(accept(s, as(&m->addresses[1]), &m->length));
        close(c);
    }
    close(s);
}

/* --- datagrams ------------------------------------------------------------------------------- */

static void datagrams(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;
    int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bind(s, as(&to), sizeof to);
    getsockname(s, as(&to), &len);
    int again = socket(AF_INET, SOCK_DGRAM, 0);
    bind(again, as(&to), sizeof to); /* in use */
    close(again);
    struct iovec piece = {text, 5};
    struct msghdr m = {.msg_name = &to, .msg_namelen = len, .msg_iov = &piece, .msg_iovlen = 1};
    struct mmsghdr many[2] = {{.msg_hdr = m}, {.msg_hdr = m}};
    sendmmsg(c, many, 2, 0);
    sendto(c, text, 5, 0, as(&to), sizeof to);
    sendmsg(c, &m, 0);
    recvfrom(s, text, 5, 0, as(&to), &len);
    recvmsg(s, &m, MSG_TRUNC);
    recvmmsg(s, many, 2, MSG_DONTWAIT, NULL);
    connect(c, as(&to), sizeof to);
    send(c, text, 5, 0);
    connect(c, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
    ask(s);
    close(s);
    ask(c);
    close(c);
}

/* --- children -------------------------------------------------------------------------------- */

static void children(char **argv)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t child = fork();
    if (child == 0) {
        passing(SOCK_STREAM);
        close(s);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    child = vfork();
    if (child == 0) {
        dup2(s, unix_socket);
        close(s);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    child = vfork();
    if (child == 0) {
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    syscall(SYS_close, s);
    close(unix_socket);
}

int main(int argc, char **argv)
{
    struct sockaddr_in ip = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    MARK;
    signal(SIGPIPE, SIG_IGN);
    streams(AF_INET, &ip, sizeof ip);
    if (argc > 1)
        return 0; /* the child that was executed */
    streams(AF_INET6, &ip6, sizeof ip6);
    memcpy(name.sun_path, "\0a name that is none of ours, and long", 39);
    streams(AF_UNIX, &name, sizeof(sa_family_t) + 39);
    datagrams();
    accept_into(&data);
    accept_into(
        mmap(NULL, sizeof data, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    passing(SOCK_STREAM);
    passing(SOCK_SEQPACKET);
    passing(SOCK_DGRAM);
    children((char *[]){argv[0], "child", NULL});
    return 0;
}
