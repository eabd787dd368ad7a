"""Source that nobody should write: reported per file, and everything else is looked at."""

import faulthandler
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold_port import analyze as module
from scaffold_port.analyze import analyze, analyze_file

GOOD = "int f(int s) { return listen(s, 5); }\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "good.c").write_text(GOOD)
    return tmp_path


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [Path(sys.executable).with_name("scaffold-port"), "analyze", "--no-cache", *words]
    return subprocess.run([*command, folder], capture_output=True, text=True)


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
        faulthandler.disable()  # nobody wants to read of it
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

    monkeypatch.setattr("scaffold_port.c.check.check", fail)
    report = analyze([tree], jobs=1)
    assert [one.reason for one in report.not_analysed] == ["the analysis failed: broken"]


@pytest.mark.parametrize(
    "body",
    [
        "if (a) connect(1, 0, 0); else " * 2000 + ";",
        "return connect(1, 0, 0)" + " + connect(1, 0, 0)" * 2000 + ";",
        "connect(1, 0, 0);" * 20000,
        "connect(" * 20000,
    ],
)
def test_deep_and_rich_code(body: str, tmp_path: Path) -> None:
    """Looked at word by word, and said so; it took minutes, and lines of megabytes."""
    (tmp_path / "a.c").write_text("int f(int a) { " + body + "}\n")
    (tmp_path / "b.c").write_text("int g(int s) { return listen(s, 1); }\n")
    done = run(tmp_path)
    assert done.returncode == 4
    assert "word by word" in done.stdout
    assert "b.c:1:23: " in done.stdout
    assert len(done.stdout) < 20_000_000


def test_names_of_files(tmp_path: Path) -> None:
    """Of any bytes, in one line each, in every format."""
    for name in (b"\xff.c", b"two\nlines.c"):
        (tmp_path / os.fsdecode(name)).write_text(GOOD)
    for form in ("text", "json", "sarif", "markdown", "html"):
        done = run(tmp_path, "--format", form)
        assert done.returncode == 0, done.stderr
        assert "\nlines.c" not in done.stdout
    assert "\\xff.c:1" in run(tmp_path).stdout
    assert "two\\x0alines.c:1" in run(tmp_path).stdout


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1, "findings": {"a": "b"}}'])
def test_no_baseline(text: str, tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text(text)
    done = run(tmp_path, "--baseline", str(tmp_path / "base.json"))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "no baseline" in done.stderr


def test_nowhere_to_write(tmp_path: Path) -> None:
    for words in (["-o", str(tmp_path)], ["--write-baseline", str(tmp_path / "none/base")]):
        done = run(tmp_path, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
