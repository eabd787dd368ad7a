"""Every check of `scaffold doctor`, natively and under --trap: no unexplained difference."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from e2e.common import within
from scaffold import doctor
from scaffold.cli import main
from scaffold.doctor.refusals import REFUSALS
from scaffold.lab import Host, Lab

SCHEMA = Path(__file__).parents[2] / "docs/schemas/doctor.schema.json"


@pytest.fixture(scope="module", params=["user", "local"])
def plane(request: pytest.FixtureRequest) -> str:
    """By which the flows go."""
    return str(request.param)


@pytest.fixture(scope="module")
def examined(plane: str) -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start(plane=plane)
        yield lab["a"]


@pytest.fixture(scope="module")
def results(examined: Host, plane: str) -> Iterator[list[doctor.Result]]:
    yield doctor.examine(examined.runtime_dir, plane=plane, trap=True)


def test_no_unexplained_difference(results: list[doctor.Result]) -> None:
    different = [result for result in results if result.verdict == "different"]
    lines = [f"{r.id}: {r.why}\n  native {r.native}\n  trap   {r.shim}" for r in different]
    assert not different, "\n" + "\n".join(lines)


def test_every_refusal_of_the_trap_is_still_needed(
    results: list[doctor.Result], plane: str
) -> None:
    """A difference that has gone is not documented any longer."""
    used = {result.why for result in results if result.verdict == "refused"}
    only = ("local", "trap") if plane == "local" else ("trap",)
    own = [one for one in REFUSALS if one.only == only and not one.sometimes]
    assert [one.why for one in own if one.why not in used] == []


def test_the_flows_were_ours(results: list[doctor.Result]) -> None:
    """Not the kernel's: it lists none of them."""
    [listed] = [result for result in results if result.id == "plane.listed.tcp4"]
    assert (listed.native, listed.shim) == ("[True, True]", "[False, False]")


def test_nothing_is_left_behind(results: list[doctor.Result], examined: Host) -> None:
    assert results
    within(5, lambda: examined.status()["flows"] == [])


def test_the_command(host: Host) -> None:
    """The JSON is as the schema says, and the exit code is the verdict."""
    words = ["doctor", "--trap", "--json", "--runtime-dir", str(host.runtime_dir), "names.bound"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert {check["verdict"] for check in document["checks"]} == {"same"}
