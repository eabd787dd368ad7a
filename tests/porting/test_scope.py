"""What `rewrite` leaves alone, and says so."""

from pathlib import Path, PurePath

import pytest

from scaffold_port.analyze import analyze
from scaffold_port.c.expression import truth
from scaffold_port.ported import rewrite
from scaffold_port.scope import left_alone

KNOWN = {"OURS": True, "THEIRS": False}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("defined(THEIRS)", False),
        ("defined OURS", True),
        ("!defined(THEIRS)", True),
        ("defined(THEIRS) || defined(OTHER)", None),
        ("defined(THEIRS) && defined(OTHER)", False),
        ("defined(OURS) || defined(OTHER)", True),
        ("!(defined(THEIRS) && OTHER) && OURS", True),
        ("OURS == 3", None),
        ("OTHER > 2 || OURS", True),
        ("THEIRS", False),
        ("defined(OURS) &&", None),
        ("(OURS", None),
        ("", None),
        ("(" * 900 + "THEIRS" + ")" * 900, None),
        ("defined(THEIRS) …", None),
        ("defined(THEIRS) || …", None),
    ],
)
def test_conditions_of_three_values(text: str, value: bool | None) -> None:
    assert truth(text, KNOWN) is value


@pytest.mark.parametrize(
    "ifdef",
    [
        ("#ifdef _WIN32",),
        ("#if HAVE_X", "#if defined(__APPLE__) || defined(WIN32)"),
        ("#else of #ifndef _WIN32",),
        ("#else of #if defined(__linux__)",),
        ("#ifndef __linux__",),
        ("#elif defined(__sun)",),
    ],
)
def test_other_systems(ifdef: tuple[str, ...]) -> None:
    assert left_alone(PurePath("src/a.c"), ifdef) == "code for another system"


@pytest.mark.parametrize(
    "ifdef",
    [(), ("#ifndef _WIN32",), ("#else of #ifdef _WIN32",), ("#if _WIN32 || HAVE_X",), ("#if 0",)],
)
def test_ours_and_what_may_be_ours(ifdef: tuple[str, ...]) -> None:
    assert left_alone(PurePath("src/a.c"), ifdef) == ""


@pytest.mark.parametrize(
    "path",
    [
        *("network_io/win32/a.c", "compat/win/a.c", "src/unix/aix.c", "src/ipc_win32.cc"),
        *("src/route-hpux.c", "compat/os/mswindows.h", "src/net.freebsd.c"),
    ],
)
def test_files_of_other_systems(path: str) -> None:
    assert left_alone(PurePath(path), ()) == "code for another system"


@pytest.mark.parametrize(
    "path",
    ["main_win.c", "linux.c", "openbsd-compat/bsd-poll.c", "aix_socket_server.c", "ossolaris.c"],
)
def test_files_that_may_be_ours(path: str) -> None:
    assert left_alone(PurePath(path), ()) == ""


def test_folders_and_tests() -> None:
    assert left_alone(PurePath("testenv/a.py"), ()) == "a test of the program"
    for path in (
        "test/a.c",
        "a/tests/b.c",
        "regression-tests/a.c",
        "t/a.c",
        "testapp.c",
        "test_a.c",
        "a-test.c",
        "test.c",
    ):
        assert left_alone(PurePath(path), ()) == "a test of the program"
    for path in ("attest.c", "src/contest.c", "latest/a.c", "testify.c", "testimony/a.c"):
        assert left_alone(PurePath(path), ()) == ""


def test_they_are_reported_and_stay(tmp_path: Path) -> None:
    text = "int f(int s)\n{\n#ifdef _WIN32\n  listen(s, 1);\n#else\n  listen(s, 2);\n#endif\n}\n"
    for name in ("tests/a.c", "b.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {(Path(one.path).name, one.line): one.left for one in analyze([tmp_path]).findings}
    assert found == {
        ("a.c", 4): "code for another system",
        ("a.c", 6): "a test of the program",
        ("b.c", 4): "code for another system",
        ("b.c", 6): "",
    }
    assert rewrite(tmp_path) == 1
    assert (tmp_path / "tests/a.c").read_text() == text
    new = (tmp_path / "b.c").read_text()
    assert "  listen(s, 1);" in new
    assert "scaffold_listen(s, 2)" in new
    assert rewrite(tmp_path / "tests") == 1  # given by name they are meant


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        (" || ".join(["defined(_WIN32)"] * 9), "code for another system"),
        (" || ".join(["defined(_WIN32)"] * 9 + ["defined(HAVE_X)"]), ""),
        (" || ".join(["defined(_WIN32)"] * 900 + ["defined(HAVE_X)"]), ""),
    ],
)
def test_long_conditions(condition: str, left: str, tmp_path: Path) -> None:
    """Are read to their end, or decide nothing."""
    path = tmp_path / "a.c"
    path.write_text(f"#if {condition}\nint f(int s) {{ return listen(s, 1); }}\n#endif\n")
    [finding] = analyze([tmp_path]).findings
    assert finding.left == left
