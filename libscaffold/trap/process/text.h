/* Small files of /proc as text. */
#ifndef SC_TRAP_PROCESS_TEXT_H
#define SC_TRAP_PROCESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The file's beginning, with a final zero. False when it cannot be read. */
bool sc_text_read(const char *path, char *to, size_t room);

#endif
