"""CPython's own network tests with every socket on a service: the modules that take seconds. All of
them, beside socket_wrapper, are an item of `make verify`."""

import pytest

from scaffold.lab import Host
from shim import cpython

pytestmark = pytest.mark.spread


@pytest.mark.parametrize("module", cpython.FAST)
def test_module(shared_host: Host, module: str) -> None:
    native = cpython.run(module, "native", shared_host)
    shim = cpython.run(module, "shim", shared_host)
    assert native.passed(), native.output
    assert cpython.unexplained(native, shim) == {}
