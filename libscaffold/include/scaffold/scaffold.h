/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libscaffold: bind to a service and connect to a service, on ordinary descriptors.
 *
 * A descriptor made here is a kernel descriptor: poll, select, epoll, dup, fork and close are
 * libc's own, and so are read, write, send, recv and sendfile on streams; the data of datagram
 * sockets goes through the calls below. The others are those that name somebody: they accept
 * service addresses (struct sockaddr_scaffold, or the pool addresses that stand for services in
 * AF_INET and AF_INET6) and plain IP alike; for plain IP they behave exactly as libc does, so that
 * one code path serves both.
 *
 * Unless said otherwise each call returns what its libc namesake returns, sets errno as it does,
 * keeps no reference to its arguments, and may be called from any thread. "Signal-safe" means
 * async-signal-safe as in signal-safety(7). connect and accept4 are cancellation points.
 */
#ifndef SCAFFOLD_H
#define SCAFFOLD_H

#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct iovec;
struct mmsghdr;
struct timespec;

#ifdef __cplusplus
extern "C" {
#endif

/** Address family of struct sockaddr_scaffold; outside the range that Linux uses. */
#define AF_SCAFFOLD 0x5343
#define PF_SCAFFOLD AF_SCAFFOLD

/** Room that scaffold_service_format needs at most, with the final zero. */
#define SCAFFOLD_SERVICE_STRLEN 288

/** Room that scaffold_inet_ntop needs at most, with the final zero. */
#define SCAFFOLD_ADDRSTRLEN 256

/**
 * A service, 256 bits: 16 provider, 8 label, 4 partition, 2 port, 1 IP protocol, 1 version; each in
 * network byte order. Port and protocol 0 name all ports of the service.
 */
struct scaffold_service_id {
    uint8_t bytes[32];
};

/** Address of a service; fits in struct sockaddr_storage. */
struct sockaddr_scaffold {
    sa_family_t sc_family; /**< AF_SCAFFOLD */
    uint16_t sc_flags;     /**< 0; reserved */
    uint32_t sc_reserved;  /**< 0 */
    struct scaffold_service_id sc_service;
};

/**
 * Makes a socket. domain AF_SCAFFOLD with SOCK_STREAM or SOCK_DGRAM (and SOCK_NONBLOCK,
 * SOCK_CLOEXEC) makes one that can be bound or connected to services; other domains are passed to
 * socket(2).
 * Errors: EPROTONOSUPPORT for AF_SCAFFOLD with a protocol other than 0 and the type's (IPPROTO_TCP,
 * IPPROTO_UDP); ESOCKTNOSUPPORT for AF_SCAFFOLD with another type. Signal-safe.
 */
int scaffold_socket(int domain, int type, int protocol);

/**
 * Binds a socket to a service: reserves the service's name and port on this host. A datagram socket
 * is an instance of its service from now on. The descriptor's number stays the same; the socket
 * behind it is replaced, its options and epoll registrations carried over. A service without a port
 * gets one. Addresses that are not services are passed to bind(2).
 * Errors: EADDRINUSE when the service is bound on this host and not both sockets set SO_REUSEPORT;
 * EACCES when scaffoldd does not allow this user; ENETDOWN when no scaffoldd answers (one line on
 * stderr, once per process); ENOBUFS when no descriptor is left; EINVAL when already bound.
 */
int scaffold_bind(int fd, const struct sockaddr *addr, socklen_t len);

/**
 * Makes a bound socket an instance of its service, registered before this returns. The
 * registration ends when the last descriptor of the socket is closed. The backlog is enforced by
 * scaffoldd. Errors: EADDRINUSE, ENETDOWN as scaffold_bind; otherwise as listen(2).
 */
int scaffold_listen(int fd, int backlog);

/**
 * Accepts a flow; as accept4(2). *len is the room on entry and the true length on return; nothing
 * is written beyond the room. The peer's address has the shape of the listening socket's family.
 * A connection that scaffoldd did not make is closed, counted and not returned.
 */
int scaffold_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int scaffold_accept(int fd, struct sockaddr *addr, socklen_t *len);

/**
 * Connects a stream socket to some instance of a service. Blocking sockets return once an instance
 * has answered; non-blocking ones fail with EINPROGRESS and become writable when the flow is open
 * or has failed, SO_ERROR (scaffold_getsockopt) tells which. A datagram socket is connected at
 * once: its datagrams go to the service, each to some instance, and only the service's are
 * received. Errors: ECONNREFUSED no instance, or every instance refused; ETIMEDOUT none answered;
 * ENETUNREACH no router or route; EACCES not allowed; ENETDOWN no scaffoldd; ENOBUFS no descriptor
 * left (the socket is as before); EISCONN, EALREADY, EINTR as connect(2).
 */
int scaffold_connect(int fd, const struct sockaddr *addr, socklen_t len);

/**
 * Data. On streams as send(2), recv(2), read(2) and write(2), with the errno that TCP would have
 * given. On datagram sockets as for udp(7): each datagram to a service is bound to an instance when
 * it is sent, and an answer to the address that recvfrom gave reaches the very socket that asked.
 * At most 65,507 bytes (EMSGSIZE); ECONNREFUSED on a connected socket when no instance is there.
 * Signal-safe, no allocation, no lock; cancellation points as their namesakes.
 */
ssize_t scaffold_send(int fd, const void *buf, size_t n, int flags);
ssize_t scaffold_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
                        socklen_t len);
