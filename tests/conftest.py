"""Fixtures of the tests in Python."""

import functools
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold import namespaces
from scaffold.lab import Lab
from scaffold.scenario import MissingProgram

ROOT = Path(__file__).parents[1]
KINDS = ["namespaces", "loopback"]

# A shell starts what runs in its background deaf to Ctrl-C, and programs pass that on.
signal.signal(signal.SIGINT, signal.default_int_handler)


LONG = ["test_native.py", "shim", "e2e", "trap"]
"""Files and folders that take longest: begun first, so that nobody waits for the last of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    names = (item.path.name, item.path.parent.name)
    return next((LONG.index(name) for name in names if name in LONG), len(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file share what its fixtures made, so that one worker has them all; those of
    a file that is marked `spread` go wherever there is room."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if _is_spread(file) else file

    config.option.loadscopereorder = False  # see _turn
    return ByFile(config, log)


@functools.cache
def _is_spread(file: str) -> bool:
    """Whoever hands the tests out has their names only."""
    return "pytest.mark.spread" in (ROOT / file).read_text()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A program that is not installed skips the short form of a test, and fails the full one."""
    try:
        return (yield)
    except MissingProgram as missing:
        if item.get_closest_marker("full"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


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
        pytest.skip("needs root: other users, namespaces, file systems, raw sockets")


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
