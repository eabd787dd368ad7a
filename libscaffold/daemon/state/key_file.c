#include "daemon/state/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base32.h"
#include "daemon/entropy.h"

/* The whole file: a line. */
#define TEXT_LEN (SC_BASE32_LEN(SC_KEY_SEED_LEN) + 1)

static int complain(const char *path, const char *what, const char *remedy, char *why, size_t size)
{
    snprintf(why, size, "%s: %s; %s", path, what, remedy);
    return -1;
}

/* Of a folder or file that holds a secret. */
static int check_mode(const char *path, const struct stat *st, char *why, size_t size)
{
    char what[96], remedy[64];
    unsigned mode = S_ISDIR(st->st_mode) ? 0700 : 0600;
    snprintf(remedy, sizeof remedy, "chmod %o it if only you have had access to it", mode);
    if (st->st_uid != geteuid()) {
        snprintf(what, sizeof what, "belongs to uid %u, and holds a key of uid %u", st->st_uid,
                 geteuid());
        return complain(path, what, "move it away, or run scaffoldd as its owner", why, size);
    }
    if ((st->st_mode & 077) == 0)
        return 0;
    snprintf(what, sizeof what, "others can get at it (mode %04o), and it holds a key",
             st->st_mode & 07777);
    return complain(path, what, remedy, why, size);
}

static int open_folder(const char *folder, char *why, size_t size)
{
    struct stat st;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return complain(folder, strerror(errno), "give a --state-dir that you can write to", why,
                        size);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        complain(folder, strerror(errno), "it has to be a folder of yours", why, size);
    else if (check_mode(folder, &st, why, size) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int read_file(int fd, const char *path, uint8_t seed[SC_KEY_SEED_LEN], char *why,
                     size_t size)
{
    struct stat st;
    char text[TEXT_LEN + 1];
    if (fstat(fd, &st) < 0)
        return complain(path, strerror(errno), "look at the disk", why, size);
    if (check_mode(path, &st, why, size) < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text);
    bool whole = n == TEXT_LEN && text[TEXT_LEN - 1] == '\n';
    if (whole)
        text[TEXT_LEN - 1] = 0;
    whole = whole && sc_base32_read(text, seed, SC_KEY_SEED_LEN);
    OPENSSL_cleanse(text, sizeof text);
    return whole ? 0
                 : complain(path, "damaged: a key is 52 characters of a-z and 2-7",
                            "put a copy of it back, or remove it: then this is another host", why,
                            size);
}

static bool write_all(int fd, const char *text, size_t len)
{
    ssize_t n = write(fd, text, len);
    if (n >= 0 && (size_t)n < len)
        errno = ENOSPC;
    return n == (ssize_t)len && fsync(fd) == 0;
}

/* Whole, or not at all: under another name first. */
static int write_file(int folder, const char *name, const char *path,
                      const uint8_t seed[SC_KEY_SEED_LEN], char *why, size_t size)
{
    char text[TEXT_LEN + 1], draft[80];
    snprintf(draft, sizeof draft, "%s.new", name);
    sc_base32_write(seed, SC_KEY_SEED_LEN, text);
    text[TEXT_LEN - 1] = '\n';
    unlinkat(folder, draft, 0); /* of a start that was cut off */
    int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write_all(fd, text, TEXT_LEN) &&
                renameat(folder, draft, folder, name) == 0 && fsync(folder) == 0;
    int error = errno;
    OPENSSL_cleanse(text, sizeof text);
    if (fd >= 0)
        close(fd);
    return done ? 0
                : complain(path, strerror(error), "free some space, or give another --state-dir",
                           why, size);
}

/* Where a key is, or is to be. */
struct place {
    int folder;
    char file[64], path[512];
};

static int find(struct place *p, const char *folder, const char *name, char *why, size_t size)
{
    p->folder = open_folder(folder, why, size);
    snprintf(p->file, sizeof p->file, "%s.key", name);
    snprintf(p->path, sizeof p->path, "%s/%s", folder, p->file);
    return p->folder < 0 ? -1 : 0;
}

int sc_key_file_make(const char *folder, const char *name, const uint8_t seed[SC_KEY_SEED_LEN],
                     char *why, size_t size)
{
    struct place p;
    if (find(&p, folder, name, why, size) < 0)
        return -1;
    int err = write_file(p.folder, p.file, p.path, seed, why, size);
    close(p.folder);
    return err;
}

static int make_new(const struct place *p, uint8_t seed[SC_KEY_SEED_LEN], char *why, size_t size)
{
    sc_random(seed, SC_KEY_SEED_LEN);
    return write_file(p->folder, p->file, p->path, seed, why, size);
}

int sc_key_file_open(const char *folder, const char *name, uint8_t seed[SC_KEY_SEED_LEN], char *why,
                     size_t size)
{
    struct place p;
    if (find(&p, folder, name, why, size) < 0)
        return -1;
    int fd = openat(p.folder, p.file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), err = -1;
    if (fd >= 0)
        err = read_file(fd, p.path, seed, why, size);
    else if (errno == ENOENT)
        err = make_new(&p, seed, why, size);
    else
        complain(p.path, strerror(errno), "it has to be a file of yours", why, size);
    if (fd >= 0)
        close(fd);
    close(p.folder);
    return err;
}
