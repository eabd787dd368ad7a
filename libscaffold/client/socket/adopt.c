#include "client/socket/adopt.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "client/options/datagram.h"
#include "client/options/shadow.h"
#include "client/process/descriptors.h"
#include "client/process/identity.h"
#include "client/process/kernel.h"
#include "client/process/marks.h"
#include "client/process/owner.h"

static bool passed; /* a descriptor is marked so */

/* With the first one, those that were passed to the process before are looked at. */
void sc_note_service_socket(void)
{
    if (!sc_owner_begin())
        return;
    for (int fd = 0; fd < SC_DESCRIPTORS_MAX && __atomic_load_n(&passed, __ATOMIC_RELAXED); fd++)
        sc_meet_passed(fd);
}

static unsigned marks_of(const struct sc_socket_name *own)
{
    return SC_MARK_DATAGRAM | (own->family == SC_FAMILY_INET6      ? SC_MARK_INET6
                               : own->family == SC_FAMILY_SCAFFOLD ? SC_MARK_SCAFFOLD
                                                                   : 0u);
}

bool sc_datagram_mark(int fd)
{
    struct sc_socket_name own;
    bool ours = sc_read_own_name(fd, &own);
    if (ours)
        sc_note_service_socket();
    if (!ours || own.kind != SC_SOCKET_DATAGRAM) {
        sc_mark_clear(fd, SC_MARKS_OF_DATAGRAM);
        return false;
    }
    /* Whether the program chose the port is not known of descriptors from elsewhere: kept. */
    sc_mark_set(fd, marks_of(&own) | SC_MARK_PORT_GIVEN);
    sc_options_mark_datagram(fd);
    return true;
}

void sc_datagram_adopt(int fd)
{
    if (sc_datagram_mark(fd))
        sc_options_tell_datagram(fd);
}

static void adopt_one(void *arg, int fd)
{
    struct stat st;
    (void)arg;
    if (sc_kernel_fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        sc_datagram_adopt(fd);
}

/* Descriptors that were inherited: an inetd's, a supervisor's. */
__attribute__((constructor(105))) static void adopt_inherited(void)
{
    int kept = errno;
    sc_descriptors_each(adopt_one, NULL);
    errno = kept;
}

void sc_note_passed(int fd)
{
    sc_marks_forget(fd); /* the number was another's before */
    sc_touched_forget(fd);
    if (sc_any_service_socket()) {
        sc_datagram_adopt(fd);
        return;
    }
    sc_mark_set(fd, SC_MARK_PASSED);
    __atomic_store_n(&passed, true, __ATOMIC_RELAXED);
}

bool sc_meet_passed(int fd)
{
    struct sc_socket_name own;
    if (!sc_mark_is_set(fd, SC_MARK_PASSED))
        return false;
    sc_mark_clear(fd, SC_MARK_PASSED);
    sc_datagram_adopt(fd);
    return sc_is_datagram(fd) || sc_is_service_socket(fd, &own);
}
