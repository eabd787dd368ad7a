#include "client/options/carry.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "client/options/get.h"
#include "client/options/set.h"
#include "client/options/shadow.h"
#include "client/options/table.h"
#include "client/process/cookies.h"
#include "client/process/descriptors.h"
#include "client/process/explain.h"
#include "client/process/flow.h"
#include "client/process/identity.h"
#include "client/process/marks.h"
#include "client/process/real.h"
#include "local/tcp_congestion.h"

/* Duplicates that are asked about: as many as a swap repairs (client/socket/swap.c). */
#define DUPLICATES_MAX 32

union value {
    int number;
    struct linger linger;
    struct timeval time;
    char room[64];
};

/* As the program would read it. */
static bool read_option(int fd, const struct sc_option *o, union value *v, socklen_t *len)
{
    *v = (union value){0};
    *len = sizeof *v;
    return sc_options_get(fd, o->level, o->name, v, len) == 0;
}

/* --- what a plain socket was given ------------------------------------------------------------ */

static void join_set(struct sc_option_set *to, const struct sc_option_set *from)
{
    for (unsigned i = 0; i < SC_OPTION_WORDS; i++)
        to->word[i] |= from->word[i];
}

/* Options that programs set with libc's setsockopt where libscaffold does not stand before it; each
 * is zero until then. */
static const struct {
    int level;
    int name;
} common[] = {
    {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_USER_TIMEOUT}, {SOL_SOCKET, SO_RCVTIMEO},
    {SOL_SOCKET, SO_SNDTIMEO},  {SOL_SOCKET, SO_KEEPALIVE},      {SOL_SOCKET, SO_LINGER},
    {SOL_SOCKET, SO_OOBINLINE}, {SOL_SOCKET, SO_REUSEADDR},
};

static void add_common(int fd, struct sc_option_set *set)
{
    static const union value zero;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        unsigned key = (unsigned)sc_option_key(common[i].level, common[i].name);
        union value v;
        socklen_t len;
        if (read_option(fd, sc_option_at(key), &v, &len) && memcmp(&v, &zero, sizeof v) != 0)
            sc_option_set_add(set, key);
    }
}

