"""CPython's network tests, every socket on a service, beside socket_wrapper in the same run."""

import ctypes.util

import pytest

from scaffold.lab import Lab
from shim import cpython

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("module", cpython.FAST + cpython.SLOW)
def test_cpython(loopback_lab: Lab, module: str, figures: dict[str, float]) -> None:
    host = loopback_lab["a"]
    native = cpython.run(module, "native", host)
    shim = cpython.run(module, "shim", host)
    assert native.passed(), native.output
    figures.update({"native": len(native.passed()), "shim": len(shim.passed())})
    if ctypes.util.find_library("socket_wrapper"):
        wrapped = cpython.run(module, "socket_wrapper", host)
        figures["socket_wrapper"] = len(wrapped.passed() & native.passed())
    figures.update({f"sockets_{plane}": count for plane, count in shim.planes().items()})
    print(f"{module}: {figures}; on plain IP: {shim.plain()}")
    assert cpython.unexplained(native, shim) == {}
    assert cpython.unexplained_plain(shim) == {}
