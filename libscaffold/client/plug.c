#include "client/plug.h"

#include <errno.h>
#include <sys/socket.h>

#include "client/options.h"
#include "client/real.h"

/* More than a quarter of the buffer in effect (2 x 212,992), where AF_UNIX stops being writable,
 * and less than half of it, so that all of it fits with the kernel's overhead. */
#define PLUG_LEN 131072

static const char zeros[PLUG_LEN];

uint32_t sc_plug(int fd, int other)
{
    int size = SC_REAL_SNDBUF;
    int kept = errno;
    /* Buffers first: a plug made under a small one is none after it has grown (A2). */
    sc_real.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    sc_real.setsockopt(other, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ssize_t n = sc_real.sendto(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
    errno = kept;
    return n > 0 ? (uint32_t)n : 0;
}
