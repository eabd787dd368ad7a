"""configure.ac, and configure.in of older programs."""

import re

from .errors import NotUnderstood
from .insert import insert

_OUTPUT = re.compile(rb"^[ \t]*AC_OUTPUT\b", re.MULTILINE)


def change(data: bytes, module: str) -> bytes:
    """Flags for everything that is compiled and linked, added last: what configure tries out
    before is tried without libscaffold."""
    if f"[{module}]".encode() in data:
        return data
    output = _OUTPUT.search(data)
    if output is None:
        raise NotUnderstood(f"no AC_OUTPUT: add PKG_CHECK_MODULES([SCAFFOLD], [{module}])")
    lines = [
        f"PKG_CHECK_MODULES([SCAFFOLD], [{module}])",
        'CPPFLAGS="$CPPFLAGS $SCAFFOLD_CFLAGS"',
        'LIBS="$SCAFFOLD_LIBS $LIBS"',
    ]
    return insert(data, output.start(), lines)
