/* close: what is remembered of the number goes with it. */
#include <errno.h>
#include <linux/close_range.h>

#include "client/call/calls.h"
#include "client/explain/log.h"
#include "client/process/control.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/process/owner.h"
#include "client/process/real.h"

/* A listener of ours: scaffoldd hears of it at once instead of at its next look. A hint; whether
 * the socket lives on in other holders is for scaffoldd to find out. */
static int close_listener(int fd)
{
    struct sc_ctl_request q = sc_control_request(SC_CTL_UNLISTEN);
    struct sockaddr_un sun;
    socklen_t len = sizeof sun;
    struct sc_socket_name own;
    bool known = sc_real.getsockname(fd, (struct sockaddr *)&sun, &len) == 0 &&
                 sc_socket_name_parse(&sun, len, &own);
    int result = sc_next.close(fd);
    int kept = errno;
    int control = known ? sc_control_open(true) : -1;
    if (control >= 0) {
        sc_socket_name_text(&sun, len, q.listen.own);
        sc_control_send(control, &q);
        sc_control_close(control);
    }
    errno = kept;
    return result;
}

int sc_close(int fd)
{
    if (sc_log_on())
        sc_log_closing(fd);
    bool listening = sc_mark_is_set(fd, SC_MARK_LISTENING) && !sc_is_vfork_child();
    sc_marks_forget_range((unsigned)fd, (unsigned)fd);
    return listening ? close_listener(fd) : sc_next.close(fd);
}

int sc_close_range(unsigned first, unsigned last, int flags)
{
    bool closes = !(flags & (int)CLOSE_RANGE_CLOEXEC);
    if (sc_log_on() && closes)
        sc_log_closing_range(first, last);
    int result = sc_next.close_range(first, last, flags);
    if (result == 0 && closes)
        sc_marks_forget_range(first, last);
    return result;
}

void sc_closefrom(int first)
{
    if (sc_log_on())
        sc_log_closing_range(first < 0 ? 0 : (unsigned)first, ~0u);
    sc_next.closefrom(first);
    sc_marks_forget_range(first < 0 ? 0 : (unsigned)first, ~0u);
}
