/* Addresses from text and back, as a ported program has them: argv are texts, IPv4's way and then
 * IPv6's. One line each: what was read, what is shown, and what fits into libc's own room. */
#include <arpa/inet.h>
#include <stdio.h>

#include <scaffold/scaffold.h>

static void show(int family, const char *text)
{
    unsigned char ip[16];
    char number[INET6_ADDRSTRLEN], name[SCAFFOLD_ADDRSTRLEN], small[INET_ADDRSTRLEN];
    if (scaffold_inet_pton(family, text, ip) != 1) {
        puts("no address");
        return;
    }
    inet_ntop(family, ip, number, sizeof number);
    scaffold_inet_ntop(family, ip, name, sizeof name);
    const char *fits = scaffold_inet_ntop(family, ip, small, sizeof small);
    printf("%s %s %s\n", number, name, fits ? fits : "ENOSPC");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct in_addr ip = {0};
        show(AF_INET, argv[i]);
        show(AF_INET6, argv[i]);
        int read = scaffold_inet_aton(argv[i], &ip);
        printf("%d %s %d\n", read, scaffold_inet_ntoa(ip),
               scaffold_inet_addr(argv[i]) == (read ? ip.s_addr : INADDR_NONE));
    }
    return 0;
}
