"""Random sequences of socket calls, natively and under the shim, in full number."""

import pytest

from scaffold.lab import Lab
from shim.test_random_calls import Calls, Datagrams, Streams, run, two_sides

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]

SEQUENCES = 5000


@pytest.mark.parametrize("machine", [Streams, Datagrams])
def test_random_calls(machine: type[Calls], figures: dict[str, float]) -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        with two_sides(lab["a"]) as sides:
            run(machine, sides, SEQUENCES)
    figures["sequences"] = SEQUENCES
