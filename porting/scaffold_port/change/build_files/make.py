"""Makefiles that are written by hand, for GNU make."""

import re

from .errors import NotUnderstood
from .insert import insert

_COMPILES = ("CPPFLAGS", "CFLAGS", "CXXFLAGS")
_LINKS = ("LDLIBS", "LIBS", "LDADD", "EXTRA_LIBS", "LFLAGS", "LDFLAGS")
_RULE = re.compile(rb"^[^\s#:=][^\n:=]*:(?!=)", re.MULTILINE)
_RECIPE = re.compile(rb"^\t.*\$[({](?:CC|CXX|LD|LINK\.\w+)[)}]", re.MULTILINE)
_BSD = re.compile(rb"^\.include\b", re.MULTILINE)


def change(data: bytes, module: str) -> bytes:
    """The flags are added to the variables that the recipes use, behind all that set them."""
    if f" {module})".encode() in data:
        return data
    if _BSD.search(data):
        raise NotUnderstood(f"BSD make: add what `pkg-config --cflags --libs {module}` prints")
    built_in = _RECIPE.search(data) is None
    compiles, links = _first(_COMPILES, data, built_in), _first(_LINKS, data, built_in)
    if not compiles or not links:
        raise NotUnderstood(
            f"no variables for flags: add what `pkg-config --cflags --libs {module}` prints"
        )
    for name, option in ((compiles, "cflags"), (links, "libs")):
        line = f"{name} += $(shell pkg-config --{option} {module})"
        data = insert(data, _place(data, name), [line])
    return data


def _first(names: tuple[str, ...], data: bytes, built_in: bool) -> str:
    """The first that a recipe uses; without recipes those of make's own (GNU make, 10.2)."""
    for name in names:
        if re.search(rb"\$[({]%s[)}]" % name.encode(), data):
            return name
    return names[0] if built_in else ""


def _place(data: bytes, name: str) -> int:
    """Behind the last line that sets the variable and that no condition surrounds; else before the
    first rule."""
    at, depth = -1, 0
    setting = re.compile(rb"[ ]*(?:override[ ]+)?%s[ \t]*[:?+]{0,3}=" % name.encode())
    offset, continued, ours = 0, False, False
    for line in data.splitlines(keepends=True):
        if not continued:
            depth += _depth(line)
            ours = depth == 0 and setting.match(line) is not None
        offset += len(line)
        continued = line.rstrip(b"\r\n").endswith(b"\\")
        if ours and not continued:
            at = offset
            ours = False
    if at >= 0:
        return at
    rule = _RULE.search(data)
    return rule.start() if rule else len(data)


def _depth(line: bytes) -> int:
    word = line.strip().split(b" ")[0]
    if word in (b"ifeq", b"ifneq", b"ifdef", b"ifndef") or word.startswith((b"ifeq(", b"ifneq(")):
        return 1
    return -1 if word == b"endif" else 0
