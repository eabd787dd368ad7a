/* A secret key in a file of its own, `<folder>/<name>.key`: who can read it is this host. The
 * folder is 0700 and the file 0600, both this user's; looser ones are refused, not mended, since
 * somebody may have read them already. */
#ifndef SC_DAEMON_STATE_KEY_FILE_H
#define SC_DAEMON_STATE_KEY_FILE_H

#include <stddef.h>

#include "crypto/key.h"

/* Reads the seed of the key; makes one where there is none, and waits until it is on the disk.
 * Returns 0, or -1 with one line in `why` that says what, where and what to do. */
int sc_key_file_open(const char *folder, const char *name, uint8_t seed[SC_KEY_SEED_LEN], char *why,
                     size_t size);

/* Keeps this one in a new file, and waits until it is on the disk. Returns as sc_key_file_open. */
int sc_key_file_make(const char *folder, const char *name, const uint8_t seed[SC_KEY_SEED_LEN],
                     char *why, size_t size);

#endif
