/* A small program of its own: `greet serve PORT`, or `greet ask HOST PORT`. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_socket(const char *host, const char *port, int serves)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
    hints.ai_flags = serves ? AI_PASSIVE : 0;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    int fd = socket(list->ai_family, list->ai_socktype, list->ai_protocol);
    int r = serves ? bind(fd, list->ai_addr, list->ai_addrlen)
                   : connect(fd, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return r < 0 ? -1 : fd;
}

/* `ask` wants a name: whoever gives a number is told so. */
static int is_number(const char *host)
{
    struct in_addr address;
    return inet_pton(AF_INET, host, &address) == 1;
}

/* Nobody looks whether it could be set; it is as TCP would have it. */
static int is_shaped(int fd)
{
    int on = 1, type = 0;
    socklen_t len = sizeof on;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    on = 0;
    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return on == 1 && type == SOCK_STREAM && shutdown(fd, SHUT_WR) == 0;
}

int main(int argc, char **argv)
{
    char text[100];
    int serves = argc == 3 && strcmp(argv[1], "serve") == 0;
    int fd = open_socket(serves ? NULL : argv[2], argv[argc - 1], serves);
    if (fd < 0)
        return 1;
    if (!serves) {
        if (is_number(argv[2]))
            fputs("greet: this is a number\n", stderr);
        ssize_t n = is_shaped(fd) ? read(fd, text, sizeof text) : 0;
        return n > 0 && write(1, text, (size_t)n) == n ? 0 : 1;
    }
    listen(fd, 5);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        if (one < 0 || write(one, "hello\n", 6) != 6)
            return 1;
        close(one);
    }
}
