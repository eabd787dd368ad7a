#include "client/process/marks.h"

#include "client/process/owner.h"
#include "client/process/real.h"

static uint32_t marks[SC_DESCRIPTORS_MAX];

static bool in_table(int fd)
{
    return fd >= 0 && fd < SC_DESCRIPTORS_MAX;
}

void sc_mark_set(int fd, unsigned which)
{
    if (in_table(fd))
        __atomic_fetch_or(&marks[fd], (uint32_t)which, __ATOMIC_RELAXED);
}

void sc_mark_clear(int fd, unsigned which)
{
    if (in_table(fd))
        __atomic_fetch_and(&marks[fd], (uint32_t)~which, __ATOMIC_RELAXED);
}

unsigned sc_marks(int fd)
{
    return in_table(fd) ? __atomic_load_n(&marks[fd], __ATOMIC_RELAXED) : 0;
}

bool sc_mark_is_set(int fd, unsigned which)
{
    return sc_marks(fd) & which;
}

void sc_marks_replace(int fd, unsigned which)
{
    if (in_table(fd))
        __atomic_store_n(&marks[fd], (uint32_t)which, __ATOMIC_RELAXED);
}

void sc_marks_forget(int fd)
{
    if (sc_marks(fd))
        sc_marks_replace(fd, 0);
}

/* Who has no service does not know whether this is such a child, whose parent may have been passed
 * one under this number: that is looked at, whoever it is of, with the first service. */
void sc_marks_begin(int fd, bool ip)
{
    bool kept = sc_any_service_socket() ? sc_is_vfork_child() : sc_marks(fd) & SC_MARK_PASSED;
    if (!kept)
        sc_marks_replace(fd, ip && sc_real_sees_all() ? SC_MARK_PLAIN : 0u);
}

/* These numbers stand for nothing any more. Between vfork and exec their marks are still the
 * parent's, which is a question to the kernel, and not asked where no socket of ours is among them:
 * then only what is believed without a look goes, and costs a parent no more than time. */
void sc_marks_forget_range(unsigned first, unsigned last)
{
    unsigned all = 0;
    for (unsigned fd = first; fd <= last && fd < SC_DESCRIPTORS_MAX; fd++)
        all |= sc_marks((int)fd);
    bool ours = all & ~(unsigned)SC_MARKS_OF_OTHERS;
    if (all == 0 || (ours && sc_is_vfork_child()))
        return;
    for (unsigned fd = first; fd <= last && fd < SC_DESCRIPTORS_MAX; fd++)
        if (sc_marks((int)fd))
            sc_mark_clear((int)fd, ours ? ~0u : SC_MARK_PLAIN);
}

enum sc_family sc_datagram_family(int fd)
{
    unsigned set = sc_marks(fd);
    return set & SC_MARK_INET6      ? SC_FAMILY_INET6
           : set & SC_MARK_SCAFFOLD ? SC_FAMILY_SCAFFOLD
                                    : SC_FAMILY_INET;
}
