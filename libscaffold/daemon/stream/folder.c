#include "daemon/stream/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local/socket_name.h"

/* What a socket looks like to fstat; and its file, which nobody else may connect to even where he
 * has a descriptor of it. */
#define SOCKET_MODE 0777
#define FILE_MODE 0600

/* --- the folder itself ------------------------------------------------------------------------ */

/* Ours alone, whatever it was before. Returns 0 or a negative errno. */
static int take_over(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid())
        return -EPERM;
    /* What clears old files away (systemd-tmpfiles) leaves a locked folder alone; where there are
     * no locks, nothing does that. */
    flock(fd, LOCK_SH | LOCK_NB);
    return fchmod(fd, 0700) < 0 || fchdir(fd) < 0 ? -errno : 0;
}

int sc_folder_open(struct sc_folder *f, const char *runtime_dir, char *why, size_t size)
{
    snprintf(f->path, sizeof f->path, "%s/listeners", runtime_dir);
    int err = mkdir(f->path, 0700) < 0 && errno != EEXIST ? -errno : 0;
    f->fd = err ? -1 : open(f->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (err == 0)
        err = f->fd < 0 ? -errno : take_over(f->fd);
    f->probe = err ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (err == 0 && f->probe < 0)
        err = -errno;
    if (err == 0)
        return 0;
    snprintf(why, size, "%s: %s; give a --runtime-dir that you can write to", f->path,
             err == -EPERM ? "it is another user's" : strerror(-err));
    sc_folder_close(f);
    return -1;
}

void sc_folder_close(struct sc_folder *f)
{
    int fds[] = {f->fd, f->probe};
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    f->fd = f->probe = -1;
}

/* --- sockets in it ---------------------------------------------------------------------------- */

static struct sockaddr_un address_of(const char *file)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    memcpy(sun.sun_path, file, strnlen(file, sizeof sun.sun_path - 1));
    return sun;
}

int sc_folder_make(const char *file)
{
    struct sockaddr_un sun = address_of(file);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, FILE_MODE) == 0 && bind(fd, (struct sockaddr *)&sun, sizeof sun) == 0 &&
        fchmod(fd, SOCKET_MODE) == 0)
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

int sc_folder_connect(int fd, const char *file)
{
    struct sockaddr_un sun = address_of(file);
    int err = connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0 ? -errno : 0;
    return err == -ENOENT ? -ECONNREFUSED : err;
}

/* A socket of another type is refused before anybody hears of it, and one that is gone is not
 * there to be of any type. */
bool sc_folder_has(const struct sc_folder *f, const char *file)
{
    return sc_folder_connect(f->probe, file) != -ECONNREFUSED;
}

void sc_folder_remove(const struct sc_folder *f, const char *file)
{
    unlinkat(f->fd, file, 0); /* gone already, or what keeps it will be seen by whoever looks */
}

void sc_folder_tidy(const struct sc_folder *f)
{
    struct sc_socket_name name;
    const struct dirent *e;
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *all = fd < 0 ? NULL : fdopendir(fd);
    if (!all && fd >= 0)
        close(fd);
    while (all && (e = readdir(all)) != NULL)
        if (sc_socket_name_read_key(e->d_name, &name) && name.kind == SC_SOCKET_BOUND &&
            !sc_folder_has(f, e->d_name))
            sc_folder_remove(f, e->d_name);
    if (all)
        closedir(all);
}
