"""configure.ac, and configure.in of older programs."""

import re

from .asks import asks
from .errors import NotUnderstood
from .insert import insert

_OUTPUT = re.compile(rb"^AC_OUTPUT\b", re.MULTILINE)
_PARTS = re.compile(rb"^[ \t]*AC_CONFIG_SUBDIRS\(([^)]*)\)", re.MULTILINE)


def change(data: bytes, module: str) -> bytes:
    """Flags for everything that is compiled and linked, added last: what configure tries out
    before is tried without libscaffold.

    pkg-config is asked without its macros: a program that runs autoconf without aclocal has none.
    """
    if asks(data, module):
        return data
    outputs = list(_OUTPUT.finditer(data))
    if not outputs:
        raise NotUnderstood("no AC_OUTPUT at a line's beginning to add CPPFLAGS and LIBS before")
    ask = "${PKG_CONFIG:-pkg-config}"
    lines = [
        f'CPPFLAGS="$CPPFLAGS `{ask} --cflags {module}`" || AC_MSG_ERROR([no {module}.pc])',
        f'LIBS="`{ask} --libs {module}` $LIBS"',
    ]
    return insert(data, outputs[-1].start(), lines)


def parts(data: bytes) -> set[str]:
    """The folders that have a configure of their own, which this one runs."""
    words = b" ".join(_PARTS.findall(data)).decode("utf-8", "replace")
    return set(re.sub(r"[][,]", " ", words).split())
