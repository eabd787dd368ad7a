"""CPython's own network tests: natively, under the shim and under socket_wrapper, test by test.

A test that passes natively and fails otherwise is a difference that a program could see. The ones
that are known, with their reasons, are in cpython-exceptions.toml.
"""

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scaffold.lab import Host
from scaffold.scenario import MissingProgram

DRIVER = Path(__file__).with_name("cpython_driver.py")
EXCEPTIONS = Path(__file__).with_name("cpython-exceptions.toml")
SOCKET_WRAPPER = "libsocket_wrapper.so"

# Those of the issue; the first ones take a few seconds each.
FAST = [
    "test_select",
    "test_socketserver",
    "test_httplib",
    "test_httpservers",
    "test_smtplib",
    "test_telnetlib",
    "test_asyncore",
    "test_asynchat",
    "test_urllib2_localnet",
    "test_wsgiref",
    "test_epoll",
]
SLOW = [
    "test_socket",
    "test_poll",
    "test_selectors",
    "test_ftplib",
    "test_poplib",
    "test_imaplib",
    "test_xmlrpc",
    "test_asyncio",
]

Mode = Literal["native", "shim", "socket_wrapper"]


@dataclass(frozen=True)
class Known:
    """Tests that may differ, and why."""

    test: str  # a pattern of fnmatch
    kind: str  # VSOCK, UDPLITE, multicast, raw: never ours; refused: ours, documented
    reason: str
    row: str = ""  # refused: the row of docs/reference/differences.md

    def covers(self, test: str) -> bool:
        return fnmatch.fnmatch(test, self.test)


@dataclass
class Outcome:
    """Of one module in one mode."""

    tests: dict[str, str] = field(default_factory=dict)  # passed, failed, skipped, start (hung)
    why: dict[str, str] = field(default_factory=dict)
    sockets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by test
    output: str = ""

    def passed(self) -> set[str]:
        return {test for test, event in self.tests.items() if event == "passed"}

    def count(self) -> dict[str, int]:
        return dict(Counter(self.tests.values()))

    def planes(self) -> dict[str, int]:
        """How many sockets were used on which plane; "ip" is none of ours."""
        last = {one["socket"]: one["plane"] for all in self.sockets.values() for one in all}
        return dict(Counter(last.values()))

    def plain(self) -> dict[str, set[str]]:
        """Why sockets stayed on IP, by test."""
        return {
            test: why
            for test, all in self.sockets.items()
            if (why := {one["why"] for one in all if one["plane"] == "ip"})
        }


def known() -> list[Known]:
    """What cpython-exceptions.toml says."""
    with EXCEPTIONS.open("rb") as file:
        return [Known(**entry) for entry in tomllib.load(file)["exception"]]


def interpreter() -> str:
    """A Python that has its own tests: the one of SCAFFOLD_CPYTHON, ours, or the system's."""
    ours = os.path.realpath(sys.executable)
    for candidate in (os.environ.get("SCAFFOLD_CPYTHON", ours), ours, "/usr/bin/python3"):
        probe = [candidate, "-c", "import test.test_socket, test.test_asyncio"]
        if shutil.which(candidate) and subprocess.run(probe, capture_output=True).returncode == 0:
            return candidate
    raise MissingProgram("CPython's own tests: apt-get install libpython3.11-testsuite")


def run(
    module: str, mode: Mode, host: Host, *, patterns: Sequence[str] = ("*",), timeout: float = 900
) -> Outcome:
    """Run one module. Sockets are known under the shim only."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        without = [entry.test for entry in known() if entry.kind == "VSOCK"]
        command = [interpreter(), DRIVER, module, results, "--only", *patterns, "--not", *without]
        env = {"TMPDIR": folder}
        if mode == "shim":
            env["SCAFFOLD_SHIM_LOG"] = str(results)
        if mode == "socket_wrapper":
            env |= {
                "LD_PRELOAD": SOCKET_WRAPPER,
                "SOCKET_WRAPPER_DIR": str(Path(folder) / "wrapped"),
            }
            (Path(folder) / "wrapped").mkdir()
        shim = mode == "shim"
        try:
            done = host.run(command, shim=shim, all_local=shim, env=env, timeout=timeout)
            output = done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            output = f"no end after {timeout} s"
        return _read(results, output)


def _read(results: Path, output: str) -> Outcome:
    outcome = Outcome(output=output)
    current = "setup"
    for line in results.read_text().splitlines() if results.exists() else []:
        entry = json.loads(line)
        if "test" not in entry:
            outcome.sockets.setdefault(current, []).append(entry)
            continue
        test, event = entry["test"], entry["event"]
        if event == "start":
            current = test
        if outcome.tests.get(test) != "failed":  # a subtest's failure is the test's
            outcome.tests[test] = event
        if entry["why"]:
            outcome.why[test] = entry["why"]
    return outcome


def differences(native: Outcome, other: Outcome) -> list[str]:
    """What passes natively and not otherwise."""
    return sorted(native.passed() - other.passed())


def unexplained(native: Outcome, shim: Outcome) -> dict[str, str]:
    """The differences that no entry of cpython-exceptions.toml covers, with what went wrong."""
    entries = known()
    return {
        test: shim.why.get(test, shim.tests.get(test, "did not run"))
        for test in differences(native, shim)
        if not any(entry.covers(test) for entry in entries)
    }


def unexplained_plain(shim: Outcome) -> dict[str, set[str]]:
    """Tests with sockets on IP that no entry of cpython-exceptions.toml covers."""
    entries = known()
    return {
        test: why
        for test, why in shim.plain().items()
        if not any(entry.covers(test) for entry in entries)
    }
