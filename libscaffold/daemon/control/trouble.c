#include "daemon/control/trouble.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/daemon.h"

static const char *disk_trouble(int error)
{
    switch (error) {
    case ENOSPC:
        return "no space is left on its disk";
    case EROFS:
        return "its disk is read-only";
    case EUCLEAN:
        return "its state is damaged";
    case ESTALE:
        return "its state was removed; it has to be restarted";
    case ETIME:
        return "its disk does not answer";
    default:
        return "its log says why";
    }
}

static void say_unstored(const struct sc_daemon *d, int error, char *line, size_t size)
{
    if (*d->config.router)
        snprintf(line, size, "service router %.100s cannot store new names: %s", d->config.router,
                 disk_trouble(error));
    else if (d->keeper.trouble)
        snprintf(line, size, "scaffoldd cannot store new names: %s", d->keeper.why);
    else
        snprintf(line, size, "scaffoldd cannot store new names in %.100s: %s", d->state.path,
                 disk_trouble(error));
}

void sc_names_trouble(const struct sc_daemon *d, int error, char *line, size_t size)
{
    switch (error) {
    case ENOMEM:
        snprintf(line, size,
                 "the pool of service addresses is exhausted; give the router a larger --pool");
        break;
    case EDQUOT:
        snprintf(line, size, "too many names that nobody serves were asked for from this host");
        break;
    case EAGAIN:
        snprintf(line, size, "too many new names at once; try again");
        break;
    case ENOENT:
        snprintf(line, size, "no service has this address; resolve its name first");
        break;
    case ETIMEDOUT:
    case ENETUNREACH:
        snprintf(line, size,
                 "the service router does not answer; is it running where --router says?");
        break;
    case EACCES:
        snprintf(line, size,
                 "the router has not let this host join; `scaffold join-token` there prints what "
                 "--join needs here");
        break;
    case EKEYREJECTED:
        snprintf(line, size,
                 "the name %s belongs to a host with another key; `scaffold host remove %s` at "
                 "the router frees it, or give this one another --name",
                 d->config.host_name, d->config.host_name);
        break;
    default:
        say_unstored(d, error, line, size);
    }
}
