"""Which way onto services a program has: the shim, the trap, or a port."""

import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import calls, closure, elf
from .closure import Closure
from .elf import Elf

SHIM = "shim works"
TRAP = "shim with --trap"
PORT = "port needed"
NONE = "no sockets"
UNKNOWN = "not known"

_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}
_LIBC = ("libc.so.6", "libpthread.so.0")
_LOADER = "ld-linux"
_OPENERS = frozenset({"dlopen", "dlmopen"})
_HIDING = {"syscall": "calls by number", **dict.fromkeys(_OPENERS, "calls of what it loads")}
"""Imports of a program behind which its socket calls may be, where files do not show them."""


@dataclass(frozen=True)
class Object:
    """A program or library, and the socket calls that it imports."""

    path: Path
    imports: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As one of "objects"."""
        return {"path": str(self.path), "imports": list(self.imports)}


@dataclass(frozen=True)
class Binary:
    """What was found out about one program. libc is not among its objects."""

    path: Path
    verdict: str
    reason: str
    warnings: tuple[str, ...]
    objects: tuple[Object, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As one of "binaries"."""
        return {
            "path": str(self.path),
            "verdict": self.verdict,
            "reason": self.reason,
            "warnings": list(self.warnings),
            "objects": [one.to_json() for one in self.objects],
            "missing": list(self.missing),
        }


def audit(path: Path) -> Binary:
    """Look at a program and all that it loads. elf.Unreadable: it cannot be."""
    found = closure.resolve(elf.read(path))
    own = [one for one in found.objects if one is found.program or not _is_libc(one)]
    objects = tuple(Object(one.path, _socket_calls(one)) for one in own)
    verdict, reason = _judge(found, own)
    warnings = tuple(_warnings(found, own, verdict))
    return Binary(path, verdict, reason, warnings, objects, found.missing)


def document(binaries: Iterable[Binary]) -> dict[str, Any]:
    """What `scaffold-port audit --json` prints: `docs/schemas/audit.schema.json`."""
    return {"schema": 1, "binaries": [one.to_json() for one in binaries]}


def _is_libc(one: Elf) -> bool:
    name = one.soname or one.path.name
    return name in _LIBC or name.startswith(_LOADER)


def _socket_calls(one: Elf) -> tuple[str, ...]:
    return tuple(sorted(one.imports & calls.SOCKET))


# --- the verdict ---------------------------------------------------------------------------------


def _judge(found: Closure, own: list[Elf]) -> tuple[str, str]:
    program = found.program
    importers = [one for one in own if _socket_calls(one)]
    round_libc = _round_libc(program, own)
    if not importers and not round_libc and not program.static:
        return _without_calls(program)
    if program.static and not program.go and not _may_make_sockets(program):
        return NONE, "It is static, and none of its system calls is a socket call."
    if program.bits != 64 or program.machine not in _MACHINES:
        return PORT, f"It is built for {_built_for(program)}, where there is no shim and no trap."
    obstacle = _obstacle(found, round_libc)
    if obstacle:
        return TRAP, obstacle
    return SHIM, f"It is dynamic and uses libc; {_names(importers)} socket calls."


def _without_calls(program: Elf) -> tuple[str, str]:
    """Of a program that imports none, nor does what it loads."""
    hiding = sorted(program.imports & _HIDING.keys())
    if not hiding:
        return NONE, "Neither the program nor a library that it loads imports a socket call."
    unseen = " and ".join(dict.fromkeys(_HIDING[name] for name in hiding))
    return (
        UNKNOWN,
        f"It imports {' and '.join(hiding)}: {unseen} were not looked at. The shim serves them.",
    )


def _names(importers: list[Elf]) -> str:
    first = importers[0].path.name
    more = len(importers) - 1
    return f"{first} and {_count(more, 'other object')} import" if more else f"{first} imports"


def _may_make_sockets(one: Elf) -> bool:
    return bool(one.direct.sockets or one.direct.unknown)


def _round_libc(program: Elf, own: list[Elf]) -> list[tuple[Elf, str]]:
    """Objects whose socket calls libc does not see, and how that shows.

    A library's calls count when they are known to be socket calls: many make others, as those of
    OpenMP do to wait.
    """
    found = []
    for one in own:
        direct = one.direct
        if one.go:
            found.append((one, "is written in Go, whose system calls go round libc"))
        elif direct.sockets and not _socket_calls(one):
            found.append((one, f"makes {_count(direct.sockets, 'socket call')} without libc"))
        elif one is program and not one.static and direct.unknown and not _socket_calls(one):
            text = _count(direct.unknown, "system call")
            found.append((one, f"makes {text} without libc, which may be socket calls"))
    return found


def _obstacle(found: Closure, round_libc: list[tuple[Elf, str]]) -> str | None:
    """Why the preload library would not be enough."""
    program = found.program
    if program.rights:
        return (
            f"It gains rights ({', '.join(program.rights)}), so that ld.so leaves LD_PRELOAD out;"
            " the trap runs it without those rights."
        )
    if program.static and not program.go:
        unsure = "" if program.direct.sockets else "; whether it makes sockets cannot be told"
        return f"It is static: no preload library is loaded{unsure}."
    for one, how in round_libc:
        return f"{'It' if one is program else one.path.name} {how}."
    if program.interpreter and not Path(program.interpreter).name.startswith(_LOADER):
        return f"Its loader is {program.interpreter}, for which the shim is not built."
    if not any(_is_libc(one) for one in found.objects) and "libc.so.6" not in found.missing:
        return "It does not load glibc, which the shim stands before."
    return None


def _built_for(program: Elf) -> str:
    name = program.machine.removeprefix("EM_").replace("386", "i386")
    return f"{name} ({program.bits} bits)"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# --- warnings ------------------------------------------------------------------------------------


def _warnings(found: Closure, own: list[Elf], verdict: str) -> Iterator[str]:
    program = found.program
    for name in found.missing:
        yield f"{name} was not found: what it calls is not known"
    if _MACHINES.get(program.machine, platform.machine()) != platform.machine():
        yield f"built for {_built_for(program)}, and its libraries were looked for on this machine"
    if program.interpreter and not Path(program.interpreter).exists():
        yield f"its loader {program.interpreter} is not there: it cannot be started here"
    for one in own:
        yield from _remarks(one)
    yield from _unseen(program, own, verdict)


def _remarks(one: Elf) -> Iterator[str]:
    name = one.path.name
    remarks: dict[str, list[str]] = {}
    for symbol in sorted(one.imports):
        for pattern, text in calls.REMARKS.items():
            if pattern.match(symbol):
                remarks.setdefault(text, []).append(symbol)
    for text, symbols in remarks.items():
        more = f" and {len(symbols) - 1} more" if len(symbols) > 1 else ""
        yield f"{name} imports {symbols[0]}{more}: {text}"
    if one.direct.io_uring:
        yield f"{name} {calls.IO_URING}"


def _unseen(program: Elf, own: list[Elf], verdict: str) -> Iterator[str]:
    """What reading files does not show."""
    direct = program.direct
    if direct.count and not program.static and not program.go:
        yield f"{program.path.name} contains {_count(direct.count, 'direct system call')}"
    has_sockets = verdict not in (NONE, UNKNOWN)  # then a library's are no news
    for one in own:
        if one.imports & _OPENERS and (one is program) == has_sockets:
            yield f"{one.path.name} imports dlopen: what it loads as it runs was not looked at"
