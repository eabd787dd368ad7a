#include "trap/message.h"

#include <errno.h>

#include "trap/process/tracee.h"

int sc_trap_message_read(int notify, const struct sc_trap_call *c, uint64_t at,
                         struct sc_trap_message *m)
{
    m->at = at;
    if (!sc_tracee_read(c->tid, at, &m->head, sizeof m->head))
        return -EFAULT;
    if (m->head.msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    bool ok = sc_tracee_read(c->tid, (uintptr_t)m->head.msg_iov, m->pieces,
                             m->head.msg_iovlen * sizeof *m->pieces) &&
              sc_trap_call_is_valid(notify, c);
    return ok ? 0 : -EFAULT;
}

void sc_trap_message_make(const struct sc_trap_call *c, struct sc_trap_message *m,
                          socklen_t name_len)
{
    m->at = 0;
    m->pieces[0] = (struct iovec){(void *)(uintptr_t)c->args[1], c->args[2]};
    m->head = (struct msghdr){
        .msg_name = (void *)(uintptr_t)c->args[4], .msg_namelen = name_len, .msg_iovlen = 1};
}

size_t sc_trap_message_length(const struct sc_trap_message *m, size_t most)
{
    size_t len = 0;
    for (size_t i = 0; i < m->head.msg_iovlen && len <= most; i++)
        len += m->pieces[i].iov_len;
    return len;
}

typedef bool copy_call(pid_t tid, uint64_t address, void *ours, size_t len);

static bool read_piece(pid_t tid, uint64_t address, void *ours, size_t len)
{
    return sc_tracee_read(tid, address, ours, len);
}

static bool write_piece(pid_t tid, uint64_t address, void *ours, size_t len)
{
    return sc_tracee_write(tid, address, ours, len);
}

static bool copy(const struct sc_trap_call *c, const struct sc_trap_message *m, size_t skip,
                 char *bytes, size_t len, copy_call *each)
{
    for (size_t i = 0, at = 0; i < m->head.msg_iovlen && at < len; i++) {
        size_t whole = m->pieces[i].iov_len, past = skip < whole ? skip : whole;
        size_t part = len - at < whole - past ? len - at : whole - past;
        if (!each(c->tid, (uintptr_t)m->pieces[i].iov_base + past, bytes + at, part))
            return false;
        skip -= past;
        at += part;
    }
    return true;
}

bool sc_trap_message_take(const struct sc_trap_call *c, const struct sc_trap_message *m,
                          size_t skip, void *bytes, size_t len)
{
    return copy(c, m, skip, bytes, len, read_piece);
}

bool sc_trap_message_give(const struct sc_trap_call *c, const struct sc_trap_message *m,
                          size_t skip, const void *bytes, size_t len)
{
    return copy(c, m, skip, (char *)(uintptr_t)bytes, len, write_piece);
}
