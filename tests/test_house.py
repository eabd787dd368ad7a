"""How libscaffold/ is laid out: what a folder may include, no calls in circles, sizes, tags, and
that stacks share nothing.

A folder below a folder is a room of its own. A file needs what `nm` calls undefined in its object:
functions that it calls, and those that it puts into a table or takes from one.
"""

import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "libscaffold"
BUILD = ROOT.parent / "build/dev"
MOST_LINES, MOST_NOUNS = 500, 25  # of a C file; of a folder, where a .c and its .h are one noun

# What a folder may include beside itself: folders of rows above its own, hence no circle. Folders
# below a folder ("daemon/stream") have rows for what they may see of each other, above its row; of
# all others they may see what it may.
MAY_INCLUDE = {
    "include/scaffold": "",
    "base": "",
    "wire": "base",
    "crypto": "base wire",
    "transport/congestion": "",
    "transport": "base wire crypto transport/congestion",
    "naming": "base wire crypto",
    "node": "base wire crypto transport naming",
    "channel": "base wire crypto node",
    "router": "base wire crypto naming node channel",
    "stack": "base wire crypto transport transport/congestion naming node channel router",
    "local": "base",
    "client/process": "",
    "client/names": "client/process",
    "client/options": "client/process",
    "client/explain": "client/process client/names client/options",
    "client/socket": "client/process client/options client/explain",
    "client/datagram": "client/process client/names client/options client/socket",
    "client/call": "client/process client/names client/options client/explain client/socket "
    "client/datagram",
    "client": "include/scaffold base local client/process client/names client/options "
    "client/explain client/socket client/datagram client/call",
    "trap/process": "",
    "trap/relay": "trap/process",
    "trap": "include/scaffold base local naming client trap/process trap/relay",
    "daemon/underlay": "",
    "daemon/state": "",
    "daemon/trust": "daemon/state",
    "daemon/stream": "",
    "daemon/datagram": "daemon/underlay daemon/stream",
    "daemon/control": "daemon/underlay daemon/trust daemon/stream daemon/datagram",
    "daemon": "base wire crypto transport transport/congestion naming node channel router stack "
    "local "
    "daemon/underlay daemon/state daemon/trust daemon/stream daemon/datagram daemon/control",
}
HALL = "daemon"
"""Its rooms see it: one scaffoldd (`daemon.h`), which has all of them, and what they share."""

# What breaks a rule today: exactly this, so that what is mended is struck out.
BROKEN = {"includes": "", "circles": "", "lines": "", "nouns": "", "tags": "", "keepers": ""}

# Two stacks may be two threads: whatever lasts from one call to the next stands in a stack.
PURE = {"wire", "crypto", "transport", "naming", "node", "channel", "router", "stack"}
KEPT = r"^\s*static (?!.*\b(?:const|inline|_Thread_local)\b)[^(\n]*[;=]"

TAG = r"^(?:struct|union|enum) (sc_\w+) \{"
FILES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in sorted(ROOT.rglob("*.*"))
    if path.suffix in (".c", ".h", ".cc") and ROOT / "python" not in path.parents
}


def folder(file: str) -> str:
    return str(Path(file).parent)


def seen_from(room: str) -> set[str]:
    house = room.split("/")[0]
    of_house = MAY_INCLUDE.get(house, "").split()
    outside = [other for other in of_house if not other.startswith(f"{house}/")]
    hall = {HALL} if house == HALL else set()
    return {room, *MAY_INCLUDE.get(room, "").split(), *outside, *hall}


def includes() -> set[str]:
    """Files that include what their folder may not see."""
    found = set()
    for file, text in FILES.items():
        named = re.findall(r'^#include ["<]([\w/.]+)[">]', text, re.M)
        ours = {folder(f) for name in named for f in (name, f"include/{name}") if f in FILES}
        if ours - seen_from(folder(file)):
            found.add(file)
    return found


def needs() -> dict[str, set[str]]:
    """The files of its own folder that a file needs."""
    if not (BUILD / "compile_commands.json").exists() and "SCAFFOLD_NO_NATIVE" in os.environ:
        pytest.skip("SCAFFOLD_NO_NATIVE is set")
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    output = re.compile(r" -o (\S+)")
    named = ((output.search(c["command"]), Path(c["file"])) for c in commands)
    sources = {str(BUILD / made[1]): file for made, file in named if made}
    objects = {o: str(s.relative_to(ROOT)) for o, s in sources.items() if ROOT in s.parents}
    command = ["nm", "--print-file-name", "--portability", "--extern-only", *objects]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    defined: dict[tuple[str, str], str] = {}
    undefined: set[tuple[str, str]] = set()
    for line in symbols.splitlines():
        name, symbol, kind = line.split()[:3]
        file = objects[name.removesuffix(":")]
        if kind in "Uw":
            undefined.add((file, symbol))
        else:
            defined[folder(file), symbol] = file
    found = defaultdict(set)
    for file, symbol in undefined:
        found[file].add(defined.get((folder(file), symbol), file))
    return found


def circles() -> set[str]:
    """Files that need themselves, by way of others of their folder."""
    reached = {file: others - {file} for file, others in needs().items()}
    for between in list(reached):
        for others in reached.values():
            if between in others:
                others |= reached[between]
    return {file for file, others in reached.items() if file in others}


def lines() -> set[str]:
    """Files that are too long."""
    return {file for file, text in FILES.items() if len(text.splitlines()) > MOST_LINES}


def nouns() -> set[str]:
    """Folders that hold too many nouns."""
    held = defaultdict(set)
    for file in FILES:
        held[folder(file)].add(Path(file).stem)
    return {room for room, names in held.items() if len(names) > MOST_NOUNS}


def tags() -> set[str]:
    """Tags that two structs have."""
    found = [tag for text in FILES.values() for tag in re.findall(TAG, text, re.M)]
    return {tag for tag in found if found.count(tag) > 1}


def keepers() -> set[str]:
    """Files below daemon/ that keep something which is no stack's."""
    return {
        f for f, text in FILES.items() if f.split("/")[0] in PURE and re.search(KEPT, text, re.M)
    }


@pytest.mark.parametrize("rule", [includes, circles, lines, nouns, tags, keepers])
def test_rule(rule: Callable[[], set[str]]) -> None:
    assert rule() == set(BROKEN[rule.__name__].split()), rule.__doc__


def test_a_row_names_rows_above_it() -> None:
    rows = list(MAY_INCLUDE)
    for row, others in MAY_INCLUDE.items():
        assert set(others.split()) <= set(rows[: rows.index(row)]), row