ssize_t scaffold_sendmsg(int fd, const struct msghdr *msg, int flags);
int scaffold_sendmmsg(int fd, struct mmsghdr *list, unsigned count, int flags);
ssize_t scaffold_recv(int fd, void *buf, size_t n, int flags);
ssize_t scaffold_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                          socklen_t *len);
ssize_t scaffold_recvmsg(int fd, struct msghdr *msg, int flags);
int scaffold_recvmmsg(int fd, struct mmsghdr *list, unsigned count, int flags,
                      struct timespec *timeout);
ssize_t scaffold_read(int fd, void *buf, size_t n);
ssize_t scaffold_readv(int fd, const struct iovec *iov, int count);
ssize_t scaffold_write(int fd, const void *buf, size_t n);
ssize_t scaffold_writev(int fd, const struct iovec *iov, int count);

/**
 * As close(2). libc's closes as well; this one also tells scaffoldd at once that a listener is
 * gone, and forgets what is remembered about the number, which a program that goes on to use it for
 * a socket of libc's own must want.
 */
int scaffold_close(int fd);

/** As shutdown(2); after a reset it fails with ENOTCONN, as TCP's does. */
int scaffold_shutdown(int fd, int how);

/**
 * Own and peer address in the shape of the socket's family. Never writes past *len; sets *len to
 * the true length. getpeername fails with ENOTCONN until the flow is open. A datagram socket that
 * was made elsewhere and came as a descriptor is known here from its first scaffold_getsockname on.
 * Signal-safe.
 */
int scaffold_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int scaffold_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/**
 * Options of service sockets at the levels SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP and IPPROTO_IPV6.
 * Those with a meaning on a flow take effect; benign ones are remembered and reported back; those
 * that must not be faked (TCP_ULP, TCP_MD5SIG, SO_BINDTODEVICE ...) fail with ENOPROTOOPT or
 * EOPNOTSUPP as the kernel says "not supported". SO_ERROR is the errno of a failed connect, once.
 */
int scaffold_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int scaffold_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

/**
 * As getaddrinfo(3). Names under .scaffold succeed for every well-formed name while scaffoldd
 * answers; binding to an instance happens at connect. With hints->ai_family AF_SCAFFOLD the list
 * holds struct sockaddr_scaffold, otherwise pool addresses (AF_UNSPEC: AF_INET only).
 * EAI_NONAME malformed; EAI_AGAIN no scaffoldd; EAI_MEMORY pool exhausted. Other names are libc's.
 * The list is freed by scaffold_freeaddrinfo or freeaddrinfo. Not signal-safe.
 */
int scaffold_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                         struct addrinfo **res);
void scaffold_freeaddrinfo(struct addrinfo *res);

/**
 * As getnameinfo(3): an address of the pool gives the name of its service or host; without one that
 * scaffoldd knows, EAI_NONAME under NI_NAMEREQD, else the number.
 */
int scaffold_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
                         char *service, socklen_t service_len, int flags);

/**
 * As their namesakes, inet_pton(3) and inet_aton(3), and a service's name is an address as well:
 * that of the pool which stands for the service. A program's option that takes an address takes a
 * name. What scaffold_inet_ntop has shown is read back, behind a prefix such as "::ffff:" as well.
 */
int scaffold_inet_pton(int family, const char *text, void *ip);
int scaffold_inet_aton(const char *text, struct in_addr *ip);
in_addr_t scaffold_inet_addr(const char *text);

/**
 * As their namesakes, inet_ntop(3) and inet_ntoa(3): an address of the pool is shown by the name of
 * its service or host where that fits into `size` bytes (SCAFFOLD_ADDRSTRLEN always suffices), else
 * by its number. scaffold_inet_ntoa's text is valid until the thread's next call.
 */
const char *scaffold_inet_ntop(int family, const void *ip, char *text, socklen_t size);
char *scaffold_inet_ntoa(struct in_addr ip);

/** As their namesakes, gethostbyname(3), for names under .scaffold and addresses of the pool. */
struct hostent *scaffold_gethostbyname(const char *name);
struct hostent *scaffold_gethostbyname2(const char *name, int family);
struct hostent *scaffold_gethostbyaddr(const void *addr, socklen_t len, int family);
int scaffold_gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t size,
                             struct hostent **result, int *error);
int scaffold_gethostbyname2_r(const char *name, int family, struct hostent *ret, char *buf,
                              size_t size, struct hostent **result, int *error);
int scaffold_gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *ret,
                             char *buf, size_t size, struct hostent **result, int *error);

/**
 * Parses `label.provider.scaffold[:port[/proto]]` into *addr; scaffoldd supplies the keys of
 * providers. Returns 0, or -1 with errno EINVAL (malformed), ENETDOWN (no scaffoldd), ENETUNREACH
 * (the service router does not answer), ENOMEM or ENOBUFS (no address or no descriptor is left);
 * scaffold_strerror says what is wrong.
 */
int scaffold_service_parse(const char *text, struct sockaddr_scaffold *addr);

/**
 * Writes the service's name with port and protocol, or `id:` and 64 hex digits when scaffoldd does
 * not know it, into buf of `size` bytes. Returns the length without the final zero, or -1 with
 * errno ENOSPC (SCAFFOLD_SERVICE_STRLEN always suffices) or EINVAL.
 */
int scaffold_service_format(const struct sockaddr_scaffold *addr, char *buf, size_t size);

/**
 * One line for the last failure of a libscaffold call in this thread: what failed and what to do
 * next; for an errno that libscaffold did not set, strerror's text. Takes the codes of
 * scaffold_getaddrinfo, too. Valid until the thread's next call.
 */
const char *scaffold_strerror(int error);

/** Version of the library, "major.minor.patch". Signal-safe. */
const char *scaffold_version(void);

#ifdef __cplusplus
}
#endif

#endif
