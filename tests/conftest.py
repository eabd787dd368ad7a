"""Fixtures of the tests in Python."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold import namespaces
from scaffold.lab import Lab
from scaffold.scenario import MissingProgram

ROOT = Path(__file__).parents[1]
KINDS = ["namespaces", "loopback"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A program that is not installed skips the short form of a test, and fails the full one."""
    outcome = yield
    if outcome.excinfo and isinstance(outcome.excinfo[1], MissingProgram):
        if item.get_closest_marker("full"):
            pytest.fail(str(outcome.excinfo[1]), pytrace=False)
        pytest.skip(str(outcome.excinfo[1]))


@pytest.fixture(scope="session")
def can_make_namespaces() -> bool:
    return namespaces.available()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, can_make_namespaces: bool) -> str:
    """Each way to have hosts that this user has."""
    if request.param == "namespaces" and not can_make_namespaces:
        pytest.skip("network namespaces need root")
    return str(request.param)


@pytest.fixture
def root_only(can_make_namespaces: bool) -> None:
    if not can_make_namespaces:
        pytest.skip("network namespaces need root")


@pytest.fixture
def lab(kind: str) -> Iterator[Lab]:
    """Hosts a and b whose scaffoldds answer; b is the service router."""
    with Lab(["a", "b"], router="b", kind=kind) as hosts:
        hosts.start()
        yield hosts


@pytest.fixture
def loopback_lab() -> Iterator[Lab]:
    """The same on loopback ports only: for what does not depend on the link."""
    with Lab(["a", "b"], router="b", kind="loopback") as hosts:
        hosts.start()
        yield hosts
