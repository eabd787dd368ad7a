#include "exec_target.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "client/process/kernel.h"

/* How often the kernel follows a script's interpreter to another script. */
#define SCRIPTS_MAX 5
/* What the kernel reads of a script's first line. */
#define LINE_MAX_BYTES 256
/* Program headers of programs are a dozen; what lies beyond is not looked at. */
#define HEADERS_MAX 64

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#define OWN_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#define OWN_CLASS ELFCLASS32
#endif

/* --- our own loader --------------------------------------------------------------------------- */

/* Its name without a folder: ld-linux-x86-64.so.2. Empty where it was itself started as a program.
 */
static char own_loader[64];

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

__attribute__((constructor(106))) static void find_own_loader(void)
{
    Dl_info info;
    const void *base = (const void *)(uintptr_t)getauxval(AT_BASE);
    if (base && dladdr(base, &info) && strlen(name_of(info.dli_fname)) < sizeof own_loader)
        strcpy(own_loader, name_of(info.dli_fname));
}

/* --- the file --------------------------------------------------------------------------------- */

static bool read_at(int fd, uint64_t offset, void *to, size_t len)
{
    return sc_kernel(SYS_pread64, fd, to, len, offset) == (long)len;
}

static const char *judge_loader(int fd, const elf_segment *s)
{
    char path[PATH_MAX];
    size_t len = s->p_filesz;
    if (len == 0 || len > sizeof path || !read_at(fd, s->p_offset, path, len))
        return NULL;
    path[len - 1] = 0;
    if (!*own_loader || strcmp(name_of(path), own_loader) == 0)
        return NULL;
    return "is a program of another libc, for which the preload library is not built";
}

/* A program without a loader is static, or a loader itself: `name` tells. */
static const char *judge_elf(int fd, const char *name)
{
    elf_header head;
    elf_segment s;
    if (!read_at(fd, 0, &head, sizeof head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    if (head.e_ident[EI_CLASS] != OWN_CLASS)
        return "is built for another machine than the preload library";
    if (head.e_phentsize != sizeof s)
        return NULL;
    for (unsigned i = 0; i < head.e_phnum && i < HEADERS_MAX; i++) {
        if (!read_at(fd, head.e_phoff + i * sizeof s, &s, sizeof s))
            return NULL;
        if (s.p_type == PT_INTERP)
            return judge_loader(fd, &s);
    }
    return *own_loader && strcmp(name_of(name), own_loader) == 0
               ? NULL
               : "is statically linked, where no preload library is loaded";
}

/* The interpreter that a script's first line names. */
static bool read_interpreter(int fd, char to[LINE_MAX_BYTES])
{
    char line[LINE_MAX_BYTES] = "";
    if (sc_kernel(SYS_pread64, fd, line, sizeof line - 1, 0) < 2 || memcmp(line, "#!", 2) != 0)
        return false;
    const char *from = line + 2 + strspn(line + 2, " \t");
    size_t len = strcspn(from, " \t\r\n");
    memcpy(to, from, len);
    to[len] = 0;
    return len > 0;
}

/* --- rights ----------------------------------------------------------------------------------- */

static bool has_capabilities(int fd)
{
    char path[32] = "/proc/self/fd/";
    char digits[12];
    char *at = digits + sizeof digits;
    *--at = 0;
    for (unsigned value = (unsigned)fd;; value /= 10) {
        *--at = (char)('0' + value % 10);
        if (value < 10)
            break;
    }
    strcat(path, at);
    return sc_kernel(SYS_getxattr, path, "security.capability", NULL, 0) > 0;
}

/* Programs that gain rights, or are started by who has gained some, ignore LD_PRELOAD (AT_SECURE).
 */
static const char *judge_rights(int fd)
{
    struct stat st;
    if (sc_kernel_fstat(fd, &st) < 0)
        return NULL;
    uid_t user = (uid_t)sc_kernel(SYS_getuid);
    gid_t group = (gid_t)sc_kernel(SYS_getgid);
    bool gains = sc_kernel(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
    bool setuid = gains && (st.st_mode & S_ISUID);
    bool setgid = gains && (st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP);
    if ((setuid ? st.st_uid : (uid_t)sc_kernel(SYS_geteuid)) != user ||
        (setgid ? st.st_gid : (gid_t)sc_kernel(SYS_getegid)) != group)
        return "has other rights than who starts it, so that no preload library is loaded";
    if (gains && user != 0 && has_capabilities(fd))
        return "has file capabilities, so that no preload library is loaded";
    return NULL;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* A program may be there to be run and not to be read. */
static int open_target(int dir, const char *path, int flags)
{
    if ((flags & AT_EMPTY_PATH) && !*path)
        return (int)sc_kernel(SYS_fcntl, dir, F_DUPFD_CLOEXEC, 0);
    long fd = sc_kernel(SYS_openat, dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 ? (int)fd : (int)sc_kernel(SYS_openat, dir, path, O_PATH | O_CLOEXEC);
}

/* The kernel does not look at the rights of a script: then, too, only its interpreter counts. */
static enum shim_target judge(int fd, const char *path, const char **why)
{
    *why = judge_rights(fd);
    if (!*why)
        *why = judge_elf(fd, path);
    return *why ? SHIM_TARGET_UNREACHED : SHIM_TARGET_REACHED;
}

enum shim_target shim_look_at(int dir, const char *path, int flags, const char **why)
{
    char interpreter[LINE_MAX_BYTES];
    enum shim_target verdict = SHIM_TARGET_ABSENT;
    bool script = true;
    int kept = errno;
    for (int i = 0; script && i < SCRIPTS_MAX; i++) {
        int fd = open_target(dir, path, flags);
        if (fd < 0)
            break;
        script = read_interpreter(fd, interpreter);
        if (!script)
            verdict = judge(fd, path, why);
        sc_kernel(SYS_close, fd);
        dir = AT_FDCWD;
        path = interpreter;
        flags = 0;
    }
    errno = kept;
    return verdict;
}
