"""Fifty kills and stops of any scaffoldd, the router's too, under mixed load."""

import statistics

import pytest

from e2e.kills import HOSTS, Kills
from scaffold.lab import Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(1800)]

KILLS = 50
BACK_WITHIN_S = 2.0
RESTARTS = 30
RESTARTED_WITHIN_S = 3.0


@pytest.mark.parametrize("seed", [1])
def test_fifty_kills(seed: int, kind: str, figures: dict[str, float]) -> None:
    print("seed", seed)
    with Lab(HOSTS, router="r", kind=kind) as lab:
        lab.start()
        kills = Kills(lab, seed)
        while kills.outcome.kills < KILLS:
            kills.round()
        outcome = kills.finish()
    figures["kills"] = outcome.kills
    figures["back_median_s"] = round(statistics.median(outcome.back), 3)
    figures["back_worst_s"] = round(max(outcome.back), 3)
    figures.update(outcome.done)
    assert max(outcome.back) <= BACK_WITHIN_S


@pytest.mark.parametrize("seed", [1])
def test_thirty_restarts(root_only: None, seed: int, figures: dict[str, float]) -> None:
    """Of the router and of hosts, by kill -9, in any order; each service is waited for."""
    print("seed", seed)
    with Lab(HOSTS, router="r", kind="namespaces") as lab:
        lab.start()
        kills = Kills(lab, seed)
        rounds = [kills.restart() for _ in range(RESTARTS)]
        outcome = kills.finish()
    worst = [max(took.values()) for took in rounds]
    figures["kills"] = outcome.kills
    figures["service_back_median_s"] = round(statistics.median(outcome.back), 3)
    figures["all_back_median_s"] = round(statistics.median(worst), 3)
    figures["all_back_worst_s"] = round(max(worst), 3)
    figures.update(outcome.done)
    assert max(worst) <= RESTARTED_WITHIN_S
