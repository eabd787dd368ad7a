/* Calls that fail, one for each two arguments; prints errno's name, or getaddrinfo's code, and what
 * scaffold_strerror says. See test_errors.py. */
#include <scaffold/scaffold.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void tell(int result)
{
    int error = errno;
    if (result >= 0)
        puts("ok");
    else
        printf("%s: %s\n", strerrorname_np(error), scaffold_strerror(error));
}

static int parse(const char *text)
{
    struct sockaddr_scaffold to;
    return scaffold_service_parse(text, &to);
}

/* A socket of `type` that calls `call` with the service's address. */
static int with(int type, const char *text, int (*call)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_scaffold to;
    int fd = scaffold_socket(AF_SCAFFOLD, type, 0);
    if (scaffold_service_parse(text, &to) < 0)
        return -1;
    return call(fd, (struct sockaddr *)&to, sizeof to) < 0 ? -1 : fd;
}

/* A connect whose outcome SO_ERROR tells, within a second where nobody answers. */
static int in_background(const char *text)
{
    struct sockaddr_scaffold to;
    int fd = scaffold_socket(AF_SCAFFOLD, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int error = 0, patience = 1000;
    socklen_t len = sizeof error;
    scaffold_setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
    if (scaffold_service_parse(text, &to) < 0 ||
        (scaffold_connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS))
        return -1;
    poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    scaffold_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    errno = error;
    return error ? -1 : 0;
}

/* Port 1 of loopback, where nobody listens, on plain IP. */
static int plain(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = scaffold_socket(AF_INET, SOCK_STREAM, 0);
    return scaffold_connect(fd, (struct sockaddr *)&to, sizeof to);
}

static int serve(const char *text)
{
    int fd = with(SOCK_STREAM, text, scaffold_bind);
    return fd < 0 ? -1 : scaffold_listen(fd, 5);
}

static int format(size_t room, int family)
{
    struct sockaddr_scaffold a = {.sc_family = (sa_family_t)family};
    char text[SCAFFOLD_SERVICE_STRLEN];
    return scaffold_service_format(&a, text, room);
}

/* No descriptor is left from now on. */
static void no_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)dup(0);
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void resolve(const char *name)
{
    struct addrinfo *list;
    int err = scaffold_getaddrinfo(name, "80", NULL, &list);
    if (err)
        printf("EAI %d: %s\n", err, scaffold_strerror(err));
    else
        puts("ok");
}

static void one(const char *call, const char *text)
{
    if (strcmp(call, "parse") == 0)
        tell(parse(text));
    else if (strcmp(call, "resolve") == 0)
        resolve(text);
    else if (strcmp(call, "connect") == 0)
        tell(with(SOCK_STREAM, text, scaffold_connect));
    else if (strcmp(call, "background") == 0)
        tell(in_background(text));
    else if (strcmp(call, "bind") == 0)
        tell(with(SOCK_STREAM, text, scaffold_bind));
    else if (strcmp(call, "bind-datagram") == 0)
        tell(with(SOCK_DGRAM, text, scaffold_bind));
    else if (strcmp(call, "serve") == 0)
        tell(serve(text));
    else if (strcmp(call, "plain") == 0)
        tell(plain());
    else if (strcmp(call, "raw") == 0)
        tell(scaffold_socket(AF_SCAFFOLD, SOCK_RAW, 0));
    else if (strcmp(call, "sctp") == 0)
        tell(scaffold_socket(AF_SCAFFOLD, SOCK_STREAM, IPPROTO_SCTP));
    else if (strcmp(call, "listen") == 0)
        tell(scaffold_listen(scaffold_socket(AF_SCAFFOLD, SOCK_STREAM, 0), 5));
    else if (strcmp(call, "format") == 0)
        tell(format((size_t)atoi(text), AF_SCAFFOLD));
    else if (strcmp(call, "format-ip") == 0)
        tell(format(SCAFFOLD_SERVICE_STRLEN, AF_INET));
    else if (strcmp(call, "descriptors") == 0)
        no_descriptors();
    else
        printf("%s?\n", call);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2)
        one(argv[i], argv[i + 1]);
    return 0;
}
