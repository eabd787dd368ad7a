"""Each kind of change has lines that must be found, and lines that must not."""

import re
from pathlib import Path

import pytest

from scaffold_port.analyze import analyze
from scaffold_port.change.tree import changes
from scaffold_port.kinds import KINDS
from scaffold_port.questions import CHECKED, RECEIVED
from scaffold_port.rules import RULES
from scaffold_port.rules.examples import EXAMPLES
from scaffold_port.rules.page import pages
from scaffold_port.rules.rule import Rule

FIXTURES = Path(__file__).with_name("fixtures")
_EXPECT = re.compile(r"expect: ([a-z\- ]+)")


def expected(path: Path) -> list[tuple[int, str]]:
    lines = enumerate(path.read_text().splitlines(), 1)
    return sorted(
        (number, rule)
        for number, line in lines
        if (match := _EXPECT.search(line))
        for rule in match[1].split()
    )


@pytest.mark.parametrize("path", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_fixture(path: Path) -> None:
    report = analyze([path])
    assert sorted((one.line, one.rule) for one in report.findings) == expected(path)
    assert report.not_analysed == []


def test_every_kind_has_a_rule_and_is_found() -> None:
    assert sorted(rule.kind for rule in RULES) == [one.number for one in KINDS]
    report = analyze([FIXTURES])
    assert {one.kind for one in report.findings} == {one.number for one in KINDS}


def test_the_pages_are_up_to_date() -> None:
    """python -m scaffold_port.rules.page docs/reference/rules"""
    folder = Path(__file__).parents[2] / "docs/reference/rules"
    assert {path.name: path.read_text() for path in folder.iterdir()} == pages()


def test_a_check_is_not_made_weaker() -> None:
    """A name is read as an address where the address goes somewhere, and the text is a user's."""
    found = analyze([FIXTURES / "origin.c"]).findings
    asked = {one.function: one.question for one in found if one.question}
    assert asked == {"is_address": CHECKED, "proxy": RECEIVED}
    assert sum(one.automatic for one in found if one.function == "option") == 4


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_examples_of_the_pages(rule: Rule, tmp_path: Path) -> None:
    """The rule finds what stands before, and `rewrite` makes the rest of it where it can."""
    file, frame = tmp_path / "a.c", "#include <errno.h>\n{}int f(int s)\n{{\n{}\n}}\n"
    example = EXAMPLES[rule.id]
    file.write_text(frame.format("", example.before))
    assert rule.id in {one.rule for one in analyze([file], jobs=1).findings}
    if rule.fix:
        [(_, _, new)] = changes(analyze([file], jobs=1))
        ours = "#include <scaffold/scaffold.h>\n"
        assert new.decode() == frame.format(ours, example.after)


def test_findings_say_where_they_are() -> None:
    report = analyze([FIXTURES / "call.c"])
    accept4 = next(one for one in report.findings if one.call == "accept4")
    assert (accept4.function, accept4.ifdef) == ("serve", ("#ifdef WITH_ACCEPT4",))
    assert accept4.text[accept4.column - 1 : accept4.end_column - 1] == "accept4"
    assert accept4.fix == "scaffold_accept4"
    accept = next(one for one in report.findings if one.call == "accept")
    assert (accept.function, accept.confidence) == ("TAKE", "medium")
    pointers = [one for one in report.findings if one.function == "chosen"]
    assert {one.confidence for one in pointers} == {"medium"}
    assert {one.fix for one in pointers} >= {"scaffold_connect", "scaffold_listen"}
    assert report.findings[-1].function == "broken"
