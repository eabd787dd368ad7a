"""A host gets another IP address: each end of its flows has an error in time, and new ones work.

Simulations with every kind of flow are in tests/sim/test_move.c."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.common import line
from e2e.moves import KINDS
from scaffold import namespaces
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).parents[1] / "e2e/moves.py"
KNOWN_WITHIN_S = 30.0
AT_ONCE_S = 5.0
OLD, NEW = "old.moves.scaffold:1", "new.moves.scaffold:1"


def start(host: Host, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, PROGRAM, *words]
    return host.popen(command, shim=False, stdout=subprocess.PIPE)


def serve(lab: Lab, host: Host, name: str) -> subprocess.Popen[bytes]:
    process = start(host, "serve", name, str(len(KINDS)))
    line(process, b"listening\n")
    lab.await_service(name, process=process)
    return process


def change_address(host: Host, address: str) -> None:
    device = namespaces.INTERFACE
    namespaces.ip("addr", "flush", "dev", device, namespace=host.namespace)
    namespaces.ip("addr", "add", f"{address}/16", "dev", device, namespace=host.namespace)


def ends(process: subprocess.Popen[bytes], moved: float) -> dict[str, float]:
    """Seconds from the move to the error, by kind of flow."""
    output, _ = process.communicate(timeout=60)
    found = [text.split() for text in output.decode().splitlines()]
    assert {error for _, error, _ in found} <= {"ECONNRESET", "ETIMEDOUT", "EPIPE"}, found
    return {kind: float(at) - moved for kind, _, at in found}


@pytest.mark.parametrize("hosts", [["r", "a", "b"], ["b", "a"], ["a", "b"]], ids="-".join)
@pytest.mark.parametrize("mover", ["a", "b"])
def test_an_address_changes(
    hosts: list[str], mover: str, root_only: None, figures: dict[str, float]
) -> None:
    """From a to b; the first host is the router. A router that moves is found by nobody new."""
    with Lab(hosts, router=hosts[0]) as lab:
        lab.start()
        server = serve(lab, lab["b"], OLD)
        client = start(lab["a"], "open", OLD)
        line(client, b"ready\n")
        line(server, b"ready\n")
        later = serve(lab, lab["b"], NEW) if mover != hosts[0] else None
        moved = time.monotonic()
        change_address(lab[mover], "10.83.0.77")
        if later:
            fresh = start(lab["a"], "open", NEW)
            line(fresh, b"ready\n")
            figures["new_flows_s"] = round(time.monotonic() - moved, 2)
            assert figures["new_flows_s"] < AT_ONCE_S
        for name, process in {"client": client, "server": server}.items():
            took = ends(process, moved)
            assert set(took) == set(KINDS)
            figures[f"{name}_worst_s"] = round(max(took.values()), 1)
            assert max(took.values()) < KNOWN_WITHIN_S, took
        if later:
            assert fresh.poll() is None and later.poll() is None
            states = [f["state"] for h in ("a", "b") for f in lab[h].status()["flows"]]
            assert states == ["open"] * 2 * len(KINDS)
