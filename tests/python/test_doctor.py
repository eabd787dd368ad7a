"""The doctor's own parts: names, rows, refusals and their page; tests/shim runs the checks."""

from pathlib import Path

import pytest

from scaffold import doctor
from scaffold.doctor import machine, page, verbs
from scaffold.doctor.refusals import REFUSALS, Refusal, refusal_of
from scaffold.doctor.rows import ROWS
from scaffold.doctor.table import CHECKS
from scaffold.errors import ServiceError

PAGE = Path(__file__).parents[2] / "docs/reference/differences.md"


def test_there_are_enough() -> None:
    kinds = {check.kind.name for check in CHECKS.values()}
    assert kinds == {"tcp4", "tcp6", "tcpmapped", "udp4", "udp6", "udpmapped"}
    assert len({check.ask for check in CHECKS.values()}) >= 150


def test_every_row_has_evidence() -> None:
    named = {row for check in CHECKS.values() for row in check.rows}
    assert named <= ROWS.keys()
    assert [key for key, row in ROWS.items() if key not in named and not row.elsewhere] == []


def test_every_check_says_what_it_asks() -> None:
    assert [name for name, check in CHECKS.items() if not check.ask.__doc__] == []


def test_every_refusal_has_checks_and_a_reason() -> None:
    for refusal in REFUSALS:
        assert refusal.why
        for pattern in refusal.ids:
            assert doctor.chosen([pattern])


def test_a_refusal_is_for_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = (Refusal(("connect.*.tcp4",), ("'EPERM'",), "because"),)
    monkeypatch.setattr("scaffold.doctor.refusals.REFUSALS", refusals)
    assert refusal_of("connect.refused.tcp4", "'EPERM'") == refusals[0]
    assert refusal_of("connect.refused.tcp4", "'EINTR'") is None
    assert refusal_of("connect.refused.tcp6", "'EPERM'") is None


def test_a_port_that_somebody_else_has_by_chance_is_no_answer() -> None:
    """Natively the ports are shared with whatever else runs, and with what ran a minute ago."""
    taken = iter(["EADDRINUSE", ("ok", "EADDRINUSE"), "ok"])
    assert verbs.of_a_few_ports(lambda: next(taken)) == "ok"
    assert verbs.of_a_few_ports(lambda: "EADDRINUSE") == "EADDRINUSE"


def test_the_page_is_up_to_date() -> None:
    """python -m scaffold.doctor.page docs/reference/differences.md"""
    assert PAGE.read_text() == page.text()


def test_checks_are_chosen_by_name() -> None:
    assert all(name.startswith("connect.refused.") for name in doctor.chosen(["connect.refused"]))
    assert len(doctor.chosen(["connect.refused"])) == 3
    assert len(doctor.chosen(["*.tcp6"])) > 50
    with pytest.raises(ServiceError, match="no check is called nosuch"):
        doctor.chosen(["nosuch"])


def test_the_machine_without_a_scaffoldd(tmp_path: Path) -> None:
    facts = {fact.name: fact for fact in machine.facts(tmp_path)}
    assert not facts["scaffoldd"].good
    assert "scaffold up" in facts["scaffoldd"].text
    assert facts["shim"].good
    assert facts["pidfd"].good


@pytest.mark.parametrize(
    ("value", "good"), [("", True), ("./shim.so", False), ("/nosuch/shim.so", False)]
)
def test_a_preload_that_cannot_work(
    value: str, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD", value)
    [fact] = [fact for fact in machine.facts(tmp_path) if fact.name == "LD_PRELOAD"]
    assert fact.good is good
