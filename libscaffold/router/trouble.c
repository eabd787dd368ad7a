#include "router/trouble.h"

#include <errno.h>

#include "wire/control.h"

static const int errors[] = {[SC_TROUBLE_SPACE] = ENOSPC,      [SC_TROUBLE_READ_ONLY] = EROFS,
                             [SC_TROUBLE_DAMAGED] = EUCLEAN,   [SC_TROUBLE_REMOVED] = ESTALE,
                             [SC_TROUBLE_SLOW] = ETIME,        [SC_TROUBLE_FAILED] = EIO,
                             [SC_TROUBLE_SHARE] = EDQUOT,      [SC_TROUBLE_STRANGER] = EACCES,
                             [SC_TROUBLE_OWNED] = EKEYREJECTED};

#define TROUBLES (sizeof errors / sizeof *errors)

uint8_t sc_trouble_of(int error)
{
    for (uint8_t i = 1; i < TROUBLES; i++)
        if (errors[i] == error)
            return i;
    return SC_TROUBLE_FAILED;
}

int sc_trouble_error(uint8_t trouble)
{
    return errors[trouble && trouble < TROUBLES ? trouble : SC_TROUBLE_FAILED];
}
