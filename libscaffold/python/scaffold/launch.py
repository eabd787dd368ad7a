"""The environment that puts an unmodified program on services."""

import os
import shutil
from collections.abc import Mapping, Sequence
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
    base: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """`base` (default: this process's environment) with the shim and its settings added.

    service: the name that the program's listening sockets serve. publish: "80:8000" gives service
    port 80 to the program's port 8000. all_local: loopback sockets become services too. command:
    what will run, since a program built with AddressSanitizer wants that library first.
    """
    result = dict(os.environ if base is None else base)
    preload = result.get("LD_PRELOAD", "").replace(" ", ":").split(":")
    libraries = [*sanitizer_of(command), *filter(None, preload), str(paths.part(paths.SHIM))]
    result["LD_PRELOAD"] = ":".join(dict.fromkeys(libraries))
    result["SCAFFOLD_RUNTIME_DIR"] = str(runtime_dir)
    if service:
        result["SCAFFOLD_SERVICE"] = service
    if publish:
        result["SCAFFOLD_PUBLISH"] = ",".join(publish)
    if all_local:
        result["SCAFFOLD_ALL_LOCAL"] = "1"
    return result


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
