/* An epoll registration and a duplicate made before connect: early ADDRESS PORT. Static, so that
 * only the trap reaches it. Prints what epoll said after the connect, and what the duplicate read.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char answer[64] = "";
    if (argc != 3)
        return 2;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &to.sin_addr);
    int set = epoll_create1(0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int other = dup(fd);
    struct epoll_event e = {.events = EPOLLOUT | EPOLLET, .data.u64 = 77}, got = {0};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) < 0)
        return 1;
    epoll_wait(set, &got, 1, 0); /* a socket that is not connected reports EPOLLHUP */
    connect(fd, (struct sockaddr *)&to, sizeof to);
    int n = epoll_wait(set, &got, 1, 10000);
    int error = -1;
    socklen_t len = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (write(other, "GET / HTTP/1.0\r\n\r\n", 18) != 18)
        return 1;
    e.events = EPOLLIN;
    int mod = epoll_ctl(set, EPOLL_CTL_MOD, fd, &e);
    epoll_wait(set, &got, 1, 10000);
    if (read(other, answer, 8) < 0)
        return 1;
    printf("%d %llu %d %d %s\n", n, (unsigned long long)got.data.u64, error, mod, answer);
    return 0;
}
