"""The link between the hosts."""

import os
from pathlib import Path
from typing import Any

from .. import namespaces
from ..errors import WrongUsage
from ..lab import Lab
from .plan import CONGESTION, Plan

_TCP = Path("/proc/sys/net/ipv4")


def describe(lab: Lab, plan: Plan) -> dict[str, Any]:
    """What the figures were measured on."""
    has_link = lab.kind == "namespaces" and len(lab.hosts) > 1
    return {
        "kind": "veth" if has_link else "loopback",
        "rate_mbit": mbit(lab.rate),
        "mtu": lab.mtu if has_link else 65536,
        "congestion": _congestion(lab, plan),
        "kernel": os.uname().release,
        "cpus": len(os.sched_getaffinity(0)),
        "pinned": plan.pin,
    }


def _congestion(lab: Lab, plan: Plan) -> str:
    """On loopback TCP has whatever the machine has."""
    if lab.kind == "namespaces":
        return plan.congestion
    return (_TCP / "tcp_congestion_control").read_text().strip()


def _check_congestion(name: str) -> None:
    known = (_TCP / "tcp_available_congestion_control").read_text().split()
    if name not in known:
        raise WrongUsage(f"this kernel has no congestion control {name}; it has {' '.join(known)}")


def mbit(rate: str | None) -> float | None:
    """tc's notation in Mbit/s; None for an unshaped link."""
    if rate is None:
        return None
    for suffix, factor in (("gbit", 1000.0), ("mbit", 1.0), ("kbit", 0.001)):
        if rate.endswith(suffix):
            return float(rate.removesuffix(suffix)) * factor
    raise WrongUsage(f"{rate!r} is not a rate; write for example 1gbit or 100mbit")


def check_rate(rate: str | None) -> None:
    """WrongUsage unless tc would understand the rate."""
    try:
        mbit(rate)
    except ValueError:
        raise WrongUsage(f"{rate!r} is not a rate; write for example 1gbit") from None


def check(plan: Plan) -> None:
    """WrongUsage unless all that is asked for can be measured."""
    check_rate(plan.rate)
    if not plan.seconds > 0 or plan.runs < 1:
        raise WrongUsage("--seconds and --runs must be positive")
    has_link = namespaces.available() if plan.kind is None else plan.kind == "namespaces"
    if (plan.rate or plan.mtu is not None) and not has_link:
        raise WrongUsage("--shape and --mtu are a link's: --hosts namespaces, as root")
    if plan.congestion != CONGESTION and not has_link:
        raise WrongUsage("--congestion is set on routes of its own: --hosts namespaces, as root")
    if has_link:
        _check_congestion(plan.congestion)
