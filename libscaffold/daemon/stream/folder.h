/* The folder in which the sockets of this host's servers stand: <runtime_dir>/listeners, mode 0700.
 * Only scaffoldd's user and root get in, so whoever connects to a server there is scaffoldd, and no
 * server has to ask.
 *
 * scaffoldd works in it: then a socket's name is the file's alone, and fits however deep the
 * runtime directory lies. A file is named as the socket is (local/socket_name.h), and lasts as long
 * as scaffoldd knows the socket; those that a scaffoldd before this one left are cleared away at
 * start, when their sockets are gone. */
#ifndef SC_DAEMON_STREAM_FOLDER_H
#define SC_DAEMON_STREAM_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct sc_folder {
    int fd;
    int probe; /* a socket to ask with whether others are there */
    char path[128];
};

/* Makes the folder, or takes it over, and changes into it. Returns 0, or -1 with a line in `why`.
 */
int sc_folder_open(struct sc_folder *f, const char *runtime_dir, char *why, size_t size);
void sc_folder_close(struct sc_folder *f); /* the files stay */

/* A new stream socket at this file. Returns a descriptor or a negative errno. */
int sc_folder_make(const char *file);

/* Connects a stream socket to the one at this file. Returns 0 or a negative errno; ECONNREFUSED
 * also when somebody has taken the file away. */
int sc_folder_connect(int fd, const char *file);

/* Whether there is a socket at this file, listening or not, that somebody still holds. True also
 * when the kernel does not say. */
bool sc_folder_has(const struct sc_folder *f, const char *file);

void sc_folder_remove(const struct sc_folder *f, const char *file);

/* Removes the files whose sockets are gone. */
void sc_folder_tidy(const struct sc_folder *f);

#endif
