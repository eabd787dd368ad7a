"""A few kills under load; tests/verify/test_kills.py has many."""

import pytest

from e2e.kills import HOSTS, Kills
from scaffold.lab import Lab

pytestmark = pytest.mark.hosts

SEED = 10
GIVEN_UP_S = 60
"""By a probe."""


def test_a_few_kills(kind: str) -> None:
    with Lab(HOSTS, router="r", kind=kind) as lab:
        lab.start()
        kills = Kills(lab, SEED)
        while kills.outcome.kills < 4:
            kills.round()
        kills.finish()


def test_a_few_restarts(root_only: None) -> None:
    """Of the router and of hosts, in any order: how soon everything is back is for
    tests/verify/test_kills.py to measure."""
    with Lab(HOSTS, router="r", kind="namespaces") as lab:
        lab.start()
        kills = Kills(lab, SEED)
        for _ in range(3):
            assert max(kills.restart().values()) < GIVEN_UP_S
        kills.finish()
