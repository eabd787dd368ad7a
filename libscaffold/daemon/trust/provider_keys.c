#include "daemon/trust/provider_keys.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "daemon/daemon.h"
#include "daemon/entropy.h"
#include "daemon/state/key_file.h"

#define PREFIX "provider-"
#define SUFFIX ".key"

const char *sc_provider_keys_folder(const struct sc_daemon *d, char *out, size_t size)
{
    int len = (int)(strrchr(d->state.path, '/') - d->state.path);
    snprintf(out, size, "%.*s/keys", len, d->state.path);
    return out;
}

/* "provider-HASH" of a file's name; false: it is none of these. */
static bool read_name(const char *file, char out[sizeof PREFIX + SC_PROVIDER_TEXT],
                      uint8_t provider[SC_PROVIDER_LEN])
{
    size_t len = sizeof PREFIX - 1 + SC_PROVIDER_TEXT;
    if (strncmp(file, PREFIX, sizeof PREFIX - 1) != 0 || strlen(file) != len + sizeof SUFFIX - 1 ||
        strcmp(file + len, SUFFIX) != 0)
        return false;
    memcpy(out, file, len);
    out[len] = 0;
    return sc_provider_read(out + sizeof PREFIX - 1, provider);
}

static void provider_of(const uint8_t seed[SC_KEY_SEED_LEN], uint8_t provider[SC_PROVIDER_LEN])
{
    struct sc_crypto c;
    struct sc_key pair;
    if (sc_crypto_init(&c, NULL) < 0)
        abort(); /* without memory, or SHA-256 */
    sc_key_init(&pair, &c, seed);
    sc_provider_of_key(pair.public, provider);
    sc_key_wipe(&pair);
    sc_crypto_fini(&c);
}

static int load_one(struct sc_daemon *d, const char *folder, const char *name,
                    const uint8_t provider[SC_PROVIDER_LEN], char *why, size_t size)
{
    uint8_t seed[SC_KEY_SEED_LEN], really[SC_PROVIDER_LEN];
    int err = sc_key_file_open(folder, name, seed, why, size);
    if (err < 0)
        return err;
    provider_of(seed, really);
    if (memcmp(really, provider, sizeof really) != 0) {
        snprintf(why, size, "%s/%s" SUFFIX ": the key in it is another provider's; move it away",
                 folder, name);
        err = -1;
    } else if (sc_stack_hold_provider(d->stack, seed, d->loop.now) == -ENOBUFS) {
        sc_log(SC_LOG_WARN, "%s: more than %d keys of providers; the rest is left out", folder,
               SC_PROVIDERS_HELD);
    }
    OPENSSL_cleanse(seed, sizeof seed);
    return err;
}

int sc_provider_keys_load(struct sc_daemon *d, char *why, size_t size)
{
    char folder[sizeof d->state.path], name[sizeof PREFIX + SC_PROVIDER_TEXT];
    uint8_t provider[SC_PROVIDER_LEN];
    DIR *all = opendir(sc_provider_keys_folder(d, folder, sizeof folder));
    int err = 0;
    if (!all) {
        snprintf(why, size, "%s: %s; it has to be a folder of yours", folder, strerror(errno));
        return -1;
    }
    for (struct dirent *e; err == 0 && (e = readdir(all)) != NULL;)
        if (read_name(e->d_name, name, provider))
            err = load_one(d, folder, name, provider, why, size);
    closedir(all);
    return err;
}

int sc_provider_keys_make(const struct sc_daemon *d, uint8_t seed[SC_KEY_SEED_LEN],
                          uint8_t provider[SC_PROVIDER_LEN], char *why, size_t size)
{
    char folder[sizeof d->state.path], name[sizeof PREFIX + SC_PROVIDER_TEXT] = PREFIX;
    sc_random(seed, SC_KEY_SEED_LEN);
    provider_of(seed, provider);
    sc_provider_write(provider, name + sizeof PREFIX - 1);
    return sc_key_file_make(sc_provider_keys_folder(d, folder, sizeof folder), name, seed, why,
                            size);
}
