/* Epoll registrations of sockets, so that they survive the socket's replacement (A3). */
#ifndef SC_CLIENT_SOCKET_EPOLLS_H
#define SC_CLIENT_SOCKET_EPOLLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Registrations of one descriptor that a swap carries over: more is nothing that programs do. */
#define SC_REGISTRATIONS_MAX 16

struct sc_registration {
    int epfd;
    uint32_t events;
    uint64_t data;
};

struct sc_registrations {
    int fd;
    size_t count;
    struct sc_registration list[SC_REGISTRATIONS_MAX];
};

/* As epoll_ctl(2), and remembered. */
int sc_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/* Takes descriptor `fd` out of every epoll set of this process that it is in, and remembers with
 * which events and data. errno is kept. */
void sc_registrations_take(int fd, struct sc_registrations *r);

/* Puts it in again, whatever socket the number stands for now. errno is kept. */
void sc_registrations_put(const struct sc_registrations *r);

#endif
