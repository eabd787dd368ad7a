#include "local/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void sc_place_look(struct sc_place *p, sc_owner_of *owner_of)
{
    uint32_t uid;
    if (p->seen || !owner_of(p->dir, &uid))
        return;
    __atomic_store_n(&p->id.uid, uid, __ATOMIC_RELAXED); /* threads find the same */
    __atomic_store_n(&p->seen, true, __ATOMIC_RELAXED);
}

enum kind {
    PRIVATE, /* this user's, where nobody else is trusted: anybody can make a folder in /tmp */
    NAMED,   /* its owner is trusted */
    SYSTEM,  /* likewise; root's own */
};

static void add(struct sc_places *p, const char *dir, enum kind kind,
                const struct sc_places_wish *wish)
{
    struct sc_place *place = &p->at[p->count++];
    *place = (struct sc_place){.own = kind != SYSTEM || wish->uid == 0,
                               .closed = kind == PRIVATE,
                               .seen = kind == PRIVATE};
    snprintf(place->dir, sizeof place->dir, "%s", dir);
    for (size_t len = strlen(place->dir); len > 1 && place->dir[len - 1] == '/'; len--)
        place->dir[len - 1] = 0;
    place->id = (struct sc_daemon_id){.uid = wish->uid, .instance = sc_instance_of(place->dir)};
    sc_place_look(place, wish->owner_of);
}

/* The folder for scaffoldd in XDG_RUNTIME_DIR. `su` leaves that of another user in place. */
static bool in_xdg(const struct sc_places_wish *wish, char dir[SC_PLACE_ROOM])
{
    uint32_t uid;
    size_t len = wish->xdg ? strlen(wish->xdg) : 0;
    while (len > 1 && wish->xdg[len - 1] == '/')
        len--;
    return len > 0 && len < SC_PLACE_ROOM && wish->owner_of(wish->xdg, &uid) && uid == wish->uid &&
           snprintf(dir, SC_PLACE_ROOM, "%.*s/scaffold", (int)len, wish->xdg) < SC_PLACE_ROOM;
}

bool sc_places_read(struct sc_places *p, const struct sc_places_wish *wish)
{
    char dir[SC_PLACE_ROOM];
    *p = (struct sc_places){0};
    if (wish->runtime_dir && *wish->runtime_dir) {
        if (strlen(wish->runtime_dir) >= SC_PLACE_ROOM)
            return false;
        add(p, wish->runtime_dir, NAMED, wish);
        return true;
    }
    if (in_xdg(wish, dir))
        add(p, dir, PRIVATE, wish);
    if (wish->uid != 0) {
        snprintf(dir, sizeof dir, "/tmp/scaffold-%u", wish->uid);
        add(p, dir, PRIVATE, wish);
    }
    add(p, "/run/scaffold", SYSTEM, wish);
    return true;
}

void sc_place_calm(const char *dir, uint64_t netns, char *path, size_t size)
{
    snprintf(path, size, "%s/" SC_CALM_BEGINS "%" PRIu64, dir, netns);
}