static int number_of(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    return sc_real.getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

/* As the kernel has it. */
static bool ask(int fd, const struct sc_option *o, union value *v, socklen_t *len)
{
    *v = (union value){0};
    *len = sizeof *v;
    return sc_real.getsockopt(fd, o->level, o->name, v, len) == 0;
}

/* What it has that a fresh socket of its kind has not. */
static void add_differing(int fd, int fresh, struct sc_option_set *set)
{
    for (unsigned key = 0; key < SC_OPTION_UNKNOWN; key++) {
        const struct sc_option *o = sc_option_at(key);
        union value a, b;
        socklen_t a_len, b_len;
        if (o && o->verdict != SC_OPTION_PASSING && o->verdict != SC_OPTION_UNREADABLE &&
            ask(fd, o, &a, &a_len) && ask(fresh, o, &b, &b_len) &&
            (a_len != b_len || memcmp(&a, &b, sizeof a) != 0))
            sc_option_set_add(set, key);
    }
}

static void add_of_duplicates(int fd, struct sc_option_set *set)
{
    int duplicates[DUPLICATES_MAX];
    size_t count = sc_duplicates(fd, duplicates, DUPLICATES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct sc_option_set s = sc_touched(duplicates[i]);
        join_set(set, &s);
    }
}

/* One whose beginning nobody here has seen (exec, SCM_RIGHTS), or that has duplicates: the kernel
 * is asked. What it does not tell, and was set elsewhere, is lost. */
static void add_unseen(int fd, struct sc_option_set *set)
{
    int fresh = sc_real.socket(number_of(fd, SO_DOMAIN), number_of(fd, SO_TYPE) | SOCK_CLOEXEC, 0);
    if (fresh >= 0) {
        add_differing(fd, fresh, set);
        sc_real.close(fresh);
    }
    add_of_duplicates(fd, set);
}

static struct sc_option_set noticed_on_plain(int fd)
{
    struct sc_option_set set = sc_touched(fd);
    int kept = errno;
    if (sc_real_sees_all() && !sc_option_set_has(&set, SC_OPTION_SEEN))
        add_unseen(fd, &set);
    errno = kept;
    return set;
}

static struct sc_option_set set_on_plain(int fd)
{
    struct sc_option_set set = noticed_on_plain(fd);
    int kept = errno;
    if (!sc_real_sees_all())
        add_common(fd, &set);
    errno = kept;
    return set;
}

static bool is_ours(int fd)
{
    struct sc_socket_name own;
    return sc_is_datagram(fd) || sc_is_service_socket(fd, &own);
}

/* The options that the program has set, whichever kind of socket it is. */
static struct sc_option_set set_by_program(int fd)
{
    return is_ours(fd) ? sc_shadow_set_of(sc_cookie(fd)) : set_on_plain(fd);
}

/* --- what stands in the way ------------------------------------------------------------------- */

/* Set, and then unset again. */
static bool is_off(int fd, const struct sc_option *o)
{
    static const union value zero;
    union value v;
    socklen_t len;
    if (o->verdict != SC_OPTION_REFUSED || !read_option(fd, o, &v, &len))
        return false;
    return o->initial ? v.number == o->initial : memcmp(&v, &zero, sizeof v) == 0;
}

const char *sc_options_obstacle(int fd)
{
    if (is_ours(fd))
        return NULL;
    struct sc_option_set set = noticed_on_plain(fd);
    int kept = errno;
    const char *found = NULL;
    for (int key = sc_option_set_next(&set, SC_SHADOW_OPTIONS); key >= 0 && !found;
         key = sc_option_set_next(&set, (unsigned)key + 1)) {
        const struct sc_option *o = sc_option_at((unsigned)key);
        if (o && !is_off(fd, o))
            found = o->text;
        else if (key == SC_OPTION_UNKNOWN)
            found = "an option that this libscaffold does not know";
    }
    errno = kept;
    return found;
}

int sc_options_admit(int fd)
{
    char line[SC_CTL_TEXT];
    const char *obstacle = sc_options_obstacle(fd);
    if (!obstacle)
        return 0;
    snprintf(line, sizeof line, "%s is set, which a service's socket does not have", obstacle);
    sc_explain(EOPNOTSUPP, line);
    errno = EOPNOTSUPP;
    return -1;
}

/* --- carrying --------------------------------------------------------------------------------- */

static bool is_send_timeout(const struct sc_option *o)
{
    return o->level == SOL_SOCKET && (o->name == SO_SNDTIMEO_OLD || o->name == SO_SNDTIMEO_NEW);
}

static bool is_told(const struct sc_option *o)
{
    return o->tell || is_send_timeout(o);
}

/* What is remembered of it. A plain socket may have a control that services do not: 0, none. */
static int as_number(const struct sc_option *o, const union value *v, socklen_t len)
{
    if (o->tell != SC_OPT_CONGESTION)
        return v->number;
    return (int)sc_tcp_congestion_find(v->room, len);
}

static void tell_later(const struct sc_option *o, const union value *v, socklen_t len,
                       struct sc_options_told *told)
{
    int value = as_number(o, v, len);
    uint32_t number = value > 0 ? (uint32_t)value : 0;
    if (is_send_timeout(o))
        told->send_timeout = v->time;
    switch (o->tell) {
    case SC_OPT_USER_TIMEOUT_MS:
        told->user_timeout_ms = number;
        break;
    case SC_OPT_ABORT_ON_CLOSE:
        told->abort_on_close = sc_options_ask_reset(v, len);
        break;
    case SC_OPT_CONGESTION:
        told->congestion = number;
        break;
    case SC_OPT_RCVBUF:
        told->rcvbuf = number / 2;
        break;
    default:
        break;
    }
}

/* Each option that a service's socket keeps and that `set` has, with its value on `fd`. */
struct walk {
    int fd;
    bool told; /* only those that matter to tell_later */
    struct sc_option_set set;
    int key;
    const struct sc_option *option;
    union value value;
    socklen_t len;
};

static bool next_kept(struct walk *w)
{
    while ((w->key = sc_option_set_next(&w->set, (unsigned)(w->key + 1))) >= 0 &&
           w->key < SC_SHADOW_FAMILY) {
        w->option = sc_option_at((unsigned)w->key);
        if (w->option && (!w->told || is_told(w->option)) &&
            read_option(w->fd, w->option, &w->value, &w->len))
            return true;
    }
    return false;
}

static void put(const struct walk *w, int to, uint64_t cookie)
{
    const struct sc_option *o = w->option;
    if (o->verdict == SC_OPTION_CARRIED)
        sc_real.setsockopt(to, o->level, o->name, &w->value, w->len);
    sc_shadow_set(cookie, (unsigned)w->key, as_number(o, &w->value, w->len));
}

static bool is_any(const struct sc_option_set *s)
{
    int first = sc_option_set_next(s, 0);
    return first >= 0 && first < SC_SHADOW_FAMILY;
}

void sc_options_tell(int from, struct sc_options_told *told)
{
    struct walk w = {.fd = from, .told = true, .set = set_by_program(from), .key = -1};
    int kept = errno;
    *told = (struct sc_options_told){0};
    while (next_kept(&w))
        tell_later(w.option, &w.value, w.len, told);
    errno = kept;
}

void sc_options_carry(int from, int to)
{
    struct walk w = {.fd = from, .set = set_by_program(from), .key = -1};
    uint64_t cookie = is_any(&w.set) ? sc_cookie(to) : 0;
    int kept = errno;
    while (next_kept(&w))
        put(&w, to, cookie);
    errno = kept;
}

void sc_options_give_back(int from, int to)
{
    struct walk w = {.fd = from, .set = set_by_program(from), .key = -1};
    int kept = errno;
    while (next_kept(&w)) {
        const struct sc_option *o = w.option;
        if (sc_option_is_buffer(o))
            w.value.number /= 2; /* the kernel doubles what it is given */
        if (sc_real.setsockopt(to, o->level, o->name, &w.value, w.len) == 0)
            sc_touched_note(from, (unsigned)w.key); /* the number that it gets */
    }
    errno = kept;
}

void sc_options_inherit(int listener, int accepted, bool local)
{
    struct walk w = {.fd = listener, .set = sc_shadow_set_of(sc_cookie(listener)), .key = -1};
    uint64_t cookie = is_any(&w.set) ? sc_cookie(accepted) : 0;
    while (next_kept(&w)) {
        enum sc_ctl_option tell = w.option->tell;
        bool reset = tell == SC_OPT_ABORT_ON_CLOSE && sc_options_ask_reset(&w.value, w.len);
        if (reset && local)
            continue;
        put(&w, accepted, cookie);
        if (reset)
            sc_flow_set(accepted, tell, 1);
        else if (tell == SC_OPT_USER_TIMEOUT_MS || tell == SC_OPT_CONGESTION)
            sc_flow_set(accepted, tell, (uint32_t)as_number(w.option, &w.value, w.len));
    }
}

/* --- options that do nothing ----------------------------------------------------------------- */

size_t sc_options_without_effect(uint64_t cookie, unsigned kinds, const char *names[], size_t room)
{
    size_t count = 0;
    struct sc_option_set set = sc_shadow_set_of(cookie);
    sc_option_set_each(key, &set)
    {
        const struct sc_option *o = sc_option_at((unsigned)key);
        if (count < room && o && !(o->effect & kinds))
            names[count++] = o->text;
    }
    return count;
}
