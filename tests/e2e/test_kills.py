"""A few kills under load; tests/verify/test_kills.py has many."""

import pytest

from e2e.kills import HOSTS, Kills
from scaffold.lab import Lab

pytestmark = pytest.mark.hosts

SEED = 10


def test_a_few_kills(kind: str) -> None:
    with Lab(HOSTS, router="r", kind=kind) as lab:
        lab.start()
        kills = Kills(lab, SEED)
        while kills.outcome.kills < 4:
            kills.round()
        kills.finish()
