#include "trap/process/text.h"

#include <fcntl.h>
#include <unistd.h>

bool sc_text_read(const char *path, char *to, size_t room)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    size_t have = 0;
    ssize_t n;
    while (have < room - 1 && (n = read(file, to + have, room - 1 - have)) > 0)
        have += (size_t)n;
    close(file);
    to[have] = 0;
    return have > 0;
}
