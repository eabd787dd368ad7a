#include "client/process/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/process/kernel.h"
#include "client/process/real.h"

#define NONE (-1)

static struct sc_places places;
static int chosen = NONE;
static bool ready;

static bool owner_of(const char *dir, uint32_t *uid)
{
    struct statx st;
    if (sc_kernel(SYS_statx, AT_FDCWD, dir, 0, STATX_TYPE | STATX_UID, &st) < 0 ||
        !S_ISDIR(st.stx_mode))
        return false;
    *uid = st.stx_uid;
    return true;
}

static void say_too_long(const char *dir)
{
    char line[512];
    int n = snprintf(line, sizeof line,
                     "scaffold: SCAFFOLD_RUNTIME_DIR is longer than %d bytes: %.300s\n",
                     SC_PLACE_ROOM - 1, dir);
    if (sc_real.write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nobody to tell */
}

const struct sc_places *sc_daemon_places(void)
{
    /* Before the constructor there is one thread. */
    if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
        return &places;
    struct sc_places_wish wish = {.runtime_dir = getenv("SCAFFOLD_RUNTIME_DIR"),
                                  .xdg = getenv("XDG_RUNTIME_DIR"),
                                  .uid = (uint32_t)sc_kernel(SYS_geteuid),
                                  .owner_of = owner_of};
    if (!sc_places_read(&places, &wish))
        say_too_long(wish.runtime_dir);
    __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
    return &places;
}

__attribute__((constructor(102))) static void read_early(void)
{
    sc_daemon_places();
}

void sc_daemon_candidates(unsigned *first, unsigned *last)
{
    int place = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
    *first = place == NONE ? 0 : (unsigned)place;
    *last = place == NONE ? sc_daemon_places()->count : *first + 1;
}

const struct sc_place *sc_daemon_look(unsigned place)
{
    sc_place_look(&places.at[place], owner_of);
    return &places.at[place];
}

bool sc_daemon_choose(unsigned place)
{
    int before = NONE;
    return __atomic_compare_exchange_n(&chosen, &before, (int)place, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE) ||
           before == (int)place;
}

struct sc_daemon_id sc_daemon_id(void)
{
    unsigned first, last;
    sc_daemon_candidates(&first, &last);
    return places.at[first].id;
}

size_t sc_daemon_text(char *out, size_t size)
{
    unsigned first, last;
    size_t n = 0;
    sc_daemon_candidates(&first, &last);
    if (first == last)
        n = (size_t)snprintf(out, size, "SCAFFOLD_RUNTIME_DIR, which is too long");
    for (unsigned i = first; i < last && n < size; i++) {
        const char *before = i == first ? "" : i + 1 == last ? " or " : ", ";
        n += (size_t)snprintf(out + n, size - n, "%s%s", before, places.at[i].dir);
    }
    return n < size ? n : size - 1;
}
