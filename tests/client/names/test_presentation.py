"""scaffold_inet_pton and its family: names where addresses are read and shown."""

import ipaddress
import subprocess
from pathlib import Path

import pytest

from scaffold import paths
from scaffold.lab import Lab

HERE = Path(__file__).parent
LONG = "a-service-with-a-name.demo.scaffold"
BEHIND = ["::ffff:a.b.scaffold", "0:0:0:0:0:FFFF:a.b.scaffold", "64:ff9b::a.b.scaffold"]
BESIDE = ["::ffff:a.b.scaffold:80", ":a.b.scaffold", "0:0:0:0:0:0:ffff:a.b.scaffold"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By text: three lines, IPv4's, IPv6's, and inet_aton's."""
    program = tmp_path_factory.mktemp("presentation") / "presentation"
    library = paths.part("libscaffold.so")
    include = HERE.parents[2] / "libscaffold/include"
    subprocess.run(
        [
            *["gcc", "-Wall", "-Werror", "-I", include, HERE / "presentation.c", "-o", program],
            *[library, f"-Wl,-rpath,{library.parent}"],
        ],
        check=True,
        timeout=60,
    )
    texts = [
        LONG,
        "a.b.scaffold",
        *BEHIND,
        *BESIDE,
        "192.0.2.1",
        "2001:db8::1",
        "example.org",
        "..scaffold",
    ]
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        done = lab["a"].run([program, *texts], shim=False)
        assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return {text: lines[3 * at : 3 * at + 3] for at, text in enumerate(texts)}


def test_names_are_addresses_and_are_shown(answers: dict[str, list[str]]) -> None:
    for text in (LONG, "a.b.scaffold"):
        four, six, old = (line.split() for line in answers[text])
        assert "." in four[0]
        assert ":" in six[0]
        assert four[1] == six[1] == text
        assert old == ["1", text, "1"]


def test_a_name_that_does_not_fit_is_a_number(answers: dict[str, list[str]]) -> None:
    four, six, _ = (line.split() for line in answers[LONG])
    assert four[2] == four[0]
    assert six[2] in (six[0], "ENOSPC")
    assert answers["a.b.scaffold"][0].split()[2] == "a.b.scaffold"


def test_what_was_shown_is_read_behind_a_prefix(answers: dict[str, list[str]]) -> None:
    shown = answers["a.b.scaffold"][0].split()[0]
    for text in BEHIND:
        expected = ipaddress.IPv6Address(text.replace("a.b.scaffold", shown))
        assert ipaddress.IPv6Address(answers[text][1].split()[0]) == expected
        assert answers[text][0] == "no address"
    for text in BESIDE:
        assert answers[text][:2] == ["no address", "no address"]


def test_other_texts_are_libcs(answers: dict[str, list[str]]) -> None:
    assert answers["192.0.2.1"] == ["192.0.2.1 " * 2 + "192.0.2.1", "no address", "1 192.0.2.1 1"]
    assert answers["2001:db8::1"][1] == "2001:db8::1 " * 2 + "2001:db8::1"
    for text in ("example.org", "..scaffold"):
        assert answers[text] == ["no address", "no address", "0 0.0.0.0 1"]
