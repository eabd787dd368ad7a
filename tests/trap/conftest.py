"""A host, and the static program of Debian's."""

import shutil
from collections.abc import Iterator

import pytest

from scaffold import launch
from scaffold.lab import Host, Lab
from scaffold.scenario import MissingProgram


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(["a"], kind="loopback") as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def host(lab: Lab) -> Host:
    return lab["a"]


@pytest.fixture(scope="module")
def busybox() -> str:
    path = shutil.which("busybox")
    if path is None or launch.obstacle([path]) is None:
        raise MissingProgram("no static busybox is installed (busybox-static)")
    return path
