"""All that `rewrite` does to a tree, one layer on the other: the sources, then what builds them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .analyze import analyze
from .change import build_files, tree
from .files import LANGUAGES
from .findings import Report
from .series import Patch, below

MODULES = {"relink": "scaffold-redirect", "native": "scaffold"}
"""By level: what pkg-config is asked for."""


@dataclass
class Layers:
    """What changes, and what is left to a human."""

    patches: list[Patch]
    report: Report
    build_files: list[build_files.Left]


def layers(root: Path, level: str, paths: Iterable[str] = (".",), *, mark: bool = False) -> Layers:
    """Of the sources at `paths` below `root`, or of the file `root`; with comments on what is left
    if `mark`. Pure but for reading."""
    report = analyze([root / path for path in paths])
    sources = list(tree.changes(report))
    top = root if root.is_dir() else root.parent
    compiled = [path for path, _, _ in sources if LANGUAGES[path.suffix] != "python"]
    plan = build_files.plan(root, compiled, MODULES[level])
    left = list(plan.left)
    if level == "native" and len(compiled) < len(sources):
        left.append(build_files.Left(root, "the program now requires the Python package scaffold"))
    steps = []
    if level == "native":
        steps.append(Patch("calls", "Serve and reach services by name", below(top, sources)))
    if mark:
        notes = tree.marked(report, renamed=level == "native")
        steps.append(Patch("left-to-you", "Mark what is left to a human", below(top, notes)))
    steps.append(Patch("build-files", "Build with libscaffold's flags", below(top, plan.changes)))
    return Layers(steps, report, left)
