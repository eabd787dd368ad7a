/* A number that a plain socket had before stands for a service's listener, by calls that nobody
 * serves: libc's own dup in a program that is linked with libscaffold (LINKED), stdio and
 * pidfd_getfd under the shim. Prints the family of the peer that accept tells, before and after. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef LINKED
#include <scaffold/scaffold.h>
#define accept scaffold_accept
#define bind scaffold_bind
#define connect scaffold_connect
#define getsockname scaffold_getsockname
#define listen scaffold_listen
#define socket scaffold_socket
#endif

static struct sockaddr_in here;

static int family_of_next(int listener)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&here, sizeof here) < 0)
        return -1;
    if (accept(listener, (struct sockaddr *)&peer, &len) < 0)
        return -2;
    return peer.ss_family;
}

static int again(int listener)
{
    int plain = socket(AF_INET, SOCK_STREAM, 0);
#ifdef LINKED
    scaffold_close(plain);
    int copy = dup(listener);
#else
    long self = syscall(SYS_pidfd_open, getpid(), 0);
    fclose(fdopen(plain, "r"));
    int copy = (int)syscall(SYS_pidfd_getfd, self, listener, 0);
#endif
    return copy == plain ? copy : -1;
}

int main(void)
{
    socklen_t len = sizeof here;
    here = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&here, len);
    getsockname(listener, (struct sockaddr *)&here, &len);
    listen(listener, 5);
    printf("%d ", family_of_next(listener));
    printf("%d\n", family_of_next(again(listener)));
    return 0;
}
