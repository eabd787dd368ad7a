/* Who will load a program: whether the shim comes along. */
#ifndef SHIM_EXEC_TARGET_H
#define SHIM_EXEC_TARGET_H

enum shim_target {
    SHIM_TARGET_ABSENT, /* exec will fail */
    SHIM_TARGET_REACHED,
    SHIM_TARGET_UNREACHED,
};

/* Looks at the program at `path`, seen from `dir`; with AT_EMPTY_PATH in `flags` and an empty path,
 * at the open file `dir`. A script is judged by its interpreter. Where LD_PRELOAD does not bring
 * the shim along, *why is the end of a sentence that begins with the program. What cannot be found
 * out counts as reached. Opens what it looks at close-on-exec; allocates nothing; errno is kept. */
enum shim_target shim_look_at(int dir, const char *path, int flags, const char **why);

#endif
