"""Runs a program's scenario between two hosts, by service name, at a level."""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scaffold import scenario
from scaffold.errors import ServiceError
from scaffold.lab import Lab

from . import build, records
from .fetch.errors import NotAvailable
from .ported import DoesNotApply
from .ports import Port


class NotVerified(Exception):
    """Something that must hold does not; the text says what."""


@dataclass(frozen=True)
class Folders:
    """Where the ports are, and where sources and programs go."""

    ports: Path
    into: Path

    def of(self, port: Port) -> Path:
        """What is made for a program."""
        return self.into.absolute() / port.app


def fetch(port: Port, folders: Folders) -> list[Path]:
    """The sources, in order. Raises NotAvailable."""
    return [one.fetch(folders.of(port) / "source") for one in port.sources]


def programs(port: Port, level: str, folders: Folders, *, checks: bool = False) -> Path:
    """Fetch, port and build; the folder with the programs. `checks`: run the sources' own tests,
    too. Raises NotAvailable, BuildError and DoesNotApply."""
    sources, folder = fetch(port, folders), folders.of(port) / level
    built = build.build(port, level, sources, folder)
    if checks:
        build.check(port, level, sources, folder)
    return built


def verify(port: Port, level: str, folders: Folders, *, full: bool = False) -> dict[str, float]:
    """The scenario's figures; recorded, however it ends. Raises NotVerified."""
    folder = folders.of(port)
    try:
        built = None if level == "shim" else programs(port, level, folders, checks=full)
        figures = _run(port, level, folders.ports, built, full=full)
    except _REASONS as error:
        records.save(folder, level, records.Run(records.now(), False, str(error)))
        raise NotVerified(str(error)) from error
    records.save(folder, level, records.Run(records.now(), True))
    return figures


_REASONS = (
    NotAvailable,
    build.BuildError,
    DoesNotApply,
    scenario.ScenarioError,
    scenario.MissingProgram,
    ServiceError,
)


def _run(
    port: Port, level: str, ports: Path, built: Path | None, *, full: bool
) -> dict[str, float]:
    nobody = pwd.getpwnam("nobody").pw_uid
    hosts = Lab(["a", "b"], router="b", allow_uids=[nobody])
    with _programs_in(built), _output_apart(), hosts as lab:
        lab.start()
        result: scenario.Result = scenario.load(ports, port.app).run(lab, level=level, full=full)
    return result.figures


@contextmanager
def _programs_in(folder: Path | None) -> Iterator[None]:
    """Scenarios take their programs from there, and run them without the shim."""
    if folder is None:
        yield
        return
    os.environ["SCAFFOLD_PROGRAMS"] = str(folder)
    try:
        yield
    finally:
        del os.environ["SCAFFOLD_PROGRAMS"]


@contextmanager
def _output_apart() -> Iterator[None]:
    """What a scenario and its programs print goes to stderr: stdout is the command's."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(ours, 1)
        os.close(ours)
