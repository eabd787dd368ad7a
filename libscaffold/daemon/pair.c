#include "daemon/pair.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Real buffer of every end, twice this in effect: one unread byte may pin a sendfile page run of 64
 * KiB and more, which must stay below a quarter of the buffer (A1). Needs no privilege. */
#define BUFFER 212992

/* More than a quarter of the buffer in effect, where AF_UNIX stops being writable (A2): half of
 * BUFFER, and some. All of it fits with the kernel's overhead. */
#define PLUG_LEN (108 * 1024)

/* The same under the least buffer there is: more than a quarter of that. */
#define LIGHT_PLUG_LEN 1024

static const char zeros[PLUG_LEN];

static void resize(int end, int size)
{
    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

void sc_pair_enlarge(int end)
{
    resize(end, BUFFER);
}

bool sc_pair_refuse_rights(int own)
{
    int off = 0;
    return setsockopt(own, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off) == 0;
}

int sc_pair_make(struct sc_pair *p, int type, const struct sc_socket_name *name)
{
    struct sockaddr_un sun;
    socklen_t len = sc_socket_name_format(name, &sun);
    int ends[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
        return errno == EMFILE || errno == ENFILE ? -EMFILE : -ENOMEM;
    *p = (struct sc_pair){.program = ends[0], .own = ends[1]};
    if (bind(p->program, (const struct sockaddr *)&sun, len) < 0) {
        close(p->program);
        close(p->own);
        return -ENOMEM; /* the name is nobody else's: what fails is its making */
    }
    sc_pair_refuse_rights(p->own);
    return 0;
}

static size_t fill(int program, size_t len)
{
    ssize_t n = send(program, zeros, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

size_t sc_pair_seed(int program)
{
    sc_pair_enlarge(program);
    return fill(program, 1);
}

size_t sc_pair_plug_lightly(int program)
{
    resize(program, 0);
    return fill(program, LIGHT_PLUG_LEN);
}

/* What waits to be read from the other end, as the kernel charges it. */
static int charged(int end)
{
    int bytes = 0;
    return ioctl(end, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

/* Step by step, so that a quarter of the buffer in effect, twice what it is set to, is always less
 * than what waits. */
size_t sc_pair_plug_fully(int program)
{
    size_t len = 0, more = 1;
    int size = 2 * charged(program) - 1;
    for (; more > 0 && size > 0 && size < BUFFER; size = 2 * charged(program) - 1) {
        resize(program, size);
        more = fill(program, size < PLUG_LEN ? (size_t)size : PLUG_LEN);
        len += more;
    }
    sc_pair_enlarge(program);
    return len;
}
