"""CMakeLists.txt."""

import re

from .errors import NotUnderstood
from .insert import insert

_PROJECT = re.compile(rb"^[ \t]*project[ \t]*\([^)]*\)[^\n]*(?:\n|$)", re.MULTILINE | re.IGNORECASE)


def change(data: bytes, module: str) -> bytes:
    """Every target that follows `project` is linked with libscaffold and gets its flags."""
    if f" {module})".encode() in data:
        return data
    project = _PROJECT.search(data)
    if project is None:
        raise NotUnderstood(f"no project(): add pkg_check_modules for {module}")
    lines = [
        "find_package(PkgConfig REQUIRED)",
        f"pkg_check_modules(SCAFFOLD REQUIRED IMPORTED_TARGET {module})",
        "link_libraries(PkgConfig::SCAFFOLD)",
    ]
    return insert(data, project.end(), lines)
