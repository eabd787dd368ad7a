"""Bulk at 50 ms with random losses: the user plane beside the kernel's TCP by the same congestion
control through the same relay, and beside what the simulator says of the same path."""

import statistics

import pytest

from verify.long_path import LongPath, bulk, long_lab

pytestmark = [pytest.mark.full, pytest.mark.hosts]

SECONDS = 5.0
SEEDS = {0.01: 20, 0.001: 10, 0.0: 5}
CUBIC_FLOWS = {0.01: 8, 0.001: 1, 0.0: 1}
"""At a time. At 1 % they are far from filling the path, and what one gets is chance."""
CUBIC_LEAST = {0.01: 1.0, 0.001: 0.8, 0.0: 0.95}
"""Of the kernel's. At 0.1 % a loss in slow start decides over a run: one gets twice another's."""


def medians(path: LongPath, control: str, flows: int) -> dict[str, float]:
    """Mbit/s of each, of as many runs as the losses have seeds."""
    rates: dict[str, list[float]] = {"tcp": [], "user": [], "simulator": []}
    for seed in range(1, SEEDS[path.loss] + 1):
        with long_lab(path, seed) as lab:
            for kind in ("tcp", "user"):
                rate = bulk(lab, control, SECONDS, tcp=kind == "tcp", flows=flows)
                rates[kind].append(rate)
        rates["simulator"].append(path.predicted(control, SECONDS, seed))
    return {kind: round(statistics.median(values), 2) for kind, values in rates.items()}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("loss", SEEDS)
def test_bbr(root_only: None, loss: float, figures: dict[str, float]) -> None:
    figures |= medians(LongPath(loss), "bbr", 1)
    assert figures["user"] >= 0.8 * figures["tcp"]
    assert figures["user"] >= 0.9 * figures["simulator"]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("loss", SEEDS)
def test_cubic(root_only: None, loss: float, figures: dict[str, float]) -> None:
    figures |= medians(LongPath(loss), "cubic", CUBIC_FLOWS[loss])
    assert figures["user"] >= CUBIC_LEAST[loss] * figures["tcp"]
