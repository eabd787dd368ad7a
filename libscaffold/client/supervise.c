#include "client/supervise.h"

#include <netinet/in.h>

#include "client/datagram/datagram.h"
#include "client/names/meanings.h"
#include "client/names/target.h"
#include "client/options/protocol.h"
#include "client/options/set.h"
#include "client/options/shadow.h"
#include "client/process/log_file.h"
#include "client/process/marks.h"
#include "client/socket/adopt.h"

void sc_supervise_begin(void)
{
    sc_meanings_of_many();           /* one program looks up, another connects */
    sc_note_service_socket();        /* what the program's descriptors are is asked of the kernel */
    sc_protocol_note(IPPROTO_MPTCP); /* and so is what it has made */
    sc_log_wanted = false;
}

void sc_supervise_lend(int fd, const struct sc_supervised *known)
{
    sc_marks_replace(fd, known->marks);
    sc_touched_forget(fd);
    sc_option_set_each(key, &known->options) sc_touched_note(fd, (unsigned)key);
}

struct sc_supervised sc_supervise_take(int fd)
{
    struct sc_supervised known = {.marks = sc_marks(fd), .options = sc_touched(fd)};
    sc_marks_forget(fd);
    sc_touched_forget(fd);
    return known;
}

bool sc_supervised_is_empty(const struct sc_supervised *known)
{
    return known->marks == 0 && sc_option_set_next(&known->options, 0) < 0;
}

void sc_supervise_note_option(int fd, int level, int name)
{
    sc_options_note_elsewhere(fd, level, name);
}

void sc_supervise_end_attempt(int fd)
{
    sc_mark_clear(fd, SC_MARKS_OF_ATTEMPT);
}

bool sc_supervise_is_joined(int fd)
{
    return sc_is_datagram(fd);
}

int sc_supervise_join(int fd, const struct sockaddr *far, socklen_t len)
{
    struct sc_target to = sc_target_of(far, len);
    return sc_datagram_route(fd, &to) == SC_ROUTE_SERVICE ? 0 : -1;
}
