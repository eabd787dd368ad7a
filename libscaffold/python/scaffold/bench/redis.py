"""redis under its own benchmark."""

import csv

from ..errors import ServiceError
from ..lab import Host, Lab
from . import tool
from .cases import REDIS, Answer, Case
from .peer import Target

CASES = (REDIS,)
NEEDS = ("redis-server", "redis-benchmark")
_PORT = 6390
_CONNECTIONS = 50
_FIRST = 2_000
"""Requests of each kind in a run of which nobody knows yet how many it has time for."""
_EIO = 5


def serve(lab: Lab, stack: str) -> Target:
    """Starts one that keeps nothing on the disk, on plain TCP or as a service."""
    at = tool.place(lab, stack, "redis", _PORT)
    words = ["redis-server", "--bind", at.address, "--port", at.port, "--protected-mode", "no"]
    words += ["--save", "", "--appendonly", "no", "--dir", at.folder]
    words += ["--pidfile", at.folder / "pid", "--logfile", at.folder / "log"]
    return tool.start(lab, at, words)


_rates: dict[Target, float] = {}
"""Requests per second of the last run: redis-benchmark counts them, not seconds."""


def measure(host: Host, target: Target, case: Case, seconds: float) -> Answer:
    """As many SETs and GETs as take so long."""
    each = int(_rates.get(target, 0) * seconds / 2) or _FIRST
    words = ["redis-benchmark", "--csv", "-h", target.address, "-p", target.port]
    words += ["-c", _CONNECTIONS, "-t", "set,get", "-n", each]
    text, client_us = tool.run(host, words, shim=target.shim)
    answer = read(text, each)
    _rates[target] = answer["count"] / answer["seconds"]
    return {**answer, "client_us": client_us}


def read(text: str, each: int) -> Answer:
    """What it says of its tests, `each` requests in each."""
    rows = [row for row in csv.reader(text.splitlines()) if row and row[0] in ("SET", "GET")]
    if len(rows) != 2:
        raise ServiceError(_EIO, f"redis-benchmark: {text.strip()[-200:]}")
    return {"count": 2 * each, "seconds": sum(each / float(row[1]) for row in rows)}
