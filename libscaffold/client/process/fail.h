/* How a call of libc's says that it failed. */
#ifndef SC_CLIENT_PROCESS_FAIL_H
#define SC_CLIENT_PROCESS_FAIL_H

#include <errno.h>

static inline int sc_fail(int error)
{
    errno = error;
    return -1;
}

#endif
