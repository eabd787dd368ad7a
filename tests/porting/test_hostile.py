"""Source that nobody should write: reported per file, and everything else is looked at."""

import os
from pathlib import Path

import pytest

from scaffold_port import analyze as module
from scaffold_port.analyze import analyze, analyze_file

GOOD = "int f(int s) { return listen(s, 5); }\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "good.c").write_text(GOOD)
    return tmp_path


def only_good(tree: Path, reasons: dict[str, str]) -> None:
    report = analyze([tree], jobs=1)
    assert [(Path(one.path).name, one.call) for one in report.findings] == [("good.c", "listen")]
    assert {Path(one.path).name: one.reason for one in report.not_analysed} == reasons


def test_a_line_of_50_megabytes(tree: Path) -> None:
    (tree / "long.c").write_bytes(b"int x = " + b"1 + " * (50 << 18) + b"1;")
    only_good(tree, {"long.c": "larger than 16 MiB"})


def test_a_long_line_within_the_limit(tree: Path) -> None:
    (tree / "long.c").write_bytes(
        b"int f(int s) { return " + b"1 + " * 50000 + b"connect(s, 0, 0); }"
    )
    report = analyze([tree])
    found = next(one for one in report.findings if one.call == "connect")
    assert found.column > 200000
    assert len(found.text) <= 300


def test_bytes_that_are_no_text(tree: Path) -> None:
    (tree / "bytes.c").write_bytes(bytes(range(256)) * 400)
    (tree / "zeros.c").write_bytes(b"\0" * 5000 + b"socket" + b"\0" * 5000)
    (tree / "latin.c").write_bytes(b'/* \xe9\xff */ int x; const char *a = "\xff connect(";\n')
    only_good(tree, {})


def test_python_that_is_none(tree: Path) -> None:
    (tree / "two.py").write_text("import socket\nprint 'two'\n")
    (tree / "latin.py").write_bytes(b"import socket\n# \xff\n")
    report = analyze([tree], jobs=1)
    assert {Path(one.path).name for one in report.not_analysed} == {"two.py", "latin.py"}
    assert all(one.reason.startswith("not Python") for one in report.not_analysed)
    assert len(report.findings) == 1


def test_links_in_a_circle(tree: Path) -> None:
    (tree / "loop").symlink_to(tree)
    (tree / "self.c").symlink_to("self.c")
    (tree / "gone.c").symlink_to("nowhere.c")
    (tree / "again.c").symlink_to("good.c")
    report = analyze([tree])
    assert len(report.findings) == 1
    assert {Path(one.path).name for one in report.not_analysed} == {"self.c", "gone.c"}
    assert report.skipped["link to a folder"] == 1
    assert report.skipped["seen before"] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_cannot_be_read(tree: Path) -> None:
    (tree / "secret.c").write_text(GOOD)
    (tree / "secret.c").chmod(0)
    only_good(tree, {"secret.c": "permission denied"})


def test_a_file_that_is_deleted_meanwhile(tree: Path) -> None:
    result = analyze_file((str(tree / "deleted.c"), "c"))
    assert [one.reason for one in result.not_analysed] == ["no such file or directory"]


def test_what_is_no_file(tree: Path) -> None:
    os.mkfifo(tree / "pipe.c")
    report = analyze([tree])
    assert report.skipped["no regular file"] == 1


def test_conditions_without_end(tree: Path) -> None:
    (tree / "bomb.c").write_text("#ifdef A\n" * 20000 + GOOD + "#endif\n" * 5)
    (tree / "more.c").write_text("#if 1\n#else\n#endif\n" * 20000 + GOOD.replace("f", "g"))
    report = analyze([tree])
    calls = [one for one in report.findings if one.call == "listen"]
    assert len(calls) == 3
    assert max(len(one.ifdef) for one in calls) == 200


def test_deep_nesting(tree: Path) -> None:
    (tree / "deep.c").write_text("int x = " + "(" * 20000 + "socket(1, 2, 3)" + ")" * 20000 + ";")
    (tree / "deep.py").write_text("import socket\nx = " + "(" * 3000 + "1" + ")" * 3000 + "\n")
    report = analyze([tree])
    assert {one.call for one in report.findings} == {"listen", "socket"}
    assert [one.reason for one in report.not_analysed] == [
        "nested deeper than 1000: looked at word by word",
        "nested deeper than 200, which no Python takes",
    ]


def crash(words: tuple[str, str], cache: object = None) -> object:
    if words[0].endswith("bad.c"):
        os.kill(os.getpid(), 11)
    return analyze_file(words)


def test_a_parser_that_crashes(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for whatever else can be wrong with a parser in C."""
    (tree / "bad.c").write_text(GOOD)
    monkeypatch.setattr(module, "analyze_file", crash)
    report = analyze([tree], jobs=2)
    assert [one.reason for one in report.not_analysed] == ["the parser crashed"]
    assert len(report.findings) == 1


def test_a_rule_that_fails_is_no_silence(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, "check_c", fail)
    report = analyze([tree], jobs=1)
    assert [one.reason for one in report.not_analysed] == ["the analysis failed: broken"]
