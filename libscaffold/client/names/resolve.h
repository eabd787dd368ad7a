/* getaddrinfo and its elders for names under .scaffold; all other names are libc's. They allocate
 * as libc's do. */
#ifndef SC_CLIENT_NAMES_RESOLVE_H
#define SC_CLIENT_NAMES_RESOLVE_H

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

int sc_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                   struct addrinfo **res);
int sc_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *notify);
int sc_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
                   char *service, socklen_t service_len, int flags);
struct hostent *sc_gethostbyname(const char *name);
struct hostent *sc_gethostbyname2(const char *name, int family);
struct hostent *sc_gethostbyaddr(const void *addr, socklen_t len, int family);
int sc_gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t size,
                       struct hostent **result, int *error);
int sc_gethostbyname2_r(const char *name, int family, struct hostent *ret, char *buf, size_t size,
                        struct hostent **result, int *error);
int sc_gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *ret, char *buf,
                       size_t size, struct hostent **result, int *error);

#endif
