"""How many lines of code a program has, by cloc."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("C,C++,C/C++ Header,lex,yacc", "Python")
"""Of a program in C its scripts and its tests in Python are no part."""


@dataclass(frozen=True)
class CodeLines:
    """Neither blank nor comment. `counter` says what counted, and which languages."""

    lines: int
    counter: str


def count(paths: list[Path]) -> CodeLines | None:
    """The first of LANGUAGES that there is any of, quilt's backups left out; None without cloc."""
    if not shutil.which("cloc"):
        return None
    found = (_count(paths, languages) for languages in LANGUAGES)
    return next((one for one in found if one), None)


def _count(paths: list[Path], languages: str) -> CodeLines | None:
    options = ["--json", "--quiet", "--exclude-dir=.pc", f"--include-lang={languages}"]
    done = subprocess.run(["cloc", *options, *map(str, paths)], capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)
        counter = f"cloc {found['header']['cloc_version']} ({languages})"
        return CodeLines(found["SUM"]["code"], counter)
    except (ValueError, KeyError):  # it prints nothing where it found nothing
        return None
