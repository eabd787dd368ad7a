"""A host whose programs run under the shim."""

from collections.abc import Iterator

import pytest

from scaffold.lab import Host, Lab


@pytest.fixture
def host() -> Iterator[Host]:
    """One host with a scaffoldd of its own, on loopback; for tests that do something to it."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Host]:
    """The same, for all tests of a module that only use it."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]
