/* Text of others in lines of ours: a name, a program's comm, a host's word. Pure. */
#ifndef SC_BASE_ESCAPE_H
#define SC_BASE_ESCAPE_H

#include <stddef.h>

/* Copies `text` so that it stays on one line and cannot move a terminal's cursor or turn its
 * direction: well-formed UTF-8 as it is, every byte of anything else (control characters, broken
 * sequences, a backslash) as \xNN. Cut, never inside a character, to `size` with the final zero;
 * `size` is at least 1. Returns the length. */
size_t sc_escape(char *out, size_t size, const char *text);

#endif
