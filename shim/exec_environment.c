#include "exec_environment.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libscaffold_shim.so"
#define PRELOAD "LD_PRELOAD="

/* What is put back, copied when the process starts: programs write over their environment (A14).
 * Larger than all valid settings together: 16 services of 263 bytes, 64 ports of 12, three paths.
 */
static char store[20480];
static size_t used;
static char *kept[SHIM_PUT_BACK_MAX + 1];
static size_t kept_count;

/* --- LD_PRELOAD's list ------------------------------------------------------------------------ */

/* The next name of a list at *at, or NULL at its end. */
static const char *next_name(const char **at, size_t *len)
{
    *at += strspn(*at, ": ");
    *len = strcspn(*at, ": ");
    const char *name = *at;
    *at += *len;
    return *len ? name : NULL;
}

/* The part of a name behind its last slash. */
static const char *file_name(const char *name, size_t *len)
{
    for (size_t i = *len; i-- > 0;)
        if (name[i] == '/') {
            *len -= i + 1;
            return name + i + 1;
        }
    return name;
}

static const char *value_of(char *const envp[], const char *key)
{
    for (; envp && *envp; envp++)
        if (strncmp(*envp, key, strlen(key)) == 0)
            return *envp + strlen(key);
    return NULL;
}

bool shim_environment_is_settled(char *const envp[])
{
    const char *at = value_of(envp, PRELOAD), *name;
    size_t len;
    if (at && !*at)
        return true;
    while (at && (name = next_name(&at, &len))) {
        name = file_name(name, &len);
        if (len == strlen(LIBRARY) && memcmp(name, LIBRARY, len) == 0)
            return true;
    }
    return false;
}

/* --- what this process was started with ------------------------------------------------------- */

/* Appends to the entry that is being written; false, and nothing, when there is no room. */
static bool add(const char *text, size_t len)
{
    if (len >= sizeof store - used)
        return false;
    memcpy(store + used, text, len);
    used += len;
    store[used] = 0;
    return true;
}

static bool add_text(const char *text)
{
    return add(text, strlen(text));
}

/* The entry from `begin` on is complete, or is taken back. */
static void end_entry(size_t begin, bool complete)
{
    if (!complete) {
        used = begin;
        return;
    }
    kept[kept_count++] = store + begin;
    used++; /* its final zero */
}

/* A program built with a sanitizer ends unless its runtime comes first. */
static bool add_sanitizers(void)
{
    const char *at = getenv("LD_PRELOAD"), *name;
    size_t len;
    while (at && (name = next_name(&at, &len))) {
        size_t rest = len;
        const char *file = file_name(name, &rest);
        if (rest > 7 && (memcmp(file, "libasan", 7) == 0 || memcmp(file, "libtsan", 7) == 0) &&
            !(add(name, len) && add_text(":")))
            return false;
    }
    return true;
}

/* By the folder that the shim was loaded from: LD_PRELOAD may have named it without. */
static void keep_preload(void)
{
    Dl_info info;
    if (!dladdr(&kept, &info))
        return;
    const char *slash = strrchr(info.dli_fname, '/');
    size_t folder = slash ? (size_t)(slash + 1 - info.dli_fname) : 0;
    size_t begin = used;
    end_entry(begin, add_text(PRELOAD) && add_sanitizers() && add(info.dli_fname, folder) &&
                         add_text(LIBRARY));
}

static void keep_setting(const char *key)
{
    size_t begin = used;
    const char *value = getenv(key);
    if (value)
        end_entry(begin, add_text(key) && add_text("=") && add_text(value));
}

/* The preload first; without it nothing needs the rest. */
__attribute__((constructor(106))) static void keep_settings(void)
{
    static const char *const keys[] = {"SCAFFOLD_SERVICE", "SCAFFOLD_PUBLISH", "SCAFFOLD_ALL_LOCAL",
                                       "SCAFFOLD_SHIM_LOG", "SCAFFOLD_POOL"};
    _Static_assert(sizeof keys / sizeof *keys + 2 == SHIM_PUT_BACK_MAX, "room for all of them");
    keep_preload();
    if (kept_count == 0)
        return;
    keep_setting(getenv("SCAFFOLD_RUNTIME_DIR") ? "SCAFFOLD_RUNTIME_DIR" : "XDG_RUNTIME_DIR");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        keep_setting(keys[i]);
}

/* --- putting it back -------------------------------------------------------------------------- */

bool shim_environment_measure(char *const envp[], struct shim_environment_room *r)
{
    const char *theirs = value_of(envp, PRELOAD);
    size_t count = 0;
    if (kept_count == 0)
        return false;
    while (envp && envp[count])
        count++;
    r->entries = count + SHIM_PUT_BACK_MAX + 1;
    r->preload = strlen(kept[0]) + (theirs ? strlen(theirs) + 1 : 0) + 1;
    return count <= SHIM_ENVIRONMENT_MAX && r->preload <= SHIM_PRELOAD_MAX;
}

static bool has_same_key(const char *entry, const char *other)
{
    return strncmp(entry, other, strcspn(other, "=") + 1) == 0;
}

/* "LD_PRELOAD=theirs:ours" */
static char *join(const char *theirs, const char *ours, char *to)
{
    char *end = stpcpy(stpcpy(to, theirs), ":");
    strcpy(end, ours + strlen(PRELOAD));
    return to;
}

static bool is_in(char *const envp[], const char *entry)
{
    for (; envp && *envp; envp++)
        if (has_same_key(*envp, entry))
            return true;
    return false;
}

void shim_environment_restore(char *const envp[], char **out, char *preload)
{
    for (char *const *from = envp; from && *from; from++)
        *out++ = has_same_key(*from, kept[0]) ? join(*from, kept[0], preload) : *from;
    for (size_t i = 0; i < kept_count; i++)
        if (!is_in(envp, kept[i]))
            *out++ = kept[i];
    *out = NULL;
}
