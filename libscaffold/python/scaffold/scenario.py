"""What the scenarios in `ported-apps/<program>/scenario.py` have in common.

A scenario runs one program between two hosts of a lab, by service name only, and counts only when
the contents agree at both ends, the status showed a flow of that program on the plane that is
claimed, and the link carried nothing but SCAFFOLD's packets.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .errors import ServiceError
from .lab import Host, Lab, ported_programs

_INTERVAL_S = 0.005


class ScenarioError(Exception):
    """The scenario ran, and something that must hold did not."""


class MissingProgram(Exception):
    """A program that the scenario needs is not installed."""


@dataclass
class Result:
    """What a scenario measured, and the flows that it was seen on."""

    figures: dict[str, float] = field(default_factory=dict)
    flows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Scenario(Protocol):
    """The shape of `run` in a scenario's file."""

    def __call__(
        self,
        lab: Lab,
        *,
        client: str = ...,
        server: str = ...,
        level: str = ...,
        full: bool = ...,
    ) -> Result:
        """Run the program between two hosts whose scaffoldds answer."""


def load(folder: Path, app: str) -> Any:
    """The module `scenario.py` of a program below `folder` (a checkout's `ported-apps`)."""
    path = folder / app / "scenario.py"
    spec = importlib.util.spec_from_file_location(f"scenario_{app}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ServiceError(2, f"{path}: no such scenario")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(name: str, package: str | None = None) -> str:
    """The path of a program: a ported one where SCAFFOLD_PROGRAMS has it, else the installed one.

    MissingProgram names the Debian package to install.
    """
    ported = ported_programs()
    if ported is not None and (ported / name).is_file():
        return str(ported / name)
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise MissingProgram(f"{name} is not installed (Debian: apt-get install {package or name})")
    return path


def check_level(level: str) -> None:
    """Refuse a ported level without ported programs, and the other way round."""
    if (level == "shim") != (ported_programs() is None):
        raise ServiceError(22, f"level {level!r}: SCAFFOLD_PROGRAMS names the ported programs")


def expect(condition: object, what: str) -> None:
    """ScenarioError with `what` unless the condition holds."""
    if not condition:
        raise ScenarioError(what)


def succeeded(done: "subprocess.CompletedProcess[str]", what: str) -> None:
    """ScenarioError unless the program exited with 0."""
    expect(done.returncode == 0, f"{what} exited with {done.returncode}: {done.stderr.strip()}")


class Watch:
    """Samples a host's flows while a program runs, so that even a short one is seen."""

    def __init__(self, host: Host, name: str) -> None:
        """Prepare to look for flows of the program `name` on a host."""
        self._host = host
        self._name = name
        self._seen: dict[str, dict[str, Any]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def flows(self) -> list[dict[str, Any]]:
        """The program's flows, each as it was seen last."""
        return list(self._seen.values())

    def _sample(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            try:
                flows = self._host.status()["flows"]
            except (OSError, ValueError):  # scaffoldd was killed: what was seen stays
                continue
            for flow in flows:
                # The kernel keeps 15 characters of a program's name.
                if flow["program"] and self._name.startswith(flow["program"][:15]):
                    self._seen[flow["id"]] = flow

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def verified(
    lab: Lab, client: str, name: str, result: Result, *, plane: str = "user"
) -> Iterator[None]:
    """Holds what surrounds the traffic of `client` to the conditions of a verified scenario."""
    capture = lab.capture(client)
    try:
        with Watch(lab[client], name) as watch:
            yield
        flows = [flow for flow in watch.flows() if flow["plane"] == plane]
        expect(flows, f"the status showed no flow of {name} on the {plane} plane")
        result.flows += flows
        if capture is not None:
            foreign = capture.foreign()
            expect(not foreign, f"not SCAFFOLD's own on the link: {'; '.join(foreign)}")
    finally:
        if capture is not None:
            capture.close()


def make_file(path: Path, size: int) -> str:
    """A file of so many random bytes; its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        left = size
        while left > 0:
            block = os.urandom(min(left, 1 << 20))
            file.write(block)
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """The SHA-256 of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
