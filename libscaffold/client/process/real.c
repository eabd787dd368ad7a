#include "client/process/real.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "client/process/kernel.h"

/* --- before binding --------------------------------------------------------------------------- */

#define ARGS(...) , __VA_ARGS__
#define SC_REAL(type, name, params, args)                                                          \
    static type raw_##name params                                                                  \
    {                                                                                              \
        return (type)sc_kernel(SYS_##name ARGS args);                                              \
    }
#define SC_REAL_LIBC(type, name, params)
#include "client/process/real.def"
#undef SC_REAL
#undef SC_REAL_LIBC

/* dup2 is no system call of every machine; equal numbers are what dup3 refuses. */
static int raw_dup2(int fd, int to)
{
    if (fd == to)
        return raw_fcntl(fd, 1 /* F_GETFD */, NULL) < 0 ? -1 : fd;
    return raw_dup3(fd, to, 0);
}

#define SC_REAL(type, name, params, args) .name = raw_##name,
#define SC_REAL_LIBC(type, name, params)
struct sc_real sc_real = {
#include "client/process/real.def"
    .dup2 = raw_dup2,
};
struct sc_real sc_next = {
#include "client/process/real.def"
    .dup2 = raw_dup2,
};
#undef SC_REAL
#undef SC_REAL_LIBC

/* --- binding ---------------------------------------------------------------------------------- */

static const struct entry {
    const char *name;
    size_t offset;
    bool in_both;
} entries[] = {
#define SC_REAL(type, name, params, args) {#name, offsetof(struct sc_real, name), false},
#define SC_REAL_LIBC(type, name, params) {#name, offsetof(struct sc_real, name), true},
#include "client/process/real.def"
};

static void put(struct sc_real *table, const struct entry *e, void *function)
{
    __atomic_store_n((void **)(void *)((char *)table + e->offset), function, __ATOMIC_RELAXED);
}

/* Only the shim stands in the global scope, before libc, where "the next" means something; a copy
 * inside a dlopened module has no next. */
static void *below(void)
{
    return sc_real_sees_all() ? RTLD_NEXT : dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
}

void sc_real_bind(void)
{
    static bool bound;
    if (__atomic_load_n(&bound, __ATOMIC_ACQUIRE))
        return;
    void *handle = below();
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        void *found = dlsym(handle, entries[i].name);
        if (found)
            put(&sc_next, &entries[i], found);
        if (found && entries[i].in_both)
            put(&sc_real, &entries[i], found);
    }
    __atomic_store_n(&bound, true, __ATOMIC_RELEASE);
}

__attribute__((constructor(101))) static void bind_early(void)
{
    sc_real_bind();
}
