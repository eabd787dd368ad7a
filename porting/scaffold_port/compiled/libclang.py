"""The library that reads C and C++ as clang does; it is not there without the extra `clang`."""

import ctypes
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

REMEDY = "pip install 'scaffold-net[clang]', or '.[clang]' in a checkout"


@cache
def cindex() -> Any | None:
    """Its binding, which has no types; None: there is none, or no library for it."""
    try:
        found = import_module("clang.cindex")
    except ImportError:
        return None
    native = Path(str(found.__file__)).with_name("native")
    if native.is_dir() and not found.Config.loaded:
        # The package `clang` puts a binding in the same place, which does not look there. Where a
        # file was named, that still comes first.
        found.Config.set_library_path(str(native))
    try:
        return found if found.conf.lib else None
    except found.LibclangError:
        return None


def version() -> str:
    """As the library says it."""
    found = cindex()
    assert found is not None
    library = ctypes.CDLL(found.conf.lib._name)
    library.clang_getClangVersion.restype = found._CXString
    library.clang_getCString.restype = ctypes.c_char_p
    library.clang_getCString.argtypes = [found._CXString]
    return str(library.clang_getCString(library.clang_getClangVersion()), "utf-8")
