"""A thousand hosts at one router: how long they take to join, and to come back after its kill -9,
and what that takes of the one CPU that it has."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(300)]

JOINERS = Path(__file__).parents[2] / "build/dev/joiners"
HOSTS = 1000
PER_REGISTER = 12
RESTARTS = 3
JOINED_WITHIN_S, BACK_WITHIN_S = 20, 10
ONE_ADDRESS_WITHIN_S = 20
"""Strangers behind one address share a rate of 128 handshakes and 128 new names a second."""
BETWEEN_S = 3.0
"""Between restarts: everybody refreshes at a time of its own again."""

Found = dict[str, float]


def cpu_ms(host: Host) -> float:
    assert host.daemon is not None
    fields = Path(f"/proc/{host.daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


class Joiners:
    """HOSTS of them at the lab's router, with so many services each."""

    def __init__(self, router: Host, services: int, *where: str):
        self.router, self.services, self.exchanges = router, services, 2 if where else 1
        command = [sys.executable, "-m", "scaffold", "join-token", "--uses", str(HOSTS)]
        token = subprocess.run(
            [*command, "--runtime-dir", router.runtime_dir], stdout=subprocess.PIPE, check=True
        ).stdout.strip()
        self.before = cpu_ms(router)
        self.process = router.popen(
            [JOINERS, str(router.port), token.decode(), str(HOSTS), str(services), *where],
            shim=False,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def join(self) -> Found:
        return self._report(self.before)

    def come_back(self) -> Found:
        """After a kill -9 of the router."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        self.router.kill_scaffoldd()
        self.router.scaffoldd()
        return self._report(0)

    def _report(self, cpu_before: float) -> Found:
        assert self.process.stdout is not None
        found: Found = json.loads(self.process.stdout.readline())
        found["router_cpu_ms"] = cpu_ms(self.router) - cpu_before
        self._check(found)
        return found

    def _check(self, found: Found) -> None:
        """All are there, and none has asked more often than it needs: behind one address a JOIN may
        be one new name too many, and is asked again in another channel."""
        known = self.router.status()
        assert len(known["hosts"]) == HOSTS + 1
        assert len(known["services"]) == HOSTS * self.services
        assert found["exchanges_most"] <= self.exchanges
        assert found["registers_most"] == -(-self.services // PER_REGISTER)


@contextmanager
def router_on_one_cpu() -> Iterator[Host]:
    with Lab(["r"], kind="loopback") as lab:
        lab["r"].prefix = ("taskset", "--cpu-list", str(min(os.sched_getaffinity(0))))
        lab["r"].scaffoldd()
        lab["r"].prefix = ()
        yield lab["r"]


def keep(figures: dict[str, Any], what: str, found: list[Found]) -> None:
    for key in found[0]:
        values = [one[key] for one in found]
        figures[f"{what}_{key}"] = round(statistics.median(values), 3)
        if len(values) > 1:
            figures[f"{what}_{key}_most"] = max(values)


@pytest.mark.parametrize(
    ("services", "where"), [(12, ()), (25, ()), (12, ("same",))], ids=["12", "25", "one-address"]
)
def test_a_thousand_hosts(services: int, where: tuple[str, ...], figures: dict[str, float]) -> None:
    with router_on_one_cpu() as router:
        joiners = Joiners(router, services, *where)
        joined, back = [joiners.join()], []
        keep(figures, "joined", joined)
        for _ in range(RESTARTS):
            time.sleep(BETWEEN_S)
            back.append(joiners.come_back())
        keep(figures, "back", back)
    assert joined[0]["seconds"] <= JOINED_WITHIN_S
    worst = max(one["seconds"] for one in back)
    assert worst <= (ONE_ADDRESS_WITHIN_S if where else BACK_WITHIN_S)
