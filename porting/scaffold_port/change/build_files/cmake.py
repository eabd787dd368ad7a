"""CMakeLists.txt."""

import re

from .asks import asks
from .errors import NotUnderstood
from .insert import insert

_PROJECT = re.compile(
    rb'^[ \t]*project[ \t]*\((?:"(?:\\.|[^"\\])*"|[^()"])*\)[^\n]*(?:\n|\Z)',
    re.MULTILINE | re.IGNORECASE,
)


def change(data: bytes, module: str) -> bytes:
    """Every target that follows `project` is linked with libscaffold and gets its flags.

    Only while it is built: who uses an installed target knows no PkgConfig::SCAFFOLD.
    """
    if asks(data, module):
        return data
    project = _PROJECT.search(data)
    if project is None:
        raise NotUnderstood("no project() to link libraries behind")
    lines = [
        "find_package(PkgConfig REQUIRED)",
        f"pkg_check_modules(SCAFFOLD REQUIRED IMPORTED_TARGET {module})",
        "link_libraries($<BUILD_INTERFACE:PkgConfig::SCAFFOLD>)",
    ]
    return insert(data, project.end(), lines)
