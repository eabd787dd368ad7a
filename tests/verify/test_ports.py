"""Tracked programs at every level, and the table over them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold_port.ports import names
from scaffold_port.records import LEVELS

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

PORTS = Path(__file__).parents[2] / "ported-apps"
COMMAND = Path(sys.executable).parent / "scaffold-port"
RELINK_MAX, NATIVE_MAX, MANUAL_MAX = 3, 777, 20
AUTOMATIC_MIN = 0.97


@pytest.fixture(scope="module")
def into(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is fetched for one level serves the others."""
    return tmp_path_factory.mktemp("ports")


def port(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([COMMAND, *words], capture_output=True, text=True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("app", names(PORTS))
def test_port(app: str, level: str, into: Path) -> None:
    """The short scenario; the long ones of the shim are test_programs.py's."""
    done = port("verify", app, "--level", level, "--ports", PORTS, "--into", into)
    assert done.returncode == 0, done.stderr
    assert f"{app}: verified at level {level}" in done.stdout


CHECKED = ("ab", "memcached", "wget")


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("app", CHECKED)
def test_its_own_tests(app: str, level: str, into: Path) -> None:
    """apr's testsockets and testsock, memcached's t/, wget's testenv."""
    folders = ["--ports", PORTS, "--into", into]
    done = port("build", app, "--level", level, "--check", *folders)
    assert done.returncode == 0, done.stderr


def test_the_table(into: Path, figures: dict[str, float]) -> None:
    """What a port may cost."""
    done = port("table", "--all", "--format", "json", "--ports", PORTS, "--into", into)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    rows = [row for row in document["rows"] if row["seed"]]
    assert len(rows) == 9

    def changed(row: dict[str, Any], level: str) -> int:
        counts: dict[str, int] = row["changed"][level]
        return counts["automatic"] + counts["manual"]

    for row in rows:
        figures[f"{row['app']}_native"] = changed(row, "native")
        assert changed(row, "relink") <= RELINK_MAX, row["app"]
        assert changed(row, "native") <= row["seed"]["changes"], row["app"]
    native = document["total"]["native"]
    figures.update({f"native_{name}": count for name, count in native.items()})
    assert native["automatic"] + native["manual"] <= NATIVE_MAX
    assert native["manual"] <= MANUAL_MAX
    assert native["automatic"] >= AUTOMATIC_MIN * (native["automatic"] + native["manual"])


def rows_of(page: str) -> list[list[str]]:
    """Without the columns that say when each level was verified, and the lines below the heads."""
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return [row[: -len(LEVELS)] for row in rows if "---" not in row[0]]


def test_the_page(into: Path) -> None:
    """docs/reference/portability.md is what the command prints."""
    page = PORTS.parent / "docs/reference/portability.md"
    done = port("table", "--all", "--format", "markdown", "--ports", PORTS, "--into", into)
    assert rows_of(page.read_text()) == rows_of(done.stdout)


def test_the_how_to(into: Path) -> None:
    """docs/howto/port-a-program.md, whose program is in no table."""
    ports = PORTS.parent / "docs/howto/port"
    levels = ["--level", "relink", "--level", "native"]
    done = port("verify", "redir", *levels, "--ports", ports, "--into", into)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("redir: verified at level") == 2
