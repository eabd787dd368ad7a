"""The environment that puts an unmodified program on services."""

import os
import signal
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

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
) -> dict[str, str]:
    """`base` (default: this process's environment) with the shim and its settings added.

    service: the name that the program's listening sockets serve. publish: "80:8000" gives service
    port 80 to the program's port 8000. all_local: loopback sockets become services too. command:
    what will run, since a program built with AddressSanitizer wants that library first, and one of
    another libc no shim at all.
    """
    result = dict(os.environ if base is None else base)
    preload = result.get("LD_PRELOAD", "").replace(" ", ":").split(":")
    shim = str(paths.part(paths.SHIM))
    if trap or _ends_on_preload(command):
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


def obstacle(command: Sequence[str]) -> str | None:
    """Why a preload library cannot reach this program; None when nothing is known against it.

    A script is judged by its interpreter.
    """
    path = _found(command[0]) if command else None
    path = _interpreter_of(path) if path else None
    if path is None:
        return None
    why = _secure(path)
    try:
        with Path(path).open("rb") as file:
            return why or _of_elf(Elf(file))
    except (NotElf, OSError):
        return why


def _found(name: str) -> str | None:
    """Where execvp(3) would find a program."""
    paths = [name] if "/" in name else [f"{folder}/{name}" for folder in os.get_exec_path()]
    return next((path for path in paths if _runnable(path)), None)


def _runnable(path: str) -> bool:
    return os.access(path, os.X_OK) and not Path(path).is_dir()


def _interpreter_of(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            head = file.read(256)
    except OSError:
        return path
    if not head.startswith(b"#!"):
        return path
    words = head[2:].split(b"\n")[0].decode(errors="replace").split()
    if words and Path(words[0]).name == "env" and len(words) > 1:
        return _found(words[1])
    return words[0] if words else None


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


def _ends_on_preload(command: Sequence[str]) -> bool:
    """Whether it cannot be started with the shim: musl's loader, unlike glibc's, gives up on what
    it cannot load."""
    path = _found(command[0]) if command else None
    path = _interpreter_of(path) if path else None
    try:
        with Path(path or "").open("rb") as file:
            elf = Elf(file)
            return _same_machine(elf) and bool(elf.loader()) and _is_foreign(elf.loader())
    except (NotElf, OSError):
        return False


def _is_foreign(loader: str) -> bool:
    """Whether it is not the loader of our own Python, for whose libc the shim is built."""
    with Path("/proc/self/exe").open("rb") as file:
        own = Elf(file).loader()
    return bool(own) and Path(own).name != Path(loader).name


def _same_machine(elf: Elf) -> bool:
    with paths.part(paths.SHIM).open("rb") as file:
        shim = Elf(file)
    return (elf.machine, elf.bits) == (shim.machine, shim.bits)


def _of_elf(elf: Elf) -> str | None:
    if not _same_machine(elf):
        return f"is built for {_machine(elf)}, the preload library is not"
    if not elf.loader():
        return "is statically linked, where no preload library is loaded"
    if _is_foreign(elf.loader()):
        return f"is loaded by {elf.loader()}, for which the preload library is not built"
    if b"Go" in elf.note_owners():
        return "is a Go program, whose system calls go round libc"
    return None


_MACHINES = {3: "i386", 21: "PowerPC", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}
"""The common ones of ELF's e_machine."""


def _machine(elf: Elf) -> str:
    return f"{_MACHINES.get(elf.machine, f'machine {elf.machine}')} ({elf.bits} bits)"


def sanitizer_of(command: Sequence[str]) -> list[str]:
    """The AddressSanitizer runtime that the program NEEDs, or nothing."""
    path = _found(command[0]) if command else None
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
