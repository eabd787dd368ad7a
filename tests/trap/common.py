"""Programs that only the trap reaches, and how they are started."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scaffold import paths
from scaffold.lab import Host
from scaffold.scenario import MissingProgram

HERE = Path(__file__).parent


def trapped(*words: str | Path) -> list[str]:
    return [str(paths.part(paths.TRAP)), *map(str, words)]


def scaffold_run(host: Host, *words: str | Path) -> list[str]:
    """The command itself, which chooses how a program is reached."""
    command = [sys.executable, "-m", "scaffold", "run"]
    return [*command, "--runtime-dir", str(host.runtime_dir), *map(str, words)]


def address_of(host: Host, name: str) -> str:
    return host.run(["getent", "ahostsv4", name]).stdout.split()[0]


def go_program(source: Path, folder: Path) -> Path:
    if shutil.which("go") is None:
        raise MissingProgram("go is not installed (golang-go)")
    program = folder / source.stem
    environment = os.environ | {"CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": ""}
    environment.setdefault("GOCACHE", str(Path.home() / ".cache/go-build"))
    command = ["go", "build", "-o", str(program), str(source)]
    subprocess.run(command, env=environment, check=True, timeout=300)
    return program


def static_program(source: Path, folder: Path) -> Path:
    program = folder / source.stem
    command = ["gcc", "-static", "-Wall", "-Wextra", "-Werror", "-O1", "-o", program, source]
    subprocess.run(command, check=True, timeout=60)
    return program
