"""Makefiles that are written by hand, for GNU make."""

import re

from .asks import asks
from .errors import NotUnderstood
from .insert import insert

_IN_FRONT = ("LFLAGS", "LDFLAGS")
"""Stand before the objects, where --as-needed, some compilers' default, drops a library."""
_LINKS = ("LDLIBS", "LIBS", "LDADD", "EXTRA_LIBS", *_IN_FRONT)
_SETS = re.compile(rb"[ \t]*(?:(?:override|export)[ ]+)?(\w+)[ \t]*[:?+]{0,3}=")
_COMMENT = re.compile(rb"^[ \t]*#[^\n]*", re.MULTILINE)
_GENERATED = re.compile(
    rb"(?:[ \t]*(?:#[^\n]*)?\n)*?#[^\n]*\bgenerated (?:automatically )?(?:from|by)\b",
    re.IGNORECASE,
)
_OTHER_MAKE = re.compile(rb"^(?:\.[ \t]*(?:include|if)|![ \t]*(?i:include|if))\b", re.MULTILINE)
_RULE = re.compile(rb"^[^\s#:=][^\n:=]*:(?!=)", re.MULTILINE)
_NEEDS = re.compile(rb"^[^\s#:=][^\n:=]*:(?!=)((?:\\\n|[^\n])*)", re.MULTILINE)
_RECIPE = re.compile(
    rb"^\t[^\n]*(?:\$[({](?:CC|CXX|LD|LINK\.\w+)[)}]"
    rb"|(?<![\w.-])(?:cc|c\+\+|gcc|g\+\+|clang|clang\+\+)(?![\w.+-]))",
    re.MULTILINE,
)
_RULE_OF_OBJECTS = re.compile(
    rb"^[^\s#:=][^\n:=]*\.o\b[^\n:=]*:(?![:=])(?:\\\n|[^\n])*\n\t", re.MULTILINE
)
_LINKS_OBJECTS = re.compile(rb"^(?!.*(?:\s-c\b|\.(?:c|cc|cpp|cxx|C)\b)).*(?:\.o\b|\$[({]\w*OBJ)")
_OBJECTS = re.compile(rb"^[^\t\n][^\n]*\.(?:o|c|cc|cpp|cxx|C)\b", re.MULTILINE)


def is_generated(data: bytes) -> bool:
    """Another file is what people write."""
    return _GENERATED.match(data) is not None


def builds(data: bytes) -> bool:
    """It compiles or links, by its own recipes or by make's, and does not only call others."""
    text = _COMMENT.sub(b"", data)
    return bool(_RECIPE.search(text) or _OBJECTS.search(text) or _OTHER_MAKE.search(text))


def change(data: bytes, module: str) -> bytes:
    """The flags are added to the variables that the recipes use, behind all that set them."""
    if asks(data, module):
        return data
    if is_generated(data):
        raise NotUnderstood("generated: change what it is made from")
    if _OTHER_MAKE.search(data):
        raise NotUnderstood("not for GNU make")
    text = _COMMENT.sub(b"", data)
    compiles = _compiles(text)
    links = [name for name in _used(_LINKS, text) if not _is_needed(name, text)][:1]
    recipes = [text[found.start() :].split(b"\n", 1)[0] for found in _RECIPE.finditer(text)]
    if not _RULE_OF_OBJECTS.search(text):  # make's own recipes use these (GNU make, 10.2)
        if all(map(_LINKS_OBJECTS.match, recipes)):
            compiles = compiles or ["CPPFLAGS"]
        if not recipes:
            links = links or ["LDLIBS"]
    if not compiles or not links:
        missing = "flags" if links else "libraries" if compiles else "flags and libraries"
        raise NotUnderstood(f"its recipes have no variable for {missing}")
    for name in (*compiles, links[0]):
        if re.search(rb"^[^\t#\n=]+:[ \t]*%s[ \t]*:?=" % name.encode(), text, re.MULTILINE):
            raise NotUnderstood(f"a target has {name} of its own")
    for name in compiles:
        data = _add(data, name, _asked(f"--cflags {module}"))
    libs = _asked(f"--libs {module}")
    if links[0] in _IN_FRONT:
        libs = f"-Wl,--push-state,--no-as-needed {libs} -Wl,--pop-state"
    return _add(data, links[0], libs)


def _compiles(text: bytes) -> list[str]:
    """CPPFLAGS are C's and C++'s."""
    return _used(("CPPFLAGS",), text) or _used(("CFLAGS", "CXXFLAGS"), text)


def _used(names: tuple[str, ...], text: bytes) -> list[str]:
    return [name for name in names if re.search(rb"\$[({]%s[)}]" % name.encode(), text)]


def _is_needed(name: str, text: bytes) -> bool:
    """A rule has it among what its target is made from: files, not flags."""
    return any(_used((name,), found[1]) for found in _NEEDS.finditer(text))


def _add(data: bytes, name: str, words: str) -> bytes:
    return insert(data, _place(data, name), [f"{name} += {words}"])


def _asked(words: str) -> str:
    return f"$(shell pkg-config {words})"


def _place(data: bytes, name: str) -> int:
    """Behind the last line that sets the variable, and the condition that it stands in; else before
    the first rule."""
    at, end, depth = -1, 0, 0
    found = continued = in_rule = False
    for line in data.splitlines(keepends=True):
        end += len(line)
        in_recipe = in_rule and line.startswith(b"\t")
        if not continued and not in_recipe:
            change = _depth(line)
            depth += change
            in_rule = bool(_RULE.match(line)) or (in_rule and bool(change or not line.strip()))
            found = found or _sets(line) == name
        continued = line.rstrip(b"\r\n").endswith(b"\\")
        if found and depth == 0 and not continued:
            at, found = end, False
    if at >= 0:
        return at
    rule = _RULE.search(data)
    return rule.start() if rule else len(data)


def _sets(line: bytes) -> str:
    found = _SETS.match(line)
    return found[1].decode() if found else ""


def _depth(line: bytes) -> int:
    word = re.match(rb"[ \t]*(\w*)", line)
    if word is None or word[1] not in (b"ifeq", b"ifneq", b"ifdef", b"ifndef", b"endif"):
        return 0
    return -1 if word[1] == b"endif" else 1
