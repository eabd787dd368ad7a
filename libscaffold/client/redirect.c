/* What scaffold.h declares and redirect.h points libc's names at. */
#define SC_SYMBOL(name) "scaffold_" #name
#include "client/entries.h"
