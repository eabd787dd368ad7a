"""What became of a program's sockets: the shim's log, read.

`SCAFFOLD_SHIM_LOG=FILE` makes every program under the shim append a line when it puts a socket to
use and one when it lets go of it; here they become one record per socket. `scaffold run --explain`
is `run`.
"""

import contextlib
import json
import os
import resource
import secrets
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

VARIABLE = "SCAFFOLD_SHIM_LOG"

Record = dict[str, Any]


def read(log: Path, offset: int = 0) -> list[Record]:
    """The lines of a log, from a byte on. A line that is not whole yet is left out."""
    try:
        with log.open("rb") as file:
            file.seek(offset)
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:  # nobody had a socket
        return []
    return [json.loads(line) for line in lines]


def merge(lines: Iterable[Record]) -> list[Record]:
    """One record per socket, in the order in which they were put to use.

    Processes that share a socket write a line each as they let go of it; the last one counts. A
    socket whose end nobody saw (`kill -9`, exec) keeps the state "open" and unknown byte counts.
    """
    sockets: dict[int, Record] = {}
    for line in lines:
        known = sockets.get(line["socket"])
        sockets[line["socket"]] = _joined(known, line) if known else _first(line)
    return [one for one in sockets.values() if one["state"] != "replaced"]


def _first(line: Record) -> Record:
    record = dict(line)
    if record["state"] == "open":
        record["tx_bytes"] = record["rx_bytes"] = None
    return record


def _joined(known: Record, line: Record) -> Record:
    record = _first(line)
    for key in ("service", "peer", "local"):
        record[key] = record[key] or known[key]
    record["unrepaired"] = known["unrepaired"] or line["unrepaired"]
    record["no_effect"] = sorted({*known["no_effect"], *line["no_effect"]})
    # Who closes may be another program than who opened, and know less; a failure it knows as well.
    if line["state"] != "open" and not line["why"].startswith(known["why"]):
        for key in ("why", "reason", "role", "error"):
            record[key] = known[key]
    if line["state"] != "open":
        for key in ("pid", "program", "fd"):
            record[key] = known[key]
    return record


def summary(sockets: Iterable[Record]) -> dict[str, Any]:
    """Counts: service flows, what listens for services, attempts at services that failed, and
    sockets that stayed plain IP, these by reason.
    """
    counts = Counter(_outcome(one) for one in sockets)
    reasons = Counter(one["reason"] for one in sockets if _outcome(one) == "ip")
    return {
        "sockets": counts.total(),
        "flows": counts["flow"],
        "served": counts["served"],
        "failed": counts["failed"],
        "ip": counts["ip"],
        "ip_reasons": dict(reasons.most_common()),
    }


def _outcome(one: Record) -> str:
    if one["plane"] == "ip":
        return "ip"
    if one["error"]:
        return "failed"
    return "flow" if one["role"] in ("client", "accepted") else "served"


def document(sockets: Sequence[Record]) -> dict[str, Any]:
    """What `scaffold run --explain --json` prints: `docs/schemas/explain.schema.json`."""
    return {"schema": 1, "summary": summary(sockets), "sockets": list(sockets)}


# --- running -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _log_of(environment: Mapping[str, str]) -> Iterator[Path]:
    """The user's own log, or one for the length of a run."""
    if environment.get(VARIABLE):
        yield Path(environment[VARIABLE]).absolute()
        return
    # Programs that change their user must reach it, and nobody else find it.
    with tempfile.TemporaryDirectory(prefix="scaffold-explain-") as folder:
        Path(folder).chmod(0o711)
        log = Path(folder, secrets.token_hex(16))
        log.touch()
        log.chmod(0o666)
        yield log


@contextlib.contextmanager
def _passing_signals_on() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The program answers for signals, as if it had taken this process's place.

    The terminal's own signals reach it anyway, so here they are only survived.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in processes:
            process.send_signal(number)

    def survive(number: int, _: FrameType | None) -> None:
        pass

    handlers = {
        signal.SIGTERM: pass_on,
        signal.SIGHUP: pass_on,
        signal.SIGUSR1: pass_on,
        signal.SIGUSR2: pass_on,
        signal.SIGINT: survive,
        signal.SIGQUIT: survive,
    }
    kept = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield processes
    finally:
        for number, before in kept.items():
            signal.signal(number, before)


def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, list[Record]]:
    """Run a program to its end. Returns its exit status, negative for a signal, and its sockets.

    OSError: it cannot be run.
    """
    with _log_of(environment) as log:
        offset = log.stat().st_size if log.exists() else 0
        values = {**environment, VARIABLE: str(log)}
        with _passing_signals_on() as processes:
            processes.append(subprocess.Popen(list(command), env=values))
            status = processes[0].wait()
        return status, merge(read(log, offset))


def end_like(status: int) -> int:
    """End by the signal that ended the program; otherwise return its exit code."""
    if status >= 0:
        return status
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the program has left its own core
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status
