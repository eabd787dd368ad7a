"""The environment that puts an unmodified program on services."""

import os
import shutil
import signal
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from . import paths


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
    what will run, since a program built with AddressSanitizer wants that library first.
    """
    result = dict(os.environ if base is None else base)
    preload = result.get("LD_PRELOAD", "").replace(" ", ":").split(":")
    shim = str(paths.part(paths.SHIM))
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


def obstacle(command: Sequence[str]) -> str | None:
    """Why a preload library cannot reach this program; None when nothing is known against it.

    A script is judged by its interpreter.
    """
    path = shutil.which(command[0]) if command else None
    path = _interpreter_of(path) if path else None
    if path is None:
        return None
    why = _secure(path)
    try:
        with Path(path).open("rb") as file:
            return why or _of_elf(ELFFile(file))
    except (ELFError, OSError):
        return why


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
        return shutil.which(words[1])
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


def _of_elf(elf: ELFFile) -> str | None:
    with Path(paths.part(paths.SHIM)).open("rb") as file:
        shim = ELFFile(file)
        if (elf["e_machine"], elf.elfclass) != (shim["e_machine"], shim.elfclass):
            return f"is built for {elf.get_machine_arch()}, the preload library is not"
    if not any(segment["p_type"] == "PT_INTERP" for segment in elf.iter_segments()):
        return "is statically linked, where no preload library is loaded"
    if elf.get_section_by_name(".note.go.buildid") is not None:
        return "is a Go program, whose system calls go round libc"
    return None


def sanitizer_of(command: Sequence[str]) -> list[str]:
    """The AddressSanitizer runtime that the program NEEDs, or nothing."""
    path = shutil.which(command[0]) if command else None
    if path is None:
        return []
    try:
        with Path(path).open("rb") as file:
            dynamic = ELFFile(file).get_section_by_name(".dynamic")
            if not isinstance(dynamic, DynamicSection):
                return []
            names: list[str] = [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
            return [name for name in names if name.startswith("libasan.")]
    except (ELFError, OSError):  # a script, or not ours to read
        return []


def restore_signals() -> None:
    """What Python ignores for itself is not to be inherited, as in subprocess."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
