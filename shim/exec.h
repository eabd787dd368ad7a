/* The entries of execs.def: libc's names for them are the shim's exports. */
#ifndef SHIM_EXEC_H
#define SHIM_EXEC_H

#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>

#define EXEC(type, name, params)                                                                   \
    __attribute__((visibility("default"))) type shim_entry_##name params __asm__(#name);
#include "execs.def"
#undef EXEC

#endif
