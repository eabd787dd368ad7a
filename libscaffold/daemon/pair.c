#include "daemon/pair.h"

#include <errno.h>
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

static const char zeros[PLUG_LEN];

void sc_pair_enlarge(int end)
{
    int size = BUFFER;
    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
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

size_t sc_pair_seed(const struct sc_pair *p)
{
    /* Buffers first: a plug made under a small one is none after it has grown (A2). */
    sc_pair_enlarge(p->program);
    sc_pair_enlarge(p->own);
    return fill(p->program, 1);
}

size_t sc_pair_plug(int program)
{
    return fill(program, PLUG_LEN);
}
