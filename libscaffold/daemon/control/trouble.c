#include "daemon/control/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "naming/service_name.h"

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

/* An alias that leaves no room for two keys beside it in a line. */
#define LONG 30

static void key_text(const uint8_t key[SC_KEY_LEN], char out[2 * SC_KEY_LEN + 1])
{
    for (size_t i = 0; i < SC_KEY_LEN; i++)
        snprintf(out + 2 * i, 3, "%02x", key[i]);
}

void sc_provider_trouble(const struct sc_daemon *d, const struct sc_mapping *m, char *line,
                         size_t size)
{
    struct sc_service_name n = {.provider = "?"};
    char now[2 * SC_KEY_LEN + 1], before[2 * SC_KEY_LEN + 1] = "none";
    sc_service_name_read(m->name, &n, NULL);
    const struct sc_pin *pin = sc_stack_pin(d->stack, n.provider);
    key_text(m->key, now);
    if (pin)
        key_text(pin->key, before);
    if (strlen(n.provider) > LONG) /* the command is worth more than all of the old key */
        strcpy(before + 16, "...");
    if (m->error == EKEYREJECTED)
        snprintf(line, size,
                 "provider %s was %s; if that is so now: scaffold key trust %s %s --replace",
                 n.provider, before, n.provider, now);
    else
        snprintf(line, size,
                 "require_verified is set, and nobody here vouches for provider %s; if the key is "
                 "its own: scaffold key trust %s %s",
                 n.provider, n.provider, now);
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
