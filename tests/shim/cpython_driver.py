"""Runs one module of CPython's own tests and appends a JSON line for each test's start and outcome.

    python3 cpython_driver.py test_socket RESULTS [--only PATTERN...] [--not PATTERN...]

Runs in the interpreter whose tests these are, so it uses nothing but the standard library.
"""

import argparse
import faulthandler
import fnmatch
import importlib
import json
import os
import sys
import tempfile
import unittest
from typing import Any

# A test that takes longer hangs: the slowest of these modules takes a fifth of it.
PATIENCE_S = 120


class Record(unittest.TestResult):
    """Writes what happens, as it happens: what was started and not ended has crashed or hung."""

    results = -1

    def note(self, test: Any, event: str, why: str = "") -> None:
        # unittest.case.TestCase.id names subtests too; setUpClass and its like have only a str.
        name = test.id() if hasattr(test, "id") else str(test)
        line = json.dumps({"test": name, "event": event, "why": why[-2000:]}) + "\n"
        os.write(Record.results, line.encode())

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
        self.note(test, "start")

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.note(test, "failed", self.failures[-1][1])

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.note(test, "failed", self.errors[-1][1])

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.note(test, "passed")

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self.note(test, "failed", "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "failed", self._exc_info_to_string(err, test))


def matches(test: unittest.TestCase, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(test.id(), pattern) for pattern in patterns)


def chosen(suite: Any, only: list[str], without: list[str]) -> unittest.TestSuite:
    kept = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            kept.addTest(chosen(test, only, without))
        elif matches(test, only) and not matches(test, without):
            kept.addTest(test)
    return kept


def main() -> None:
    from test import support  # type: ignore[attr-defined]

    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("results")
    parser.add_argument("--only", nargs="*", default=["*"])
    parser.add_argument("--not", nargs="*", default=[], dest="without")
    given = parser.parse_args()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    Record.results = os.open(given.results, flags, 0o666)
    # This much of test.support is the same everywhere; its runners moved within 3.11.
    support.use_resources = ["network"]  # test_socketserver asks for it, for loopback
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tests = importlib.import_module(f"test.{given.module}")
        suite = unittest.defaultTestLoader.loadTestsFromModule(tests)
        chosen(suite, given.only, given.without)(Record())
        os.chdir("/")


if __name__ == "__main__":
    try:
        main()
    except unittest.SkipTest as reason:
        print(reason, file=sys.stderr)
