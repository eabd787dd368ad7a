"""Other people's programs: where they are, servers of them, and what one run of one has used."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ServiceError
from ..lab import Host, Lab
from .peer import Target

PACKAGES = {
    "nginx": "nginx-light",
    "redis-benchmark": "redis-tools",
    "redis-server": "redis-server",
    "wrk": "wrk",
}
"""What has to be installed, with Debian's names for it."""
SERVER = "b"
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_START_S = 15.0
_EIO = 5


def which(name: str) -> str | None:
    """Where a program is; servers are where root alone looks."""
    return shutil.which(name, path=_PLACES)


def version(name: str) -> str:
    """What an installed program says that it is; each has an option of its own for that."""
    option = "--version" if name.startswith("redis") else "-v"
    output = subprocess.PIPE
    done = subprocess.run(_command([name, option]), stdout=output, stderr=subprocess.STDOUT)
    found = re.search(rb"\d+(\.\d+)+", done.stdout)
    return found.group().decode() if found else ""


@dataclass(frozen=True)
class Place:
    """What a server is to listen on, and a folder of its own with room for its `pid`."""

    stack: str
    service: str | None
    """None on plain TCP."""
    address: str
    port: int
    folder: Path


def place(lab: Lab, stack: str, name: str, port: int) -> Place:
    """For a program: of a service at this port, or on plain TCP at one that nobody has."""
    folder = lab.folder / f"{name}-{stack}"
    folder.mkdir(mode=0o755)
    if stack == "tcp":
        address = lab[SERVER].address
        return Place(stack, None, address, _free_port(lab[SERVER]), folder)
    return Place(stack, f"{name}.lab.scaffold", "0.0.0.0", port, folder)


def _free_port(host: Host) -> int:
    """In a namespace all are free."""
    with socket.socket() as s:
        s.bind(("" if host.namespace else host.address, 0))
        return int(s.getsockname()[1])


def start(lab: Lab, at: Place, words: Sequence[Any]) -> Target:
    """A server that serves at its place, and writes its pid there once it listens."""
    process = lab[SERVER].popen(_command(words), shim=at.service is not None, service=at.service)
    _await_file(at.folder / "pid", process)
    if at.service:
        lab.await_service(f"{at.service}:{at.port}", process=process)
    return Target(at.stack, at.service or at.address, at.port, process.pid)


def _await_file(path: Path, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + _START_S
    while not path.exists() or not path.read_text().strip():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceError(_EIO, f"{process.args!r} did not start to serve")
        time.sleep(0.01)


def run(host: Host, words: Sequence[Any], *, shim: bool) -> tuple[str, float]:
    """A program's output, and the CPU time in microseconds that it took from start to end."""
    output = subprocess.PIPE
    process = host.popen(_command(words), shim=shim, stdout=output, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    text = process.stdout.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    host.end(process)
    if process.returncode != 0:
        why = f"ended with {process.returncode}: {text.strip()[-200:]}"
        raise ServiceError(_EIO, f"{words[0]} {why}")
    return text, (usage.ru_utime + usage.ru_stime) * 1e6


def _command(words: Sequence[Any]) -> list[str]:
    return [which(words[0]) or words[0], *(str(word) for word in words[1:])]
