"""What channels between hosts and routers cost: the same hosts with and without security, side by
side, the router on a third one."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from scaffold.bench import cases, cpu, peer
from scaffold.bench.figures import median_interval
from scaffold.bench.hosts import one_cpu
from scaffold.lab import Host, Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(900)]

SECURITY = ["on", "off"]
ROUNDS, RUN_S = 40, 0.5
MOST_US_OF_AN_OPEN = 20
IDLE_S = 70


@contextmanager
def labs(kind: str) -> Iterator[dict[str, Lab]]:
    """By what their security is; all on one CPU."""
    with ExitStack() as stack:
        made = {}
        for security in SECURITY:
            lab = stack.enter_context(Lab(["r", "a", "b"], kind=kind))
            for host in lab.hosts.values():
                host.prefix += ("taskset", "--cpu-list", str(one_cpu()))
            lab.start(security=security)
            made[security] = lab
        yield made


def meter(lab: Lab) -> cpu.Meter:
    """Of its scaffoldds."""
    daemons = {host.name: host.daemon for host in lab.hosts.values()}
    return cpu.Meter({name: daemon.pid for name, daemon in daemons.items() if daemon})


class Opening:
    """A client on a lab's host a that opens flows to b, through r."""

    def __init__(self, lab: Lab):
        _, target = peer.service_server(lab, "b")
        [self.case] = cases.OPENS
        self.client = peer.Client(lab["a"], target, self.case.mode, self.case.words)
        self.meter = meter(lab)

    def cpu_us(self) -> dict[str, float]:
        """Of an open, by host."""
        self.meter.read()
        answer = self.client.measure(RUN_S)
        used = self.meter.read()
        self.client.renew()
        opens = self.case.operations(answer)
        return {host: us / opens for host, us in used.items()}


def test_what_an_open_costs(root_only: None, figures: dict[str, float]) -> None:
    """In turn, of all three scaffoldds."""
    found: dict[str, list[dict[str, float]]] = {security: [] for security in SECURITY}
    with labs("namespaces") as made:
        openings = {security: Opening(lab) for security, lab in made.items()}
        for opening in openings.values():
            opening.cpu_us()  # fills pages and caches
        for number in range(ROUNDS):
            for security in SECURITY if number % 2 else reversed(SECURITY):
                found[security].append(openings[security].cpu_us())
        for opening in openings.values():
            opening.client.close()
    for security, runs in found.items():
        for host in runs[0]:
            median = statistics.median(one[host] for one in runs)
            figures[f"open_{host}_{security}_us"] = round(median, 1)
    all_of = {security: [sum(one.values()) for one in runs] for security, runs in found.items()}
    differences = [on - off for on, off in zip(*all_of.values(), strict=True)]
    interval = median_interval(differences)
    for end in ("median", "low", "high"):
        figures[f"open_more_{end}_us"] = round(interval[end], 1)
    assert statistics.median(differences) <= MOST_US_OF_AN_OPEN


def wake_ups(host: Host) -> int:
    assert host.daemon is not None
    lines = Path(f"/proc/{host.daemon.pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


def test_how_often_idle_hosts_wake_up(kind: str, figures: dict[str, float]) -> None:
    """Each of them refreshes, and hears an answer; a new channel is some more, once in 120 s."""
    with labs(kind) as made:
        for lab in made.values():
            peer.service_server(lab, "b")
        time.sleep(2)
        before = {(s, h.name): wake_ups(h) for s in SECURITY for h in made[s].hosts.values()}
        time.sleep(IDLE_S)
        after = {(s, h.name): wake_ups(h) for s in SECURITY for h in made[s].hosts.values()}
    woken = {key: after[key] - before[key] for key in before}
    for (security, name), count in woken.items():
        figures[f"{name}_{security}_in_{IDLE_S}_s"] = count
    for name in ("r", "a", "b"):
        assert woken["on", name] <= woken["off", name] + 5
    assert woken["on", "a"] <= 2 * IDLE_S + 5
