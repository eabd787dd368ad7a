"""From host to host."""

from collections.abc import Sequence

from ..lab import Lab
from . import cases
from .cases import Case
from .document import Document, document
from .link import describe, hosts
from .peer import Target, plain_server, service_server
from .plan import Plan
from .runs import stations, take_turns


def throughput(plan: Plan) -> Document:
    """Mbit/s of one flow."""
    return _measure(plan, cases.THROUGHPUT)


def latency(plan: Plan) -> Document:
    """Microseconds of one byte there and back, on one flow."""
    return _measure(plan, cases.LATENCY)


def opens(plan: Plan) -> Document:
    """Flows per second, one after another."""
    return _measure(plan, cases.OPENS)


def requests(plan: Plan) -> Document:
    """Requests per second on many flows."""
    return _measure(plan, cases.REQUESTS)


def parallel(plan: Plan) -> Document:
    """Mbit/s of several flows together, and how evenly they share it."""
    return _measure(plan, cases.PARALLEL)


def datagrams(plan: Plan) -> Document:
    """Datagrams there and back per second."""
    return _measure(plan, cases.DATAGRAMS, datagrams=True)


def _measure(plan: Plan, wanted: Sequence[Case], datagrams: bool = False) -> Document:
    with hosts(plan) as lab:
        targets = _targets(lab, datagrams, plan)
        with stations(wanted, lab["a"], targets, scaffoldds(lab)) as all_stations:
            take_turns(all_stations, plan)
        return document(describe(lab, plan), all_stations)


def _targets(lab: Lab, datagrams: bool, plan: Plan) -> list[Target]:
    _, plain = plain_server(lab["b"], datagrams=datagrams)
    _, user = service_server(lab, "b", datagrams=datagrams)
    return [target for target in (plain, user) if plan.has(target.stack)]


def scaffoldds(lab: Lab) -> dict[str, int]:
    """The pids of a lab's scaffoldds, by the part that they play."""
    return {
        f"scaffoldd_{'ab'[number]}": host.daemon.pid
        for number, host in enumerate(lab.hosts.values())
        if host.daemon
    }
