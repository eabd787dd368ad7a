"""When each level of a program was run last, and how that ended."""

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path

LEVELS = ("shim", "relink", "native")


@dataclass(frozen=True)
class Run:
    """One run of a scenario."""

    when: str  # ISO 8601, UTC
    verified: bool
    why_not: str = ""


def now() -> str:
    """The time, as it is recorded."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def load(folder: Path) -> dict[str, Run]:
    """By level, what is recorded in a program's folder."""
    try:
        kept = json.loads((folder / "runs.json").read_text())
        return {level: Run(**run) for level, run in kept.items()}
    except (OSError, ValueError, TypeError):  # none yet, or not ours: nothing is known
        return {}


def save(folder: Path, level: str, run: Run) -> None:
    """Record a run, in place of the level's last one."""
    runs = load(folder) | {level: run}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({one: asdict(runs[one]) for one in sorted(runs)}, indent=1)
    (folder / "runs.json").write_text(text + "\n")
