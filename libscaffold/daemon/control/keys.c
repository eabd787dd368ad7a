/* Which keys aliases stand for, which providers' keys this host has, and what those grant. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/handlers.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/entropy.h"
#include "daemon/trust/provider_keys.h"
#include "daemon/trust/wall.h"
#include "naming/scope.h"

#define DAY_S (24 * 3600)

static bool is_operator(struct sc_ctl_call *c, const char *otherwise)
{
    const struct sc_daemon *d = c->server->daemon;
    if (c->peer.uid == 0 || c->peer.uid == d->id.uid)
        return true;
    sc_ctl_send_error(c, EPERM, otherwise);
    return false;
}

/* --- aliases ---------------------------------------------------------------------------------- */

static const char *trust_trouble(int error)
{
    switch (error) {
    case EINVAL:
        return "no alias of a provider: letters, digits and hyphens, and not the hash of a key";
    case EKEYREJECTED:
        return "the alias is known by another key (scaffold key list); --replace takes this one";
    case EINPROGRESS:
        return "kept; names of the alias are known by its old key until scaffoldd is restarted";
    default:
        return "scaffoldd knows as many providers as it can";
    }
}

void sc_ctl_on_trust(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    if (!is_operator(c,
                     "only root and the user who runs scaffoldd can say what an alias stands for"))
        return;
    int err = -sc_stack_vouch(d->stack, c->request.trust.alias, c->request.trust.key,
                              c->request.trust.replace, d->loop.now);
    sc_ctl_send_error(c, err, err ? trust_trouble(err) : "");
    if (err == 0 || err == EINPROGRESS)
        sc_daemon_on_activity(d);
}

/* --- providers of our own --------------------------------------------------------------------- */

static bool may_grant(struct sc_ctl_call *c)
{
    if (!is_operator(c, "only root and the user who runs scaffoldd have its providers' keys"))
        return false;
    if (c->server->daemon->config.secure)
        return true;
    sc_ctl_send_error(c, EOPNOTSUPP, "with security = \"off\" nobody has keys, and all serve all");
    return false;
}

void sc_ctl_on_new_provider(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    uint8_t seed[SC_KEY_SEED_LEN], provider[SC_PROVIDER_LEN];
    if (!may_grant(c))
        return;
    int err = sc_stack_provider(d->stack, SC_PROVIDERS_HELD - 1) ? -ENOBUFS : 0;
    if (err < 0) {
        sc_ctl_send_error(c, ENOBUFS, "scaffoldd has as many providers' keys as it can");
        return;
    }
    if (sc_provider_keys_make(d, seed, provider, r.text, sizeof r.text) < 0) {
        sc_ctl_send_error(c, EIO, r.text);
    } else {
        sc_stack_hold_provider(d->stack, seed, d->loop.now);
        sc_provider_write(provider, r.name);
        sc_ctl_send(c, &r);
        sc_daemon_on_activity(d);
    }
    OPENSSL_cleanse(seed, sizeof seed);
}

/* A provider by its hash, or by an alias that is known here. */
static bool find_provider(const struct sc_daemon *d, const char *text,
                          uint8_t provider[SC_PROVIDER_LEN])
{
    const struct sc_pin *pin = sc_stack_pin(d->stack, text);
    if (pin)
        sc_provider_of_key(pin->key, provider);
    return pin || sc_provider_read(text, provider);
}

/* Through a pipe: it is longer than a reply. */
static void reply_grant(struct sc_ctl_call *c, const uint8_t *grant, size_t len)
{
    struct sc_ctl_reply r = sc_ctl_reply_to(c);
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) < 0) {
        sc_ctl_send_error(c, ENOBUFS, "scaffoldd has no descriptor left; raise its limit");
        return;
    }
    bool whole = write(fd[1], grant, len) == (ssize_t)len; /* an empty pipe holds more */
    close(fd[1]);
    if (whole) {
        sc_ctl_give(c, &r, fd[0]);
    } else {
        close(fd[0]);
        sc_ctl_send_error(c, EIO, "the grant could not be written");
    }
}

void sc_ctl_on_grant(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    const struct sc_ctl_grant *q = &c->request.grant;
    uint8_t grant[SC_GRANT_MAX];
    size_t len;
    uint64_t wall = sc_wall_now();
    struct sc_grant g = {.from = wall > SC_GRANT_TOLERANCE_S ? wall - SC_GRANT_TOLERANCE_S : 0,
                         .until = wall + (uint64_t)q->days * DAY_S,
                         .flags = q->flags,
                         .first_port = q->first_port,
                         .last_port = q->last_port,
                         .proto = q->proto};
    uint8_t provider[SC_PROVIDER_LEN];
    char whose[SC_SCOPE_PROVIDER + 1];
    if (!may_grant(c))
        return;
    memcpy(g.host, q->host, sizeof g.host);
    if (!sc_scope_read(q->name, g.pattern, whose))
        sc_ctl_send_error(c, EINVAL,
                          "give a name as LABEL.PROVIDER.scaffold, *.PROVIDER.scaffold or "
                          "*.SUFFIX.PROVIDER.scaffold");
    else if (sc_wall_is_unset(wall))
        sc_ctl_send_error(c, EINVAL, "this machine's clock is not set, and grants have times");
    else if (!find_provider(d, whose, provider) ||
             (len = sc_stack_grant(d->stack, provider, &g, grant)) == 0)
        sc_ctl_send_error(c, ENOKEY,
                          "this host does not have that provider's key (scaffold key show); run "
                          "this where it was made");
    else
        reply_grant(c, grant, len);
}

/* --- what others have granted ----------------------------------------------------------------- */

static const char *install_trouble(int error)
{
    switch (error) {
    case EINVAL:
        return "it is no grant: `scaffold key grant` prints one, of scg1- and up to 500 characters";
    case EBADMSG:
        return "its provider has not signed it; was it copied whole?";
    case EXDEV:
        return "it was made for another host's key; `scaffold key show` prints this one's";
    case ETIME:
        return "it is over by this machine's clock";
    default:
        return "scaffoldd has as many grants as it can";
    }
}

void sc_ctl_on_install(struct sc_ctl_call *c)
{
    struct sc_daemon *d = c->server->daemon;
    const struct sc_ctl_kept *q = &c->request.install;
    if (!may_grant(c))
        return;
    int err = -sc_stack_install_grant(d->stack, (struct sc_field){q->grant, q->len}, d->loop.now);
    sc_ctl_send_error(c, err, err ? install_trouble(err) : "");
    if (!err)
        sc_daemon_on_activity(d);
}
