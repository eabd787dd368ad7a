/* What the environment has to hold for the shim to come along, and an environment that holds it. */
#ifndef SHIM_EXEC_ENVIRONMENT_H
#define SHIM_EXEC_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/* True when nothing is to be put back: its LD_PRELOAD names the shim, or is there and empty, by
 * which a program says that it wants none. */
bool shim_environment_is_settled(char *const envp[]);

/* Entries that are put back: LD_PRELOAD and the settings of client/. */
#define SHIM_PUT_BACK_MAX 7

/* The copy stands on the stack of whoever calls exec, which may be a small one: 32 KiB of entries,
 * and the text of one. Environments of programs have a hundred entries. */
#define SHIM_ENVIRONMENT_MAX 4096
#define SHIM_PRELOAD_MAX 8192

/* The sizes that shim_environment_restore needs. False: the environment is too large. */
struct shim_environment_room {
    size_t entries;
    size_t preload; /* bytes */
};
bool shim_environment_measure(char *const envp[], struct shim_environment_room *r);

/* `envp` with what this process was started with: LD_PRELOAD, behind what is preloaded anyway, and
 * those settings that are not there. Fills `out` and `preload`, of the sizes measured; the entries
 * are the caller's, this library's, and `preload`. */
void shim_environment_restore(char *const envp[], char **out, char *preload);

#endif
