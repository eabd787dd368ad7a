"""Random sequences of socket calls, natively and under the shim: results, errnos, poll masks and
bytes are equal, once what is on its way has arrived.

A failure prints the seed and the shortest sequence that shows it; SCAFFOLD_SEED=N runs it again.
Calls whose difference is documented (`scaffold doctor`) are not made: sending to who has shut its
reading down, shutdown of what has no peer, bind and the names of a socket behind a failed connect,
a socket that connects to itself, datagrams to a port that the kernel gave a socket which was not
bound, a datagram from a connected socket that has yet to read.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from scaffold.lab import Host, end

SHORT = 50
PATIENCE_S, HASTE_S = 5.0, 0.2
"""Until the second side must have seen the same; and while a failure is being shortened, when only
the last sequence must hold."""

EXECUTOR = Path(__file__).with_name("random_calls.py")
SLOTS = 8

slot = st.integers(0, SLOTS - 1)
size = st.sampled_from([0, 1, 100, 5000])


class Side:
    """A process that executes calls."""

    def __init__(self, process: "subprocess.Popen[str]"):
        self.process = process

    def ask(self, words: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the executor ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


class Calls(RuleBasedStateMachine):
    """What both kinds of sockets have in common."""

    native: Side
    shim: Side
    datagrams: bool
    patience_s = PATIENCE_S

    @initialize(six=st.booleans())
    def begin(self, six: bool) -> None:
        self.count = 0
        self.refused: set[int] = set()
        self.open: list[int] = []
        self.both({"op": "begin", "six": six, "datagrams": self.datagrams})
        self.make()
        self.make()

    def both(self, words: dict[str, Any]) -> Any:
        """One call on either side; the second waits for what the first has seen."""
        native = self.native.ask(words)
        wait = {"until": self.expected(native)["seen"], "patience_s": self.patience_s}
        shim = self.shim.ask({**words, **wait})
        self.seen = native["seen"]
        if shim != self.expected(native):
            type(self).patience_s = HASTE_S
            raise AssertionError(f"{words}\n  native {native}\n  shim   {shim}")
        return native["result"]

    def expected(self, native: dict[str, Any]) -> dict[str, Any]:
        return native

    def make(self) -> None:
        self.open.append(self.both({"op": "socket"}))
        self.count += 1

    def pick(self, number: int) -> int:
        return self.open[number % len(self.open)]

    @precondition(lambda self: self.count < SLOTS)
    @rule()
    def socket(self) -> None:
        self.make()

    def bind_any(self, on: int) -> None:
        self.both({"op": "bind", "on": on})

    @rule(on=slot)
    def names(self, on: int) -> None:
        if self.pick(on) in self.refused:
            return
        for op in ("name", "peer"):
            self.both({"op": op, "on": self.pick(on)})

    @rule(on=slot)
    def error(self, on: int) -> None:
        self.both({"op": "error", "on": self.pick(on)})

    @precondition(lambda self: len(self.open) > 1)
    @rule(on=slot)
    def close(self, on: int) -> None:
        number = self.pick(on)
        self.both({"op": "close", "on": number})
        self.open.remove(number)


class Streams(Calls):
    """TCP."""

    datagrams = False

    def __init__(self) -> None:
        super().__init__()
        self.listening: set[int] = set()
        self.deaf: set[int] = set()
        self.peers: dict[int, int] = {}
        self.tried: set[int] = set()

    @rule(on=slot)
    def bind(self, on: int) -> None:
        if self.pick(on) not in self.tried:
            self.bind_any(self.pick(on))

    @rule(on=slot, other=slot)
    def bind_to_a_taken_port(self, on: int, other: int) -> None:
        if self.pick(other) in self.listening and self.pick(on) not in self.tried:
            self.both({"op": "bind", "on": self.pick(on), "other": self.pick(other)})

    @rule(on=slot)
    def listen(self, on: int) -> None:
        if self.both({"op": "listen", "on": self.pick(on)}) is None:
            self.listening.add(self.pick(on))

    @rule(on=slot, other=slot)
    def connect(self, on: int, other: int) -> None:
        on, other = self.pick(on), self.pick(other)
        if on != other:
            self.tried.add(on)
            if self.both({"op": "connect", "on": on, "other": other}) != "EINPROGRESS":
                self.refused.add(on)

    @precondition(lambda self: self.count < SLOTS)
    @rule(on=slot)
    def accept(self, on: int) -> None:
        result = self.both({"op": "accept", "on": self.pick(on)})
        if isinstance(result, list):
            number = self.count
            self.count += 1
            self.open.append(number)
            for peer in result[1] or []:
                self.peers[number], self.peers[peer] = peer, number

    @rule(on=slot, size=size, value=st.integers(1, 255))
    def send(self, on: int, size: int, value: int) -> None:
        on = self.pick(on)
        if self.peers.get(on) not in self.deaf:
            self.both({"op": "send", "on": on, "size": size, "value": value})

    @rule(on=slot, size=size, peek=st.booleans())
    def recv(self, on: int, size: int, peek: bool) -> None:
        self.both({"op": "recv", "on": self.pick(on), "size": size, "peek": peek})

    @rule(on=slot, how=st.sampled_from([1, 1, 1, 2, 0]))
    def shutdown(self, on: int, how: int) -> None:
        on = self.pick(on)
        if on in self.peers:
            self.both({"op": "shutdown", "on": on, "how": how})
            if how != 1:
                self.deaf.add(on)

    @rule(on=slot, value=st.sampled_from(["reset", "wait"]))
    def linger(self, on: int, value: str) -> None:
        self.both({"op": "linger", "on": self.pick(on), "value": value})

    @rule(on=slot, option=st.sampled_from(["nodelay", "keepalive", "keepidle"]))
    def option(self, on: int, option: str) -> None:
        for words in ({"op": "set", "value": 1}, {"op": "get"}):
            self.both({**words, "on": self.pick(on), "option": option})


class Datagrams(Calls):
    """UDP."""

    datagrams = True

    def __init__(self) -> None:
        super().__init__()
        self.bound: set[int] = set()
        self.connected: set[int] = set()

    def may_send(self, on: int) -> bool:
        """An error comes after the datagrams that came before it."""
        return on not in self.connected or self.seen[on][0] == "0x4"

    def expected(self, native: dict[str, Any]) -> dict[str, Any]:
        """An error is announced as something to read, without POLLERR and length."""
        seen = [
            one and ([hex(int(one[0], 16) & ~8 | 1), None] if int(one[0], 16) & 8 else one)
            for one in native["seen"]
        ]
        return {**native, "seen": seen}

    @rule(on=slot)
    def bind(self, on: int) -> None:
        self.bind_any(self.pick(on))
        self.bound.add(self.pick(on))

    @rule(on=slot, other=slot)
    def connect(self, on: int, other: int) -> None:
        if self.pick(other) in self.bound:
            self.both({"op": "connect", "on": self.pick(on), "other": self.pick(other)})
            self.connected.add(self.pick(on))

    @rule(on=slot)
    def disconnect(self, on: int) -> None:
        """A port that the kernel chose is kept as long as datagrams wait."""
        if self.seen[self.pick(on)][0] == "0x4":
            self.both({"op": "disconnect", "on": self.pick(on)})
            self.bound.discard(self.pick(on))
            self.connected.discard(self.pick(on))

    @rule(on=slot, size=size, value=st.integers(1, 255))
    def send(self, on: int, size: int, value: int) -> None:
        if self.pick(on) in self.bound and self.may_send(self.pick(on)):
            self.both({"op": "send", "on": self.pick(on), "size": size, "value": value})

    @rule(on=slot, other=slot, size=size, value=st.integers(1, 255))
    def sendto(self, on: int, other: int, size: int, value: int) -> None:
        if self.pick(other) not in self.bound or not self.may_send(self.pick(on)):
            return
        words = {"op": "sendto", "on": self.pick(on), "other": self.pick(other)}
        self.both({**words, "size": size, "value": value})

    @rule(on=slot, size=size)
    def recvfrom(self, on: int, size: int) -> None:
        self.both({"op": "recvfrom", "on": self.pick(on), "size": size})


@contextmanager
def two_sides(host: Host) -> Iterator[tuple[Side, Side]]:
    """An executor that the kernel serves, and one on services of `host`."""
    command = [sys.executable, str(EXECUTOR)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    native = subprocess.Popen(command, start_new_session=True, **pipes)
    try:
        yield Side(native), Side(host.popen(command, all_local=True, **pipes))
    finally:
        end(native)


def run(machine: type[Calls], sides: tuple[Side, Side], examples: int) -> None:
    """So many sequences; a failure names the seed."""
    machine.native, machine.shim = sides
    machine.patience_s = PATIENCE_S
    number = int(os.environ.get("SCAFFOLD_SEED", random.randrange(1 << 32)))
    plan = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    try:
        run_machine(seed(number)(machine), settings=plan)
    except BaseException as error:
        error.add_note(f"the seed was {number}: SCAFFOLD_SEED={number} runs it again")
        raise


@pytest.mark.parametrize("machine", [Streams, Datagrams])
def test_random_calls(machine: type[Calls], host: Host) -> None:
    with two_sides(host) as sides:
        run(machine, sides, SHORT)
