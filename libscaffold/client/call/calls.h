/* The calls of the program on descriptors, in the form in which libscaffold and the shim export
 * them.
 *
 * No call here allocates or takes a lock; all of them leave plain sockets to libc. Each returns
 * what its libc namesake returns, with errno as that sets it. */
#ifndef SC_CLIENT_CALL_CALLS_H
#define SC_CLIENT_CALL_CALLS_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

int sc_socket(int domain, int type, int protocol);
int sc_socketpair(int domain, int type, int protocol, int pair[2]);
int sc_pidfd_getfd(int pidfd, int target, unsigned flags);
int sc_connect(int fd, const struct sockaddr *addr, socklen_t len);
int sc_bind(int fd, const struct sockaddr *addr, socklen_t len);
int sc_listen(int fd, int backlog);
int sc_accept(int fd, struct sockaddr *addr, socklen_t *len);
int sc_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int sc_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int sc_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int sc_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int sc_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int sc_shutdown(int fd, int how);
int sc_close(int fd);
int sc_close_range(unsigned first, unsigned last, int flags);
void sc_closefrom(int first);
int sc_dup(int fd);
int sc_dup2(int fd, int to);
int sc_dup3(int fd, int to, int flags);
int sc_fcntl(int fd, int cmd, void *arg);
int sc_ioctl(int fd, unsigned long request, void *arg);
ssize_t sc_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
                  socklen_t len);
ssize_t sc_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t sc_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len);
ssize_t sc_recvmsg(int fd, struct msghdr *msg, int flags);

/* What TCP says where libc's own send or recv of a stream failed with `error`; 0: recv is at its
 * end, and what was sent is lost, of which TCP says nothing yet. */
int sc_send_error(int fd, int error);
int sc_recv_error(int fd, int error);

int sc_sendmmsg(int fd, struct mmsghdr *list, unsigned count, int flags);
int sc_recvmmsg(int fd, struct mmsghdr *list, unsigned count, int flags, struct timespec *timeout);

/* Of datagram sockets; for every other descriptor, one load and libc's call. */
ssize_t sc_read(int fd, void *buf, size_t n);
ssize_t sc_readv(int fd, const struct iovec *iov, int count);
ssize_t sc_write(int fd, const void *buf, size_t n);
ssize_t sc_writev(int fd, const struct iovec *iov, int count);
ssize_t sc_sendfile(int out, int in, off_t *offset, size_t n);

#endif
