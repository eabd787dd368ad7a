"""All that `rewrite` does to a tree, one layer on the other: the sources, then what builds them."""

from dataclasses import dataclass
from pathlib import Path

from .change import build_files, tree
from .change.tree import Change
from .findings import Report
from .languages import language
from .series import Patch, below

MODULES = {"relink": "scaffold-redirect", "native": "scaffold"}
"""By level: what pkg-config is asked for."""


@dataclass
class Layers:
    """What changes, and what is left to a human."""

    patches: list[Patch]
    report: Report
    build_files: list[build_files.Left]

    @property
    def changed(self) -> list[str]:
        """The files that change, once each."""
        return list(dict.fromkeys(name for patch in self.patches for name in patch.names))


def layers(root: Path, level: str, report: Report, *, mark: bool = False) -> Layers:
    """Of the sources below `root`, or of the file `root`, in which `report` was found; with
    comments on what is left if `mark`. Pure but for reading."""
    sources = list(tree.changes(report))
    top = root if root.is_dir() else root.parent
    plan = _plan(root, level, sources) if root.is_dir() else build_files.Plan([], [])
    steps = []
    if level == "native":
        steps.append(Patch("calls", "Serve and reach services by name", below(top, sources)))
    if mark:
        notes = tree.marked(report, renamed=level == "native")
        steps.append(Patch("left-to-you", "Mark what is left to a human", below(top, notes)))
    steps.append(Patch("build-files", "Build with libscaffold's flags", below(top, plan.changes)))
    return Layers(steps, report, plan.left)


def _plan(root: Path, level: str, sources: list[Change]) -> build_files.Plan:
    """For what builds the changed sources of a tree; who names a file builds it himself."""
    compiled = [path for path, old, _ in sources if language(path, old) != "python"]
    plan = build_files.plan(root, compiled, MODULES[level])
    if level == "native" and len(compiled) < len(sources):
        reason = "the program now requires the Python package scaffold"
        plan.left.append(build_files.Left(root, reason))
    return plan
