/* What redirect.h points libc's names at, beyond the public API. */
#include <stdarg.h>

#include "client/client.h"
#include "client/real.h"

#define EXPORT(type, name, params, call)                                                           \
    __attribute__((visibility("default"))) type scaffold_##name params;                            \
    type scaffold_##name params                                                                    \
    {                                                                                              \
        return call;                                                                               \
    }

EXPORT(int, accept, (int fd, struct sockaddr *addr, socklen_t *len), sc_accept4(fd, addr, len, 0))
EXPORT(int, close, (int fd), sc_close(fd))
EXPORT(int, dup, (int fd), sc_dup(fd))
EXPORT(int, dup2, (int fd, int to), sc_dup2(fd, to))
EXPORT(int, dup3, (int fd, int to, int flags), sc_dup3(fd, to, flags))
EXPORT(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event),
       sc_epoll_ctl(epfd, op, fd, event))
EXPORT(ssize_t, send, (int fd, const void *buf, size_t n, int flags),
       sc_sendto(fd, buf, n, flags, NULL, 0))
EXPORT(ssize_t, sendto,
       (int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len),
       sc_sendto(fd, buf, n, flags, to, len))
EXPORT(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), sc_sendmsg(fd, msg, flags))
EXPORT(ssize_t, recv, (int fd, void *buf, size_t n, int flags),
       sc_recvfrom(fd, buf, n, flags, NULL, NULL))
EXPORT(ssize_t, recvfrom,
       (int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len),
       sc_recvfrom(fd, buf, n, flags, from, len))
EXPORT(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), sc_recvmsg(fd, msg, flags))
EXPORT(int, getnameinfo,
       (const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len, char *service,
        socklen_t service_len, int flags),
       sc_getnameinfo(addr, len, host, host_len, service, service_len, flags))
EXPORT(struct hostent *, gethostbyname, (const char *name), sc_gethostbyname(name))
EXPORT(struct hostent *, gethostbyname2, (const char *name, int family),
       sc_gethostbyname2(name, family))
EXPORT(struct hostent *, gethostbyaddr, (const void *addr, socklen_t len, int family),
       sc_gethostbyaddr(addr, len, family))
EXPORT(int, gethostbyname_r,
       (const char *name, struct hostent *ret, char *buf, size_t size, struct hostent **result,
        int *error),
       sc_gethostbyname_r(name, ret, buf, size, result, error))

/* FORTIFY's names for recv and recvfrom, where the compiler knows the size of the buffer. */
_Noreturn void __chk_fail(void); /* libc's */

EXPORT(ssize_t, recv_chk, (int fd, void *buf, size_t n, size_t room, int flags),
       (n > room ? (__chk_fail(), 0) : 0, sc_recvfrom(fd, buf, n, flags, NULL, NULL)))
EXPORT(ssize_t, recvfrom_chk,
       (int fd, void *buf, size_t n, size_t room, int flags, struct sockaddr *from, socklen_t *len),
       (n > room ? (__chk_fail(), 0) : 0, sc_recvfrom(fd, buf, n, flags, from, len)))

__attribute__((visibility("default"))) int scaffold_fcntl(int fd, int cmd, ...);
int scaffold_fcntl(int fd, int cmd, ...)
{
    va_list args;
    va_start(args, cmd);
    void *arg = va_arg(args, void *);
    va_end(args);
    return sc_fcntl(fd, cmd, arg);
}

__attribute__((visibility("default"))) int scaffold_ioctl(int fd, unsigned long request, ...);
int scaffold_ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    return sc_ioctl(fd, request, arg);
}
