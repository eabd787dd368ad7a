"""A host for programs of the Python package."""

from collections.abc import Iterator

import pytest

from scaffold.lab import Lab


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    """One scaffoldd for all: each body closes what it binds."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab
