"""Published Python packages, rewritten: each one's own tests are equal, and it reaches or serves
services by name, with TLS where it has TLS, and under gevent."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from python.test_users_of_sockets import certificate
from python.users_of_sockets import NAME
from scaffold.lab import Host, Lab
from scaffold.scenario import MissingProgram
from verify.packages import PACKAGES, SUITE_S, Outcomes, Package, Tree, patches_sockets, trees

pytestmark = [pytest.mark.full, pytest.mark.timeout(3 * SUITE_S)]

PROGRAM = Path(__file__).with_name("packages_by_name.py")
TRIES = 3
"""A test that waits by the clock fails now and then on a busy machine, natively as well: a
difference is one that stays."""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    """Two, so that they have networks of their own."""
    with Lab(["a", "b"]) as lab:
        lab.start()
        yield lab


@pytest.fixture(scope="module", params=PACKAGES, ids=[package.name for package in PACKAGES])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tree, Tree]:
    """As it is, and rewritten."""
    package: Package = request.param
    return trees(package, tmp_path_factory.mktemp(package.name))


# --- its own tests --------------------------------------------------------------------------------


def differing(before: Outcomes, after: Outcomes) -> set[str]:
    return {test for test in before | after if before.get(test) != after.get(test)}


def compare(both: tuple[Tree, Tree], host: Host) -> tuple[Outcomes, Outcomes]:
    """What became of each test, as it is and rewritten; what failed on one side is asked again."""
    before, after = (tree.outcomes(host) for tree in both)
    again = ("--last-failed", "--last-failed-no-failures=none")
    for _ in range(TRIES - 1):
        if all(map(both[0].package.may_differ, differing(before, after))):
            break
        before |= both[0].outcomes(host, *again)
        after |= both[1].outcomes(host, *again)
    return before, after


def test_own_tests(
    root_only: None, both: tuple[Tree, Tree], hosts: Lab, figures: dict[str, float]
) -> None:
    package = both[0].package
    before, after = compare(both, hosts["a"])
    found = differing(before, after)
    figures.update({"tests": len(before), "different": len(found)})
    figures["native"], figures["rewritten"] = (
        sum(it == "passed" for it in one.values()) for one in (before, after)
    )
    unexpected = sorted(test for test in found if not package.may_differ(test))
    assert [(test, before.get(test), after.get(test)) for test in unexpected] == []
    for name, why in package.patching.items():
        tests = [test for test in found if test.startswith(name)]
        assert tests, f"the same by now: {name} ({why})"
        assert patches_sockets(both[0].file_of(tests[0])), f"patches no socket: {name}"


# --- by name --------------------------------------------------------------------------------------


@contextmanager
def stores(package: Package, lab: Lab, folder: Path, pem: Path) -> Iterator[None]:
    """What it reaches, under the shim."""
    host = lab["a"]
    with ExitStack() as stack:
        for number, command in enumerate(package.stores):
            if not shutil.which(command[0]):
                raise MissingProgram(f"{command[0]} is not installed")
            log = stack.enter_context((folder / f"{number}.log").open("w"))
            words = [word.format(pem=pem) for word in command]
            process = host.popen(words, service=NAME, stdout=log, stderr=log, cwd=folder)
            stack.callback(host.end, process)
        for port in (5000, 5001) if package.stores else ():
            lab.await_service(f"{NAME}:{port}")
        yield


@pytest.mark.parametrize("gevent", ["never", "early", "late"])
def test_by_name(gevent: str, both: tuple[Tree, Tree], hosts: Lab, tmp_path: Path) -> None:
    """`early` and `late`: gevent patches after what is ours is imported, or before."""
    _, tree = both
    pem = certificate(tmp_path)
    with stores(tree.package, hosts, tmp_path, pem):
        done = hosts["a"].run(
            [tree.python, PROGRAM, tree.package.name, gevent, pem],
            shim=False,
            env={"PYTHONPATH": f"{tree.path}:{PROGRAM.parents[1]}"},
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
