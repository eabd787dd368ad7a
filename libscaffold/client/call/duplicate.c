/* dup and fcntl: the number that is made stands for what is remembered of the other. */
#include <fcntl.h>

#include "client/call/calls.h"
#include "client/explain/log.h"
#include "client/options/shadow.h"
#include "client/process/descriptors.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/process/owner.h"
#include "client/process/real.h"

/* `to` stands for the same socket as `fd` now. */
static int note_duplicate(int fd, int to)
{
    if (to < 0 || to == fd)
        return to;
    sc_note_duplicate();
    sc_touched_duplicate(fd, to);
    unsigned kept = sc_marks(fd) & (SC_MARKS_OF_DATAGRAM | SC_MARKS_OF_LOCAL);
    sc_marks_forget_range((unsigned)to, (unsigned)to);
    if (kept && !sc_is_vfork_child())
        sc_marks_replace(to, kept);
    if (sc_mark_is_set(fd, SC_MARK_PASSED))
        sc_mark_set(to, SC_MARK_PASSED);
    return to;
}

int sc_dup(int fd)
{
    return note_duplicate(fd, sc_next.dup(fd));
}

/* What duplicating does to the descriptor that is replaced. */
static void log_overwritten(int fd, int to)
{
    if (fd != to && sc_real.fcntl(fd, F_GETFD, NULL) >= 0)
        sc_log_closing(to);
}

int sc_dup2(int fd, int to)
{
    if (sc_log_on())
        log_overwritten(fd, to);
    return note_duplicate(fd, sc_next.dup2(fd, to));
}

int sc_dup3(int fd, int to, int flags)
{
    if (sc_log_on())
        log_overwritten(fd, to);
    return note_duplicate(fd, sc_next.dup3(fd, to, flags));
}

int sc_fcntl(int fd, int cmd, void *arg)
{
    int result = sc_next.fcntl(fd, cmd, arg);
    if (cmd == F_SETOWN || cmd == F_SETOWN_EX)
        sc_note_signals();
    return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? note_duplicate(fd, result) : result;
}
