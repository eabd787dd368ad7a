"""What a person said of findings that were drawn from programs nobody had looked at before:
whether somebody who ports the program has to look there (judged.toml to judged-7.toml).

The goals: of ten findings *to decide* eight deserve it, of a hundred that are *context* at most one
would have, and what is surer deserves it more often. What they were when they were drawn stands in
docs/decisions/0034. Rules were fitted to all lists since, so that what they reach now proves
little: the next draw does.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scaffold_port.findings import ASKED as ASKED_AT
from scaffold_port.findings import CONFIDENCES
from verify.judged import GROUPS, Drawn, analysed, read

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

LISTS = tuple(f"judged{number}.toml" for number in ("", "-2", "-3", "-4", "-5", "-6", "-7"))
to_reach_the_goals = pytest.mark.parametrize("judged", LISTS[1:5], indirect=True)
"""Rules have hardly changed since the last two."""
DECIDE_LEAST = 0.8
CONTEXT_MOST = 0.01
FEW = 5
"""A share of fewer says nothing."""

GONE = "no finding"
"""Nobody is asked there, and nothing is renamed."""
ASKED = "asked before"
"""Context, because its function or its file has the question already. Where that is about another
matter, `covered` is false."""

Judged = tuple[dict[str, Any], str, str]
"""An entry of the list, the group that its place has, and the confidence."""
Places = dict[tuple[str, str, str, str], list[Drawn]]


@pytest.fixture(scope="module", params=LISTS)
def judged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Judged]:
    """Each finding of the list, and what the rules make of its place."""
    listed = _listed(request.param)
    found: Places = {}
    for one in analysed(listed["sources"], tmp_path_factory.mktemp("sources")):
        finding = one.finding
        key = (one.program, finding.path, finding.rule, finding.text.strip())
        found.setdefault(key, []).append(one)
    return [(entry, *_as_of_now(entry, found)) for entry in listed["finding"]]


def _listed(name: str) -> dict[str, Any]:
    return read(Path(__file__).with_name(name))


def _as_of_now(entry: dict[str, Any], found: Places) -> tuple[str, str]:
    """Of the nearest with the same text: a distribution's changes move lines."""
    path, _, line = entry["place"].rpartition(":")
    same = [
        (abs(one.finding.line - int(line)), one.finding.call != entry["call"], one.finding)
        for one in found.get((entry["program"], path, entry["rule"], entry["text"]), [])
    ]
    if not same:
        return GONE, ""
    _, _, nearest = min(same, key=lambda one: (*one[:2], one[2].rank))
    asked = nearest.left.startswith(ASKED_AT) and entry.get("covered", True)
    return ASKED if asked else nearest.group, nearest.confidence


def share(judged: list[Judged], group: str, confidence: str = "") -> tuple[float, int]:
    """How many of them somebody has to look at, of how many."""
    verdicts = [
        entry["verdict"]
        for entry, now, sure in judged
        if now == group and sure.startswith(confidence)
    ]
    return sum(verdicts) / max(1, len(verdicts)), len(verdicts)


@pytest.mark.parametrize("name", LISTS)
def test_the_list_is_whole(name: str) -> None:
    listed = _listed(name)["finding"]
    assert len(listed) == 300
    assert len({(one["program"], one["place"], one["rule"]) for one in listed}) == 300
    assert all(one["why"].endswith(".") for one in listed)


def test_shares_are_kept(judged: list[Judged], figures: dict[str, float]) -> None:
    for group in GROUPS:
        for confidence in ("", *CONFIDENCES):
            part, count = share(judged, group, confidence)
            if count:
                name = f"{group}_{confidence or 'all'}"
                figures |= {name: round(part, 3), f"{name}_of": count}
    print("\n".join(f"{name}: {value}" for name, value in figures.items()))


def misses(reason: str) -> pytest.MarkDecorator:
    """More than CONTEXT_MOST."""
    return pytest.mark.xfail(raises=AssertionError, reason=reason)


@to_reach_the_goals
def test_what_is_asked_deserves_it(judged: list[Judged]) -> None:
    assert share(judged, "decide")[0] >= DECIDE_LEAST


@pytest.mark.parametrize(
    "judged",
    [
        *LISTS[:2],
        pytest.param(LISTS[2], marks=misses("6 of 150: reverse names, a look-up for Kerberos")),
        pytest.param(LISTS[3], marks=misses("4 of 190: each one of a kind")),
        pytest.param(LISTS[4], marks=misses("3 of 171: a connection back to the client, PEX")),
        pytest.param(LISTS[5], marks=misses("3 of 234: a host's name, a portmapper, an exec")),
        pytest.param(LISTS[6], marks=misses("7 of 190: a list of peers, and libzmq's own binding")),
    ],
    indirect=True,
)
def test_what_is_not_asked_deserves_nothing(judged: list[Judged]) -> None:
    assert share(judged, "context")[0] <= CONTEXT_MOST


@to_reach_the_goals
def test_confidence_sorts(judged: list[Judged]) -> None:
    shares = [share(judged, "decide", confidence) for confidence in CONFIDENCES]
    parts = [part for part, count in shares if count >= FEW]
    assert all(surer >= other for surer, other in pairwise(parts))


def _right(group: str, verdict: bool) -> bool:
    return group in ("decide", ASKED) if verdict else group != "decide"


def test_groups_are_those_of_the_draw(judged: list[Judged]) -> None:
    """Or better ones: what deserves a look is asked about, the rest is not. `since` is what rules
    that ask more have made of one."""
    worse = [
        f"{entry['program']} {entry['place']} {entry['rule']}: {now}"
        for entry, now, _ in judged
        if now != entry.get("since", entry["group"]) and not _right(now, entry["verdict"])
    ]
    assert worse == []
