"""Between two programs of one host: the kernel's loopback, and every plane that the host has."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from ..errors import WrongUsage
from ..lab import Lab
from . import cases
from .document import Document, document
from .hosts import hosts, scaffoldds
from .link import describe
from .peer import Target, holding, plain_server, service_server
from .plan import Plan
from .runs import stations, take_turns

_LOOPBACK = "127.0.0.1"
_HOST = ("a",)
_USER_PLANE = 'plane = "user"\n'
"""Of scaffoldd's configuration, where it would take another plane by itself."""


def same_host(plan: Plan) -> Document:
    """Round trips, bulk and opens between programs of one host."""
    with ExitStack() as stack:
        lab = stack.enter_context(hosts(plan, _HOST))
        all_stations = [
            station
            for at, target in [*_plain(plan, lab), *_planes(plan, lab, stack)]
            for station in stack.enter_context(
                stations(cases.SAME_HOST, at["a"], [target], scaffoldds(at))
            )
        ]
        take_turns(all_stations, plan)
        return document(describe(lab, plan), all_stations)


def _plain(plan: Plan, lab: Lab) -> Iterator[tuple[Lab, Target]]:
    if plan.has("tcp"):
        yield lab, plain_server(lab["a"], _LOOPBACK)[1]


def _planes(plan: Plan, lab: Lab, stack: ExitStack) -> Iterator[tuple[Lab, Target]]:
    """Each plane that is wanted, with a host whose flows between its programs take it."""
    taken = _serve(lab)
    if plan.has(taken.stack):
        yield lab, taken
    elif "local" in plan.stacks and taken.stack == "user":
        raise WrongUsage("this scaffoldd has no local plane; leave out --stack local")
    if plan.has("user") and taken.stack != "user":
        other = stack.enter_context(hosts(plan, _HOST, _USER_PLANE))
        yield other, _serve(other)


def _serve(lab: Lab) -> Target:
    """A server, whose stack is the plane that status shows for a flow to it."""
    _, target = service_server(lab, "a")
    with holding(lab["a"], target, 1):
        return replace(target, stack=lab["a"].status()["flows"][0]["plane"])
