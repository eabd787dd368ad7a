/* Who will load a program: whether the shim comes along. */
#ifndef SHIM_EXEC_TARGET_H
#define SHIM_EXEC_TARGET_H

/* Why LD_PRELOAD does not bring the shim into the program at `path` (seen from `dir`; with
 * AT_EMPTY_PATH in `flags` and an empty path, the open file `dir`), as the end of a sentence that
 * begins with the program; NULL when nothing is known against it. A script is judged by its
 * interpreter. Opens what it looks at close-on-exec; allocates nothing; errno is kept. */
const char *shim_unreached(int dir, const char *path, int flags);

#endif
