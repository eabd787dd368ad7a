"""Patterns for files that are left out, as a `.gitignore` has them."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

GITIGNORE = ".gitignore"


@dataclass(frozen=True)
class Patterns:
    """Patterns that hold below a folder."""

    folder: str  # absolute, with a slash at its end
    spec: GitIgnoreSpec

    def match(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether an absolute path is left out; None: no pattern says anything of it."""
        if not path.startswith(self.folder):
            return None
        below = path[len(self.folder) :]
        return self.spec.check_file(f"{below}/" if is_folder else below).include


def patterns(folder: Path, lines: Iterable[str]) -> Patterns:
    """Of the lines of a file in `folder`. ValueError says which one is none."""
    try:
        spec = GitIgnoreSpec.from_lines(lines)
    except re.error as error:
        raise ValueError(f"invalid pattern: {error}") from error
    return Patterns(f"{absolute(folder)}/".replace("//", "/"), spec)


def is_ignored(path: Path, rules: Sequence[Patterns], *, is_folder: bool) -> bool:
    """By the last of the rules that say anything."""
    name = str(absolute(path)) if rules else ""
    found = False
    for one in rules:
        match = one.match(name, is_folder=is_folder)
        found = found if match is None else match
    return found


def of_git(folder: Path) -> tuple[Patterns, ...]:
    """The patterns of a folder's own .gitignore; none when it has none that can be read. Lines that
    are no patterns match nothing, as git has it."""
    try:
        text = (folder / GITIGNORE).read_bytes()
    except OSError:
        return ()
    lines = text.decode("utf-8", "replace").splitlines()
    return (patterns(folder, [line for line in lines if _is_pattern(line)]),)


def _is_pattern(line: str) -> bool:
    try:
        patterns(Path(), [line])
    except ValueError:
        return False
    return True


def of_git_above(path: Path) -> tuple[Patterns, ...]:
    """Of the folders above, up to the top of the repository. None where there is no repository, nor
    when git ignores `path` itself: who names it wants to see what is in it."""
    above = [absolute(path), *absolute(path).parents]
    top = next((number for number, one in enumerate(above) if (one / ".git").exists()), 0)
    rules = tuple(found for one in reversed(above[1 : top + 1]) for found in of_git(one))
    return () if is_ignored(path, rules, is_folder=True) else rules


def absolute(path: Path) -> Path:
    """From the root, without `..`, and with the names of links."""
    return Path(os.path.abspath(path))  # noqa: PTH100, which would follow them
