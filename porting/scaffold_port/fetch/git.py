"""Git repositories: a version is a tag."""

import re
import subprocess
from pathlib import Path

from ..tools import absent
from .errors import NotAvailable

_TAG = re.compile(r"^\S+\s+refs/tags/(\S+)$", re.MULTILINE)


def versions(repository: str, folder: Path) -> list[str]:
    """Every tag, the newest version first."""
    command = ["git", "ls-remote", "--tags", "--refs", "--sort=-v:refname", "--", repository]
    return _TAG.findall(_run(repository, command))


def fetch(repository: str, folder: Path, version: str = "") -> Path:
    """The files of a tag, or of the newest one, below `folder`."""
    tag = version or next(iter(versions(repository, folder)), "")
    if not tag:
        raise NotAvailable(f"{repository}: it has no tags")
    name = Path(repository.rstrip("/")).name.removesuffix(".git")
    target = folder / f"{name}-{tag.replace('/', '-')}"
    if not target.exists():
        options = ["-q", "--depth=1", "-c", "advice.detachedHead=false", "--branch", tag]
        _run(repository, ["git", "clone", *options, "--", repository, str(target)])
    return target


def _run(repository: str, command: list[str]) -> str:
    if lack := absent("git"):
        raise NotAvailable(f"{repository}: {lack}")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["git failed"])[-1]
        raise NotAvailable(f"{repository}: {reason}")
    return done.stdout
