"""The environment that puts an unmodified program on services."""

import os
import signal
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from . import paths
from .elf import Elf, NotElf


def environment(
    runtime_dir: Path,
    *,
    service: str | None = None,
    publish: Sequence[str] = (),
    all_local: bool = False,
    command: Sequence[str] = (),
    trap: bool = False,
    base: Mapping[str, str] | None = None,
    build: Path | None = None,
) -> dict[str, str]:
    """`base` (default: this process's environment) with the shim and its settings added.

    service: the name that the program's listening sockets serve. publish: "80:8000" gives service
    port 80 to the program's port 8000. all_local: loopback sockets become services too. command:
    what will run, since a program built with AddressSanitizer wants that library first. build: a
    tree whose shim it is.
    """
    result = dict(os.environ if base is None else base)
    preload = result.get("LD_PRELOAD", "").replace(" ", ":").split(":")
    shim = str(paths.part(paths.SHIM, build))
    if trap:
        libraries = [name for name in preload if name and Path(name).name != paths.SHIM]
    else:
        libraries = [*sanitizer_of(command), *filter(None, preload), shim]
    result["LD_PRELOAD"] = ":".join(dict.fromkeys(libraries))
    if not libraries:
        del result["LD_PRELOAD"]
    result["SCAFFOLD_RUNTIME_DIR"] = str(runtime_dir)
    if service:
        result["SCAFFOLD_SERVICE"] = service
    if publish:
        result["SCAFFOLD_PUBLISH"] = ",".join(publish)
    if all_local:
        result["SCAFFOLD_ALL_LOCAL"] = "1"
    return result


class Obstacle(NamedTuple):
    """Why a preload library cannot reach a program."""

    why: str
    """The end of a sentence that begins with the program."""
    trap: bool = False
    """Whether the kernel can hand over its calls instead."""


def obstacle(command: Sequence[str]) -> Obstacle | None:
    """What is in the preload library's way; None when nothing is known against it.

    A script is judged by its interpreter, and what env is to start by itself.
    """
    path = _program(command)
    if path is None:
        return None
    if why := _secure(path):
        return Obstacle(why)
    try:
        with Path(path).open("rb") as file:
            return _of_elf(Elf(file))
    except (NotElf, OSError):
        return None


_HOPS = 5
"""Scripts whose interpreters are scripts: the kernel gives up there, too."""


def _program(command: Sequence[str]) -> str | None:
    """The file that a command ends up in."""
    words = list(command)
    for _ in range(_HOPS):
        path = _found(words[0]) if words else None
        if path is None:
            return None
        words, before = _script(path, words), words
        if not words and Path(path).name == "env":
            words = _started_by_env(before[1:])
        if not words:
            return path
    return None


def _found(name: str) -> str | None:
    """Where execvp(3) would find a program."""
    paths = [name] if "/" in name else [f"{folder}/{name}" for folder in os.get_exec_path()]
    return next((path for path in paths if _runnable(path)), None)


def _runnable(path: str) -> bool:
    return os.access(path, os.X_OK) and not Path(path).is_dir()


def _script(path: str, words: list[str]) -> list[str]:
    """The words that the kernel starts a script's interpreter with; none for a program."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(256)
    except OSError:
        return []
    if not head.startswith(b"#!"):
        return []
    line = head[2:].split(b"\n")[0].decode(errors="replace").strip()
    return [*line.split(maxsplit=1), path, *words[1:]] if line else []


def _started_by_env(words: list[str]) -> list[str]:
    """What env(1) starts, given its arguments; none where that is not clear."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-u", "--unset", "-C", "--chdir"):
            del rest[:1]
        elif word.startswith("-S"):
            rest = [*(word[2:] or "".join(rest[:1])).split(), *rest[0 if word[2:] else 1 :]]
        elif word not in ("-", "-i", "--ignore-environment", "-v", "--debug", "--"):
            if word.startswith("-"):
                return []
            if "=" not in word:
                return [word, *rest]
    return []


def _secure(path: str) -> str | None:
    """Programs that gain rights are started without LD_PRELOAD (ld.so(8), AT_SECURE)."""
    status = Path(path).stat()
    if status.st_mode & stat.S_ISUID and status.st_uid != os.getuid():
        return "is setuid, so that the preload library is left out"
    if status.st_mode & stat.S_ISGID and status.st_gid != os.getgid():
        return "is setgid, so that the preload library is left out"
    with suppress(OSError):
        if os.getuid() != 0 and os.getxattr(path, "security.capability"):
            return "has file capabilities, so that the preload library is left out"
    return None


def _is_foreign(loader: str) -> bool:
    """Whether it is not the loader of our own Python, for whose libc the shim is built."""
    with Path("/proc/self/exe").open("rb") as file:
        own = Elf(file).loader()
    return bool(own) and Path(own).name != Path(loader).name


def _same_machine(elf: Elf) -> bool:
    with paths.part(paths.SHIM).open("rb") as file:
        shim = Elf(file)
    return (elf.machine, elf.bits) == (shim.machine, shim.bits)


def _of_elf(elf: Elf) -> Obstacle | None:
    if not _same_machine(elf):
        return Obstacle(f"is built for {_machine(elf)}, the preload library is not")
    if not elf.loader():
        return Obstacle("is statically linked, where no preload library is loaded", trap=True)
    if _is_foreign(elf.loader()):
        why = f"is loaded by {elf.loader()}, for which the preload library is not built"
        return Obstacle(why, trap=True)
    if b"Go" in elf.note_owners():
        return Obstacle("is a Go program, whose system calls go round libc", trap=True)
    return None


_MACHINES = {3: "i386", 21: "PowerPC", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}
"""The common ones of ELF's e_machine."""


def _machine(elf: Elf) -> str:
    return f"{_MACHINES.get(elf.machine, f'machine {elf.machine}')} ({elf.bits} bits)"


def sanitizer_of(command: Sequence[str]) -> list[str]:
    """The AddressSanitizer runtime that the program NEEDs, or nothing."""
    path = _program(command)
    if path is None:
        return []
    try:
        with Path(path).open("rb") as file:
            return [name for name in Elf(file).needed() if name.startswith("libasan.")]
    except (NotElf, OSError):  # a script, or not ours to read
        return []


def restore_signals() -> None:
    """What Python ignores for itself is not to be inherited, as in subprocess."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
