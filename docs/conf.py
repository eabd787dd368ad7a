"""Sphinx configuration; `make docs` builds it, with warnings as errors."""

import re
import subprocess
from pathlib import Path
from typing import Any

import clang.cindex
from sphinx.util import logging

ROOT = Path(__file__).parents[1]

project = "SCAFFOLD"
author = "the SCAFFOLD authors"
release = "0.1.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "hawkmoth"]
exclude_patterns = ["_build", "news"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
html_theme = "furo"
html_title = f"SCAFFOLD {release}"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
nitpick_ignore_regex = [("c:.*", ".*"), ("py:.*", ".*")]

# The C reference comes from the header itself.
hawkmoth_root = str(ROOT / "libscaffold/include")


def _compiler_includes() -> list[str]:
    """Where libclang finds stddef.h and its like: it comes without them."""
    command = ["gcc", "-print-file-name=include"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [f"-isystem{done.stdout.strip()}"]


hawkmoth_clang = [f"-I{hawkmoth_root}", "-D_GNU_SOURCE", *_compiler_includes()]

# The wheel `libclang` carries the library that the bindings of the wheel `clang` look for.
_library = Path(clang.cindex.__file__).parent / "native/libclang.so"
if _library.exists():
    clang.cindex.Config.set_library_file(str(_library))


def _as_code(app: Any, lines: list[str], transform: Any, options: Any) -> None:
    """The header writes *len for what a pointer points at; to Sphinx that is emphasis."""
    lines[:] = [re.sub(r"(?<![\w*`])\*(\w+)", r"``*\1``", line) for line in lines]


def _all_calls_are_there(app: Any) -> None:
    """The C reference is in groups: a call that the header has and no group names is a warning."""
    header = Path(hawkmoth_root, "scaffold/scaffold.h").read_text()
    page = Path(__file__).with_name("reference").joinpath("c-api.rst").read_text()
    calls = set(re.findall(r"^\w[\w *]*\b(scaffold_\w+)\(", header, re.MULTILINE))
    for call in sorted(calls - set(re.findall(r"\bscaffold_\w+", page))):
        logging.getLogger(__name__).warning("reference/c-api.rst does not mention %s", call)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("hawkmoth-process-docstring", _as_code)
    app.connect("builder-inited", _all_calls_are_there)
