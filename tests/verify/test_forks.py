"""Ten thousand sockets of each kind while another thread forks in every way that there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.lab import Host, Lab
from shim.test_forks import HOW, all_are_seen, built

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]
ROUNDS = 10_000


@pytest.fixture
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


@pytest.mark.parametrize("how", HOW)
def test_what_happens_to_a_socket_is_seen(host: Host, tmp_path: Path, how: str) -> None:
    all_are_seen(host, built(tmp_path), how, ROUNDS)
