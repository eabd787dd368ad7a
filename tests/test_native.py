"""The C tests (units, simulations, the fuzzers' corpora), one test here for each of ctest's."""

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[1] / "build/dev"
# What takes longer hangs, however busy the machine is: alone, the longest takes some seconds.
PATIENCE_S = 900


def names() -> list[str]:
    if not (BUILD / "CTestTestfile.cmake").exists() or not shutil.which("ctest"):
        return []
    command = ["ctest", "--test-dir", str(BUILD), "--show-only=json-v1"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [test["name"] for test in json.loads(listing)["tests"]]


@pytest.fixture(scope="session")
def results() -> dict[str, ET.Element]:
    """One run of ctest over everything, two at a time."""
    report = BUILD / "ctest.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", str(BUILD), "-j2", "--timeout", str(PATIENCE_S), "-Q"]
    subprocess.run([*command, "--output-junit", str(report)], check=False)
    return {case.attrib["name"]: case for case in ET.parse(report).getroot().iter("testcase")}


@pytest.mark.timeout(2 * PATIENCE_S)
@pytest.mark.parametrize("name", names())
def test_native(name: str, results: dict[str, ET.Element]) -> None:
    case = results[name]
    if case.attrib["status"] != "run":
        pytest.fail(
            f"{name}: {case.attrib['status']}\n{case.findtext('system-out')}", pytrace=False
        )


def test_the_build_is_there() -> None:
    if not names() and "SCAFFOLD_NO_NATIVE" in os.environ:
        pytest.skip("SCAFFOLD_NO_NATIVE is set")
    assert names(), "build/dev holds no C tests; make test builds it"
