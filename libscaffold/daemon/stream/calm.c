#include "daemon/stream/calm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"

static int say(const struct sc_calm *c, bool calm)
{
    return ftruncate(c->fd, calm ? SC_CALM_SIZE : 0);
}

static void on_calm(struct sc_alarm *a)
{
    say(sc_container(a, struct sc_calm, alarm), true); /* otherwise programs go on asking */
}

/* What a scaffoldd that was killed has left, perhaps of a network namespace that is no more. */
static void tidy(const char *dir)
{
    const struct dirent *e;
    DIR *all = opendir(dir);
    while (all && (e = readdir(all)) != NULL)
        if (strncmp(e->d_name, SC_CALM_BEGINS, strlen(SC_CALM_BEGINS)) == 0)
            unlinkat(dirfd(all), e->d_name, 0);
    if (all)
        closedir(all);
}

int sc_calm_open(struct sc_daemon *d, char *why, size_t size)
{
    struct sc_calm *c = &d->calm;
    sc_alarm_init(&c->alarm, on_calm);
    tidy(d->config.runtime_dir);
    sc_place_calm(d->config.runtime_dir, d->netns, c->path, sizeof c->path);
    c->fd = open(c->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (c->fd >= 0 && say(c, true) == 0)
        return 0;
    snprintf(why, size, "%s: %s; give a --runtime-dir that you can write to", c->path,
             strerror(errno));
    return -1;
}

/* What has made the file small before cannot fail, and nobody may be told that a flow was reset
 * that was not. */
void sc_calm_disturb(struct sc_daemon *d)
{
    struct sc_calm *c = &d->calm;
    bool calm = c->alarm.timer.at == SC_NEVER;
    if (c->fd < 0)
        return;
    if (calm && say(c, false) < 0 && unlink(c->path) < 0 && errno != ENOENT)
        abort();
    sc_loop_alarm(&d->loop, &c->alarm, d->loop.now + SC_ERRORS_LIFETIME);
}

void sc_calm_close(struct sc_daemon *d)
{
    struct sc_calm *c = &d->calm;
    if (c->fd < 0)
        return;
    sc_loop_alarm(&d->loop, &c->alarm, SC_NEVER);
    unlink(c->path);
    close(c->fd);
    c->fd = -1;
}
