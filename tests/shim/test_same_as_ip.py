"""Every check of `scaffold doctor`, natively and under the shim, preloaded or with --trap, on both
planes: no unexplained difference.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Manner:
    plane: str
    """By which the flows go."""
    trap: bool

    @property
    def only(self) -> tuple[str, ...]:
        """Of the refusals that there are in this manner alone."""
        return ("local",) * (self.plane == "local") + ("trap",) * self.trap


MANNERS = [Manner(plane, trap) for trap in (False, True) for plane in ("user", "local")]


@pytest.fixture(scope="module", params=MANNERS, ids=lambda m: "-".join(m.only) or "user")
def manner(request: pytest.FixtureRequest) -> Manner:
    assert isinstance(request.param, Manner)
    return request.param


@pytest.fixture(scope="module")
def examined(manner: Manner) -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start(plane=manner.plane)
        yield lab["a"]


@pytest.fixture(scope="module")
def results(examined: Host, manner: Manner) -> Iterator[list[doctor.Result]]:
    yield doctor.examine(examined.runtime_dir, plane=manner.plane, trap=manner.trap)


def test_no_unexplained_difference(results: list[doctor.Result]) -> None:
    different = [result for result in results if result.verdict == "different"]
    lines = [f"{r.id}: {r.why}\n  native {r.native}\n  shim   {r.shim}" for r in different]
    assert not different, "\n" + "\n".join(lines)


def test_every_refusal_is_still_needed(results: list[doctor.Result], manner: Manner) -> None:
    """A difference that has gone is not documented any longer."""
    used = {result.why for result in results if result.verdict == "refused"}
    own = [one for one in REFUSALS if not one.sometimes and one.only == manner.only]
    assert [one.why for one in own if one.why not in used] == []


def test_the_flows_were_ours(results: list[doctor.Result]) -> None:
    """Not the kernel's: it lists none of them."""
    [listed] = [result for result in results if result.id == "plane.listed.tcp4"]
    assert (listed.native, listed.shim) == ("[True, True]", "[False, False]")


def test_nothing_is_left_behind(results: list[doctor.Result], examined: Host) -> None:
    assert results
    within(5, lambda: examined.status()["flows"] == [])


def test_each_plane_has_a_scaffoldd_of_its_own() -> None:
    """With --plane, whatever else runs."""
    words = ["doctor", "--json", "--plane", "local", "poll.data_and_end.tcp4", "names.bound"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    verdicts = {check["id"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
    assert verdicts.pop("poll.data_and_end.tcp4") == "refused"
    assert set(verdicts.values()) == {"same"}


@pytest.mark.parametrize("flags", [[], ["--trap"]], ids=["preload", "trap"])
def test_the_command(flags: list[str], shared_host: Host) -> None:
    """The JSON is as the schema says, and the exit code is the verdict."""
    folder = str(shared_host.runtime_dir)
    words = ["doctor", *flags, "--json", "--runtime-dir", folder, "names"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert {check["id"].split(".")[0] for check in document["checks"]} == {"names"}


def test_a_difference_is_an_exit_code(shared_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.doctor.refusals.REFUSALS", ())
    words = ["doctor", "--runtime-dir", str(shared_host.runtime_dir), "plane"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "not documented" in " ".join(done.output.split())
    assert "Machine" in done.output


def test_errors_of_the_children_are_seen(
    shared_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that cannot start is a failure of every check, not a table without rows."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    [result] = doctor.examine(shared_host.runtime_dir, ["names.bound.tcp4"])
    assert result.verdict == "different"
    assert "no answer" in result.native
