#include "trap/arguments.h"

#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#include "trap/process/clock.h"
#include "trap/memory.h"
#include "trap/process/tracee.h"

/* --- answers ---------------------------------------------------------------------------------- */

enum sc_trap_verdict sc_trap_answer(int notify, struct sc_trap_call *c, int64_t value, int error)
{
    sc_trap_give_back(c);
    sc_trap_call_answer(notify, c, value, error);
    return SC_TRAP_DONE;
}

enum sc_trap_verdict sc_trap_answer_result(int notify, struct sc_trap_call *c, int64_t result)
{
    return sc_trap_answer(notify, c, result, result < 0 ? errno : 0);
}

enum sc_trap_verdict sc_trap_leave_to_kernel(int notify, struct sc_trap_call *c)
{
    sc_trap_give_back(c);
    sc_trap_call_continue(notify, c);
    return SC_TRAP_DONE;
}

/* When a blocking call of this socket gives up; 0: never. */
static int64_t deadline_of(int fd, int option)
{
    struct timeval t = {0};
    socklen_t len = sizeof t;
    getsockopt(fd, SOL_SOCKET, option, &t, &len);
    int64_t ms = (int64_t)t.tv_sec * 1000 + (t.tv_usec + 999) / 1000;
    return ms ? sc_clock_ms() + ms : 0;
}

enum sc_trap_verdict sc_trap_wait_for(struct sc_trap_call *c, uint32_t events, int timeout)
{
    c->events = events;
    if (!c->deadline)
        c->deadline = deadline_of(c->fd, timeout);
    return SC_TRAP_WAIT;
}

/* --- arguments -------------------------------------------------------------------------------- */

bool sc_trap_take_socket(int notify, struct sc_trap_call *c)
{
    c->fd = sc_tracee_fd(c->tid, sc_trap_number(c));
    if (c->fd >= 0)
        sc_trap_memory_recall(c->fd);
    return c->fd >= 0 && sc_trap_call_is_valid(notify, c);
}

void sc_trap_give_back(struct sc_trap_call *c)
{
    if (c->kept >= 0)
        close(c->kept);
    c->kept = -1;
    if (c->fd < 0)
        return;
    sc_trap_memory_keep(c->fd);
    close(c->fd);
    c->fd = -1;
}

bool sc_trap_read_address(int notify, const struct sc_trap_call *c, struct sockaddr_storage *ss,
                          socklen_t *len)
{
    *len = (socklen_t)c->args[2];
    return *len >= sizeof ss->ss_family && *len <= sizeof *ss &&
           sc_tracee_read(c->tid, c->args[1], ss, *len) && sc_trap_call_is_valid(notify, c);
}

int sc_trap_read_out(int notify, const struct sc_trap_call *c, int buffer, struct sc_trap_out *o)
{
    *o = (struct sc_trap_out){.buffer = c->args[buffer], .length = c->args[buffer + 1]};
    if (!sc_tracee_read(c->tid, o->length, &o->room, sizeof o->room) ||
        !sc_trap_call_is_valid(notify, c))
        return -EFAULT;
    return (int)o->room < 0 ? -EINVAL : 0;
}

bool sc_trap_write_out(const struct sc_trap_call *c, const struct sc_trap_out *o, const void *from,
                       socklen_t len)
{
    return sc_tracee_write(c->tid, o->buffer, from, len < o->room ? len : o->room) &&
           sc_tracee_write(c->tid, o->length, &len, sizeof len);
}
