"""`make verify`: every item is kept as soon as it is done, so that a broken run goes on where it
was, and the whole is written to verify.json.

What passed at a commit is not run again at that commit, unless the tree has changes; delete
`.verify/` to start afresh.
"""

import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ITEMS = ROOT / ".verify"
VERSIONS = {
    "gcc": ["gcc", "--version"],
    "openssl": ["openssl", "version"],
    "wget": ["wget", "--version"],
    "memcached": ["memcached", "--version"],
    "iperf": ["iperf", "--version"],
    "nginx": ["nginx", "-v"],
    "redis": ["redis-server", "--version"],
    "wrk": ["wrk", "-v"],
}
_FIGURES = pytest.StashKey[dict[str, float]]()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return done.stdout.strip()


def _commit() -> str:
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "HEAD") + ("-changed" if changed else "")


def _path(item: pytest.Item) -> Path:
    return ITEMS / (re.sub(r"[^A-Za-z0-9_.-]+", "_", item.name) + ".json")


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> dict[str, float]:
    """What the item measured; goes into verify.json whatever the verdict."""
    return request.node.stash.setdefault(_FIGURES, {})


def pytest_runtest_setup(item: pytest.Item) -> None:
    path = _path(item)
    if path.exists():
        kept = json.loads(path.read_text())
        if (
            kept["commit"] == _commit()
            and kept["outcome"] == "passed"
            and "-" not in kept["commit"]
        ):
            pytest.skip("passed at this commit")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" and not report.failed:
        return
    ITEMS.mkdir(exist_ok=True)
    entry = {
        "name": item.name,
        "outcome": report.outcome,
        "seconds": round(report.duration, 1),
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "figures": item.stash.get(_FIGURES, {}),
    }
    if report.failed:
        why = call.excinfo.value if call.excinfo else report.longrepr  # passes, and was not to
        entry["why"] = str(why).splitlines()[:1]
    _path(item).write_text(json.dumps(entry, indent=2) + "\n")


def _version(command: list[str]) -> str | None:
    path = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/sbin")
    if path is None:
        return None
    done = subprocess.run([path, *command[1:]], capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()[0]


def pytest_sessionfinish() -> None:
    if not ITEMS.is_dir():
        return
    document = {
        "schema": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "kernel": platform.release(),
            "python": platform.python_version(),
            "cpus": len(os.sched_getaffinity(0)),
        },
        "versions": {name: _version(command) for name, command in VERSIONS.items()},
        "items": [json.loads(path.read_text()) for path in sorted(ITEMS.glob("*.json"))],
    }
    (ROOT / "verify.json").write_text(json.dumps(document, indent=2) + "\n")
