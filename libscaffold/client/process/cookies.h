/* What is remembered of sockets, by their SO_COOKIE, which the kernel never gives twice: so nothing
 * needs to be taken out when a descriptor is closed behind our back. Tables of fixed size, without
 * a lock, signal-safe; when the neighbourhood of an entry is full, that of the oldest socket is
 * taken.
 */
#ifndef SC_CLIENT_PROCESS_COOKIES_H
#define SC_CLIENT_PROCESS_COOKIES_H

#include <stddef.h>
#include <stdint.h>

/* Sockets of one process of which there is something to remember; a power of two. */
#define SC_COOKIES_MAX 4096

/* Memory for SC_COOKIES_MAX entries of `size` bytes. The first member of each is its cookie, a
 * uint64_t; 0: free. */
struct sc_cookie_table {
    void *entries;
    size_t size;
};

/* The socket's cookie, or 0. errno is kept. */
uint64_t sc_cookie(int fd);

/* The socket's entry, or NULL. */
void *sc_cookie_find(const struct sc_cookie_table *t, uint64_t cookie);

/* The entry to give to a socket that has none: free, or of the socket with the lowest cookie. */
void *sc_cookie_choose(const struct sc_cookie_table *t, uint64_t cookie);

#endif
