"""Flows that do nothing: what memory they take, and what they cost flows that do something."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from ..lab import Lab
from . import cases, memory
from .cases import Case
from .document import Document, document, head, ratio, spread
from .hosts import hosts, scaffoldds
from .link import describe
from .peer import Target, holding, servers
from .plan import Plan
from .runs import Station, stations, take_turns


def idle(plan: Plan) -> Document:
    """Two pairs of hosts that are alike but for the idle flows, and 64 busy flows on each."""
    with ExitStack() as stack:
        quiet, full = (stack.enter_context(hosts(plan)) for _ in range(2))
        its, theirs = (_targets(stack, plan, lab) for lab in (quiet, full))
        filled = [row for target in theirs for row in _fill(stack, plan, full, target)]
        alone = _busy(stack, quiet, its, cases.ALONE)
        beside = _busy(stack, full, theirs, cases.beside(plan.idle_flows))
        take_turns([*alone, *beside], plan)
        found = document(describe(quiet, plan), [*alone, *beside])
    found["rows"] += [{**row, "link": found["link"]["kind"]} for row in filled]
    pairs = zip(beside, alone, strict=True)
    found["ratios"] += [ratio(one, to, f"{to.stack}, alone") for one, to in pairs]
    return found


def _targets(stack: ExitStack, plan: Plan, lab: Lab) -> list[Target]:
    known = stack.enter_context(servers(lab))
    return [target for name, target in known.items() if plan.has(name)]


def _busy(stack: ExitStack, lab: Lab, targets: Sequence[Target], case: Case) -> list[Station]:
    return stack.enter_context(stations([case], lab["a"], targets, scaffoldds(lab)))


def _fill(stack: ExitStack, plan: Plan, lab: Lab, target: Target) -> Iterator[dict[str, Any]]:
    """Opens idle flows, and has a row for each who keeps something of them in its memory."""
    owners = scaffoldds(lab) if target.shim else {}
    before = memory.by_owner(owners)
    stack.enter_context(holding(lab["a"], target, plan.idle_flows))
    for owner, used in memory.by_owner(owners).items():
        per_flow = [(used - before[owner]) / plan.idle_flows]
        case = cases.memory(owner)
        yield {**head(case, target.stack), **spread(per_flow, per_flow, per_flow)}
