"""A socket of ours answers as one of Python's own: plain IP to the letter, a service but for what
its descriptor cannot."""

import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from python.twins import ADDRESSES, CALLS, DATAGRAMS, FUNCTIONS, STREAMS, World, answer, differences
from scaffold import inet
from scaffold.lab import Lab

PROGRAM = Path(__file__).with_name("twins.py")
FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@pytest.mark.parametrize("states", [STREAMS, DATAGRAMS], ids=["streams", "datagrams"])
@pytest.mark.parametrize(("family", "host"), FAMILIES, ids=["IPv4", "IPv6"])
def test_states(family: int, host: str, states: dict[str, Callable[[World], Any]]) -> None:
    plain, ours = (partial(World, module, host, family) for module in (socket, inet))
    assert list(differences(states, plain, ours)) == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("type", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize(("family", "host"), FAMILIES, ids=["IPv4", "IPv6"])
def test_addresses(family: int, host: str, type: int, call: str) -> None:
    def made(module: Any, address: Any) -> Any:
        world = World(module, host, family)
        return answer(world, lambda world: CALLS[call](world.new(type), address))

    for address in ADDRESSES:
        assert made(inet, address) == made(socket, address), address


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    def made(module: Any, arguments: Any) -> Any:
        return answer(World(module), lambda _: getattr(module, name)(*arguments))

    for arguments in FUNCTIONS[name]:
        assert made(inet, arguments) == made(socket, arguments), arguments


KNOWN = (
    # AF_UNIX copies what TCP throws away for MSG_TRUNC.
    "with data/recv_into truncated",
    # TCP looks for urgent data before it sees that nothing is connected.
    "bound/recv urgent",
    # TCP tells the success of a connect that did not block a second time.
    "open/connect",
    "with data/connect",
    "ended/connect",
    # After a reset the socket stays what it was until it is closed.
    "reset/connect",
    "reset after its end/connect",
    # TCP tells the failure to sendfile, and EPIPE to the send that Python then tries.
    "reset/sendfile",
    "refused/sendfile",
    # What is ours has a local address from its first connect on.
    "reset/bind again",
    "reset after its end/bind again",
    "refused/bind again",
)


def test_states_on_a_service() -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab.start(plane="user")  # which can be reset
        done = lab["a"].run([sys.executable, PROGRAM], shim=False, timeout=200)
    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if not line.startswith(KNOWN)] == []
