"""From host to host."""

from collections.abc import Sequence
from contextlib import ExitStack

from ..lab import Lab
from . import cases
from .cases import Case
from .document import Document, document
from .hosts import builds, scaffoldds
from .link import describe
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
    with builds(plan) as labs, ExitStack() as stack:
        all_stations = [
            station
            for build, lab in labs.items()
            for station in stack.enter_context(
                stations(wanted, lab["a"], _targets(lab, build, datagrams, plan), scaffoldds(lab))
            )
        ]
        take_turns(all_stations, plan)
        return document(describe(labs["user"], plan), all_stations)


def _targets(lab: Lab, build: str, datagrams: bool, plan: Plan) -> list[Target]:
    """The kernel's own server is with the first build's."""
    targets = [service_server(lab, "b", build, datagrams)[1]]
    if build == "user":
        targets.insert(0, plain_server(lab["b"], datagrams=datagrams)[1])
    return [target for target in targets if plan.has(target.stack)]
