"""Programs that nobody chose for scaffold-port, built as they are and at both levels: their own
quick tests end alike, and some serve by name.

`build` refuses what still imports a socket call from libc.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.lab import Host, Lab
from scaffold_port.ported import LEVELS
from scaffold_port.ports import Port, Steps, names, read
from scaffold_port.verify import Folders, fetch, programs, verify
from verify import strangers
from verify.passed import passed

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]

STRANGERS = strangers.FOLDER
PORTS = {name: read(STRANGERS, name) for name in names(STRANGERS)}
SERVING = [name for name in PORTS if (STRANGERS / name / "scenario.py").exists()]
TRIES = 3
"""A test that waits by the clock fails now and then on a busy machine, as it is as well."""
PATIENCE_S = 1200
"""For one command on such a machine; none takes two minutes on an idle one."""
LEAST = {
    "c-ares": 380,
    "dropbear": 25,
    "libevent": 300,
    "libuv": 400,
    "openvpn": 110,
    "tinyproxy": 12,
    "unbound": 200,
}
"""Of its tests pass as it is; where fewer do, the host lacks what they need."""


def checks(port: Port) -> Steps:
    """The commands of its own quick tests."""
    [origin] = port.sources
    return origin.build.checks if origin.build else ()


CHECKED = [name for name, port in PORTS.items() if checks(port)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """What is fetched for one level serves the others."""
    return Folders(STRANGERS, tmp_path_factory.mktemp("strangers"))


@pytest.fixture
def host(root_only: None) -> Iterator[Host]:
    """Where nobody else has a port, and nobody else is reached."""
    with Lab(["a"], kind="namespaces") as lab:
        lab.start()
        yield lab["a"]


def as_it_is(port: Port, folders: Folders) -> Path:
    """The source as its own commands build it, without SCAFFOLD."""
    [origin], [source] = port.sources, fetch(port, folders)
    tree = folders.of(port) / "as-it-is" / source.name
    if tree.exists():  # for the other level
        return tree
    shutil.copytree(source, tree, symlinks=True)
    assert origin.build
    for step in origin.build.steps:
        words = filled(port, step, tree)
        done = subprocess.run(words, cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    return tree


def filled(port: Port, step: tuple[str, ...], tree: Path) -> list[str]:
    """A command without what stands for the place and the level."""
    places = {"{prefix}": tree.parent / "usr", "{port}": port.folder, "{header}": ""}
    for name, place in places.items():
        step = tuple(word.replace(name, str(place)) for word in step)
    return list(step)


def ported(port: Port, level: str, folders: Folders) -> Path:
    """The source at a level, built."""
    programs(port, level, folders)
    [source] = fetch(port, folders)
    return folders.of(port) / level / source.name


def run_checks(port: Port, tree: Path, host: Host) -> Counter[str]:
    """The tests that pass in a tree."""
    found = Counter[str]()
    for step in checks(port):
        done = host.run(filled(port, step, tree), shim=False, cwd=tree, timeout=PATIENCE_S)
        found += passed(done.stdout)
    return found


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("app", CHECKED)
def test_its_own_tests(
    app: str, level: str, folders: Folders, host: Host, figures: dict[str, float]
) -> None:
    """On plain IP, beside a scaffoldd: those pass that pass as it is."""
    port = PORTS[app]
    trees = as_it_is(port, folders), ported(port, level, folders)
    before, after = Counter[str](), Counter[str]()
    for _ in range(TRIES):
        before |= run_checks(port, trees[0], host)
        after |= run_checks(port, trees[1], host)
        if before == after:
            break
    figures.update(before=before.total(), after=after.total())
    assert before.total() >= LEAST[app]
    assert after == before, {"lost": before - after, "won": after - before}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("app", SERVING)
def test_by_name(app: str, level: str, folders: Folders, root_only: None) -> None:
    """Between two hosts."""
    verify(PORTS[app], level, folders)
